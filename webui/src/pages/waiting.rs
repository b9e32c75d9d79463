//! *Waiting for me*: what a reviewer can decide, several at once.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use jit_access_core::approval::waits_for;
use jit_access_core::decision::approve_until;
use jit_access_crds::{AccessRequest, DecisionKind};
use kube::ResourceExt;
use tokio::time::Instant;

use super::decide::{is_shown, one_line, write};
use super::{Frame, Tab, live, render};
use crate::app::{App, Shared};
use crate::cluster::Fault;
use crate::form::{FormBody, QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::moment::Moment;
use crate::view::{BindingView, RequestView, concerns, plan_bindings, starts};

/// Most decisions in one go.
const MOST: usize = 50;
/// Written beside each other: each takes as long as the API server, and its watch.
const AT_ONCE: usize = 10;
/// All of them together take no longer: a load balancer would give up, and say nothing of what was done.
const WITHIN: Duration = Duration::from_secs(20);

/// A request by its name and UID, as the page showed it.
type Shown = (String, String);

/// A request with what it would give.
struct Item {
    request: RequestView,
    bindings: Vec<BindingView>,
    /// Until when an approval counts.
    approve_until: Moment,
    chosen: bool,
}

/// Decisions that were not written, all for the same reason.
struct Failure {
    headline: &'static str,
    is_unsure: bool,
    sentence: String,
    said: Option<String>,
    /// Names, with who asks for what where that may be told.
    requests: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    frame: Frame,
    items: Vec<Item>,
    done: String,
    problem: String,
    failures: Vec<Failure>,
    comment: String,
}

/// What waits for the person.
pub async fn show(
    State(app): Shared,
    me: SignedIn,
    QueryString(fields): QueryString,
) -> Result<Response, Unreadable> {
    let count = |text: &str| text.parse::<u8>();
    let done = match (count(fields.one("approved")?), count(fields.one("denied")?)) {
        (Ok(number), _) => format!("Approved: {number}."),
        (_, Ok(number)) => format!("Denied: {number}."),
        _ => String::new(),
    };
    let page = WaitingPage {
        done,
        ..page(&app, &me.email, &[])
    };
    Ok(render(StatusCode::OK, &page))
}

/// Decides about all that are chosen, each exactly as it was shown.
pub async fn decide(
    State(app): Shared,
    me: SignedIn,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let kind = match fields.one("decision")? {
        "approve" => Some(DecisionKind::Approved),
        "deny" => Some(DecisionKind::Denied),
        _ => None,
    };
    let chosen: BTreeSet<Shown> = fields
        .all("request")
        .into_iter()
        .filter_map(|one| one.split_once('/'))
        .map(|(name, uid)| (name.to_owned(), uid.to_owned()))
        .collect();
    let chosen: Vec<Shown> = chosen.into_iter().collect();
    let comment = one_line(fields.one("comment")?);
    let refuse = |problem: &str| {
        let page = WaitingPage {
            problem: problem.to_owned(),
            comment: comment.clone(),
            ..page(&app, &me.email, &chosen)
        };
        Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
    };
    let Some(kind) = kind else {
        return refuse(
            "It was not said whether to approve or to deny: use the buttons of the page.",
        );
    };
    if chosen.is_empty() {
        return refuse("Choose at least one request.");
    }
    if chosen.len() > MOST {
        return refuse("These are too many at once: choose at most 50.");
    }
    if let Err(why) = app.cluster.check_comment(&me.email, &comment) {
        return refuse(&format!("This was not done. {}", why.sentence));
    }
    let deadline = Instant::now() + WITHIN;
    let writes: Vec<_> = chosen
        .iter()
        .map(|shown| write_by(deadline, &app, &me.email, kind, shown, &comment))
        .collect();
    let results: Vec<Result<(), Fault>> = stream::iter(writes).buffered(AT_ONCE).collect().await;
    let (word, said) = match kind {
        DecisionKind::Approved => ("approved", "Approved"),
        _ => ("denied", "Denied"),
    };
    let done = results.iter().filter(|result| result.is_ok()).count();
    if done == chosen.len() {
        return Ok(Redirect::to(&format!("/waiting?{word}={done}")).into_response());
    }
    let not_done: Vec<(Shown, Fault)> = chosen
        .iter()
        .zip(results)
        .filter_map(|(shown, result)| Some((shown.clone(), result.err()?)))
        .collect();
    let status = if not_done.iter().any(|(_, why)| why.is_unsure()) {
        StatusCode::BAD_GATEWAY
    } else {
        StatusCode::CONFLICT
    };
    let failures = failures(&app, &me.email, &not_done);
    let left: Vec<Shown> = not_done.into_iter().map(|(shown, _)| shown).collect();
    let page = WaitingPage {
        done: if done > 0 {
            format!("{said}: {done}.")
        } else {
            String::new()
        },
        failures,
        comment,
        ..page(&app, &me.email, &left)
    };
    Ok(render(status, &page))
}

/// Decides about one request as it was shown, unless there is no time left for it.
async fn write_by(
    deadline: Instant,
    app: &App,
    me: &str,
    kind: DecisionKind,
    (name, uid): &Shown,
    comment: &str,
) -> Result<(), Fault> {
    // In memory alone, where the page had it from: whoever sends names that are not there costs nobody anything.
    let request = app.requests.get(name);
    let request = request
        .filter(|request| concerns(request, me) && is_shown(request, uid))
        .ok_or_else(Fault::other_request)?;
    if Instant::now() >= deadline {
        return Err(Fault::new(
            StatusCode::CONFLICT,
            "There was no time left for this, for the Kubernetes API server is slow: try again in a moment.",
        ));
    }
    let written = tokio::time::timeout_at(deadline, write(app, me, kind, request, comment));
    written.await.unwrap_or_else(|_| {
        Err(Fault::new(
            StatusCode::BAD_GATEWAY,
            "The Kubernetes API server did not answer in time. It is not known whether this was written: look at the request again in a moment.",
        ))
    })
}

/// What was not done, once for each reason.
fn failures(app: &App, me: &str, not_done: &[(Shown, Fault)]) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for ((name, _), why) in not_done {
        let request = app.requests.get(name);
        let about = request
            .filter(|request| concerns(request, me))
            .map(|request| format!("{} on {}", request.spec.requester, request.spec.resource));
        let request = (name.clone(), about.unwrap_or_default());
        let same = |known: &&mut Failure| known.sentence == why.sentence && known.said == why.said;
        match failures.iter_mut().find(same) {
            Some(known) => known.requests.push(request),
            None => failures.push(Failure {
                headline: why.headline(),
                is_unsure: why.is_unsure(),
                sentence: why.sentence.clone(),
                said: why.said.clone(),
                requests: vec![request],
            }),
        }
    }
    failures
}

fn page(app: &App, me: &str, chosen: &[Shown]) -> WaitingPage {
    let now = Timestamp::now();
    let catalogue = app.catalogue.current();
    let delegates = app.delegates();
    let waiting = app
        .requests
        .all(|request| waits_for(request, me, &delegates));
    let item = |request: &AccessRequest| {
        let planned = request
            .status
            .as_ref()
            .and_then(|status| status.plan.as_ref());
        let planned = planned
            .map(|plan| plan.bindings.clone())
            .unwrap_or_default();
        let requester = request.spec.requester.as_str();
        let others = app.requests.all(|other| other.spec.requester == requester);
        let name = request.name_any();
        let view = RequestView::new(request, &catalogue, app.cluster.me(), now);
        Item {
            bindings: plan_bindings(
                &planned,
                requester,
                &name,
                &others,
                &catalogue,
                (now, starts(request).unwrap_or(now)),
            ),
            approve_until: Moment::new(approve_until(request, &app.limits)),
            chosen: chosen.contains(&(name, view.uid.clone())),
            request: view,
        }
    };
    WaitingPage {
        frame: Frame::new(app, me, Tab::Waiting, "Waiting for me")
            .live_at(live::of_waiting(app, me)),
        // The one that waited longest first.
        items: waiting.iter().rev().map(item).collect(),
        done: String::new(),
        problem: String::new(),
        failures: Vec::new(),
        comment: String::new(),
    }
}
