//! *Waiting for me*: what a reviewer can decide, several at once.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use jit_access_core::approval::waits_for;
use jit_access_crds::{AccessRequest, DecisionKind};
use kube::ResourceExt;

use super::decide::write;
use super::{Frame, Tab, live, render};
use crate::app::{App, Shared};
use crate::cluster::Fault;
use crate::form::{FormBody, QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::view::{BindingView, RequestView, plan_bindings};

/// Most decisions in one go.
const MOST: usize = 50;
/// Written beside each other: each takes as long as the API server, and its watch.
const AT_ONCE: usize = 10;

/// A request with what it would give.
struct Item {
    request: RequestView,
    bindings: Vec<BindingView>,
    chosen: bool,
}

/// A decision that could not be written.
struct Failure {
    name: String,
    sentence: String,
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    frame: Frame,
    items: Vec<Item>,
    done: String,
    problem: &'static str,
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
    let chosen: BTreeSet<(String, String)> = fields
        .all("request")
        .into_iter()
        .filter_map(|one| one.split_once('/'))
        .map(|(name, uid)| (name.to_owned(), uid.to_owned()))
        .collect();
    let chosen: Vec<(String, String)> = chosen.into_iter().collect();
    let comment = fields.one("comment")?;
    let refuse = |problem| {
        let page = WaitingPage {
            problem,
            comment: comment.to_owned(),
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
    let writes: Vec<_> = chosen
        .iter()
        .map(|(name, uid)| write(&app, &me.email, kind, name, uid, comment))
        .collect();
    let results: Vec<Result<(), Fault>> = stream::iter(writes).buffered(AT_ONCE).collect().await;
    let failures: Vec<Failure> = chosen
        .iter()
        .zip(results)
        .filter_map(|((name, _), result)| {
            let why = result.err()?;
            Some(Failure {
                name: name.clone(),
                sentence: why.sentence,
                said: why.said,
            })
        })
        .collect();
    let done = chosen.len() - failures.len();
    let (word, said) = match kind {
        DecisionKind::Approved => ("approved", "Approved"),
        _ => ("denied", "Denied"),
    };
    if failures.is_empty() {
        return Ok(Redirect::to(&format!("/waiting?{word}={done}")).into_response());
    }
    let page = WaitingPage {
        done: if done > 0 {
            format!("{said}: {done}.")
        } else {
            String::new()
        },
        failures,
        comment: comment.to_owned(),
        ..page(&app, &me.email, &[])
    };
    Ok(render(StatusCode::CONFLICT, &page))
}

fn page(app: &App, me: &str, chosen: &[(String, String)]) -> WaitingPage {
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
        let view = RequestView::new(request, &catalogue, now);
        Item {
            bindings: plan_bindings(&planned, requester, &name, &others, &catalogue, now),
            chosen: chosen.contains(&(name, view.uid.clone())),
            request: view,
        }
    };
    WaitingPage {
        frame: Frame::new(app, me, Tab::Waiting, "Waiting for me")
            .live_at(live::of_waiting(app, me)),
        items: waiting.iter().map(item).collect(),
        done: String::new(),
        problem: "",
        failures: Vec::new(),
        comment: String::new(),
    }
}
