//! What will be granted, shown before it is asked for; and asking for it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jit_access_core::eligibility::{Eligible, Lookup};
use jit_access_core::grant::{Window, plan};
use jit_access_core::limits::format_duration;
use jit_access_core::request::{ValidRequest, name_beginning};
use jit_access_crds::{
    ACCESS_LEVELS_ANNOTATION, AccessRequest, AccessRequestSpec, CREATED_BY_ANNOTATION,
    DEVICE_ID_ANNOTATION,
};
use kube::ResourceExt;

use super::ask::{UNSURE, with_problems};
use super::{Frame, Tab, render};
use crate::app::{App, Shared, is_name};
use crate::ask::{Ask, Problem};
use crate::cluster::Fault;
use crate::form::{FormBody, Unreadable};
use crate::iap::SignedIn;
use crate::moment::Moment;
use crate::view::{BindingView, RoleName, is_open, plan_bindings};

/// Letters of the random end of a name: no vowels, so that no words come out, and none that look alike.
const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz2456789";
/// Length of that end.
const RANDOM: usize = 8;

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage {
    frame: Frame,
    ask: Ask,
    place: String,
    roles: Vec<RoleName>,
    /// What will be granted; empty where that is not known here.
    bindings: Vec<BindingView>,
    duration: String,
    starts: Option<Moment>,
    ends: Option<Moment>,
    warnings: Vec<String>,
}

/// Shows what the form amounts to. Nothing is written.
pub async fn preview(
    State(app): Shared,
    me: SignedIn,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let mut ask = Ask::read(&fields)?;
    let now = Timestamp::now();
    let valid = match ask.check(&me.email, &app.limits, now) {
        Ok(valid) => valid,
        Err(problems) => return Ok(with_problems(&app, &me, ask, problems).await),
    };
    if !is_own_name(&ask.name) {
        ask.name = new_name(&valid.roles);
    }
    let catalogue = app.catalogue.current();
    let (person, unknown_groups) = app.groups.of_person(&me.email).await;
    let resource = valid.resource.as_str();
    let lookup = catalogue.look_up(&person, resource, now);
    let mut warnings = Vec::new();
    let planned = match lookup.as_ref().map(|lookup| planned(&valid, lookup)) {
        Some(Ok(planned)) => planned,
        Some(Err(_)) if unknown_groups.is_some() => {
            warnings.push("Your groups could not be looked up, so it cannot be shown what will be granted: the controller finds out.".to_owned());
            Vec::new()
        }
        Some(Err(why)) => {
            warnings.push(format!("By the lists here this will be refused. {why}"));
            Vec::new()
        }
        None => {
            warnings.push(format!("{resource} is not in the lists here, so it cannot be shown what will be granted: the controller finds out."));
            Vec::new()
        }
    };
    warnings.extend(unable(&app, &me.email, &ask, &valid, &person, now));
    let own = app
        .requests
        .all(|request| request.spec.requester == me.email);
    let starts_now = ask.start.is_empty() && valid.reviewers.is_empty();
    let window = valid.start_time.map(|_| Window::decide(&valid, now, now));
    let page = PreviewPage {
        frame: Frame::new(&app, &me.email, Tab::Ask, "Check your request"),
        place: (!planned.is_empty())
            .then(|| catalogue.place(resource))
            .flatten()
            .map(|place| place.display_name)
            .unwrap_or_default(),
        roles: valid
            .roles
            .iter()
            .map(|role| {
                if planned.is_empty() {
                    RoleName::guessed(role)
                } else {
                    RoleName::new(role, &catalogue)
                }
            })
            .collect(),
        bindings: plan_bindings(
            &planned,
            &me.email,
            "",
            &own,
            &catalogue,
            (now, window.map_or(now, |window| window.start)),
        ),
        duration: format_duration(valid.duration),
        starts: window
            .filter(|_| !starts_now)
            .map(|window| Moment::new(window.start)),
        ends: window.map(|window| Moment::new(window.end)),
        warnings,
        ask,
    };
    Ok(render(StatusCode::OK, &page))
}

fn planned(
    valid: &ValidRequest,
    lookup: &Lookup,
) -> Result<Vec<jit_access_crds::PlannedBinding>, String> {
    let resource = valid.resource.as_str();
    Eligible::find(
        &valid.requester,
        resource,
        &valid.roles,
        valid.kind(),
        lookup,
    )
    .map_err(|why| why.message)
    .and_then(|eligible| plan(valid, &eligible).map_err(|why| why.message))
    .map(|plan| plan.bindings)
}

/// Reviewers who by the lists could not approve all roles.
fn unable(
    app: &App,
    me: &str,
    ask: &Ask,
    valid: &ValidRequest,
    person: &jit_access_core::eligibility::Person,
    now: Timestamp,
) -> Option<String> {
    let catalogue = app.catalogue.current();
    catalogue.place(valid.resource.as_str())?;
    let mut unlisted = false;
    let mut unable: Vec<&str> = ask.reviewers.iter().map(String::as_str).collect();
    let mut able = unable.clone();
    for role in &valid.roles {
        let found = catalogue.reviewers(person, valid.resource.as_str(), role, now);
        unlisted |= !found.unlisted_groups.is_empty();
        able.retain(|email| found.people.contains(*email));
    }
    unable.retain(|email| !able.contains(email) && *email != me);
    (!unable.is_empty() && !unlisted).then(|| {
        format!(
            "By the lists here {} could not approve all of this: only who may have every one of the roles with a peer's approval counts.",
            unable.join(", ")
        )
    })
}

/// Asks for it.
pub async fn send(
    State(app): Shared,
    me: SignedIn,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let ask = Ask::read(&fields)?;
    let now = Timestamp::now();
    if let Err(problems) = ask.check(&me.email, &app.limits, now) {
        return Ok(with_problems(&app, &me, ask, problems).await);
    }
    let spec = ask.spec(&me.email, now);
    let name = if is_own_name(&ask.name) {
        ask.name.clone()
    } else {
        new_name(&spec.roles)
    };
    let ask = Ask {
        name: name.clone(),
        ..ask
    };
    match app
        .cluster
        .create(&object(&name, spec.clone(), app.cluster.me(), &me))
        .await
    {
        Ok(created) => Ok(made(&app, &created).await),
        // The button was pressed twice, or the page loaded again.
        Err(why) if why.status == StatusCode::CONFLICT => {
            match app.request_for(&name, &me.email).await {
                Ok(earlier) if is_same(&earlier.spec, &spec) && is_open(&earlier) => {
                    Ok(sent(&name))
                }
                // Something was changed since, or the earlier one is over, or it is another's: it is another
                // request.
                Ok(_)
                | Err(Fault {
                    status: StatusCode::NOT_FOUND,
                    ..
                }) => {
                    let ask = Ask {
                        name: new_name(&spec.roles),
                        ..ask
                    };
                    let other = object(&ask.name, spec, app.cluster.me(), &me);
                    Ok(match app.cluster.create(&other).await {
                        Ok(created) => made(&app, &created).await,
                        Err(why) => refused(&app, &me, ask, &why).await,
                    })
                }
                // The name is there, and it is not known what has it.
                Err(why) => Ok(refused(&app, &me, ask, &why).await),
            }
        }
        Err(why) => Ok(refused(&app, &me, ask, &why).await),
    }
}

/// Whether both ask for the same; each begins when it was sent.
fn is_same(earlier: &AccessRequestSpec, now: &AccessRequestSpec) -> bool {
    let start_time = match (&earlier.reviewers, &earlier.start_time) {
        (None, _) => now.start_time.clone(),
        (Some(_), start) => start.clone(),
    };
    *now == AccessRequestSpec {
        start_time,
        ..earlier.clone()
    }
}

async fn made(app: &App, created: &AccessRequest) -> Response {
    app.metrics.asked();
    app.requests.seen(created).await;
    sent(&created.name_any())
}

fn sent(name: &str) -> Response {
    Redirect::to(&format!("/requests/{name}?done=sent")).into_response()
}

/// Back to the form, with all that the API server said. Where it is not known whether the request was
/// made, the form keeps its name, so that sending it again makes no second one.
async fn refused(app: &App, me: &SignedIn, ask: Ask, why: &Fault) -> Response {
    let sentence = match &why.said {
        Some(said) if *said != why.sentence => {
            format!("{} (The API server said: {said})", why.sentence)
        }
        _ => why.sentence.clone(),
    };
    let field = if why.status.is_server_error() {
        UNSURE
    } else {
        "form"
    };
    let name = if why.status.is_server_error() {
        ask.name.clone()
    } else {
        String::new()
    };
    let problem = Problem { field, sentence };
    with_problems(app, me, Ask { name, ..ask }, vec![problem]).await
}

/// The object: made by this program in the name of who is signed in, with what Identity-Aware Proxy
/// says about the device.
fn object(name: &str, spec: AccessRequestSpec, by: &str, me: &SignedIn) -> AccessRequest {
    let mut request = AccessRequest::new(name, spec);
    let annotations = request.annotations_mut();
    annotations.insert(CREATED_BY_ANNOTATION.to_owned(), by.to_owned());
    if let Some(device) = &me.device_id {
        annotations.insert(DEVICE_ID_ANNOTATION.to_owned(), device.clone());
    }
    if let Some(levels) = me.access_levels_line() {
        annotations.insert(ACCESS_LEVELS_ANNOTATION.to_owned(), levels);
    }
    request
}

/// Whether a name is of the kind that [`new_name`] makes: a form could bring any.
fn is_own_name(name: &str) -> bool {
    is_name(name)
        && name.len() <= 63
        && !name.contains('.')
        && name.rsplit_once('-').is_some_and(|(_, end)| {
            end.len() == RANDOM && end.bytes().all(|byte| LETTERS.contains(&byte))
        })
}

fn new_name(roles: &[String]) -> String {
    let mut name = name_beginning(roles);
    for _ in 0..RANDOM {
        let letter = LETTERS[rand::random_range(0..LETTERS.len())];
        name.push(char::from(letter));
    }
    name
}
