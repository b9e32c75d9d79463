//! Decisions about one request: approve, deny, take an approval back, end.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jit_access_core::review::{decisions, free_decision_key, is_reviewer};
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState, DecisionKind};
use kube::ResourceExt;

use super::problem::{Way, fault};
use super::request::{RequestPage, Typed, own_approval_key};
use super::{Frame, Tab, render};
use crate::app::{App, Shared, is_name};
use crate::cluster::Fault;
use crate::form::{FormBody, Name, Unreadable};
use crate::iap::SignedIn;
use crate::state_words;
use crate::view::{concerns, may_end};

/// How long it may take to look whether something was written after all.
const SECOND_LOOK: Duration = Duration::from_secs(3);

/// Approves or denies a request, as `decision` says.
pub async fn decide(
    State(app): Shared,
    me: SignedIn,
    Name(name): Name,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let uid = fields.one("uid")?;
    let comment = fields.one("comment")?;
    let typed = Typed::Comment(comment);
    let kind = match fields.one("decision")? {
        "approve" => DecisionKind::Approved,
        "deny" => DecisionKind::Denied,
        _ => return Ok(told(&app, &me, &name, uid, typed, &unclear())),
    };
    Ok(
        match write_shown(&app, &me.email, kind, &name, uid, comment).await {
            Ok(()) => {
                let word = if kind == DecisionKind::Approved {
                    "approved"
                } else {
                    "denied"
                };
                Redirect::to(&format!("/requests/{name}?done={word}")).into_response()
            }
            Err(why) => told(&app, &me, &name, uid, typed, &why),
        },
    )
}

/// Ends a request, or withdraws it.
pub async fn end(
    State(app): Shared,
    me: SignedIn,
    Name(name): Name,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let uid = fields.one("uid")?;
    let comment = fields.one("comment")?;
    Ok(
        match write_shown(&app, &me.email, DecisionKind::Revoked, &name, uid, comment).await {
            Ok(()) => Redirect::to(&format!("/requests/{name}?done=ended")).into_response(),
            Err(why) => told(&app, &me, &name, uid, Typed::Reason(comment), &why),
        },
    )
}

/// Takes the person's own approval back.
pub async fn withdraw(
    State(app): Shared,
    me: SignedIn,
    Name(name): Name,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let uid = fields.one("uid")?;
    let result = async {
        let request = shown(&app, &me.email, &name, uid).await?;
        if !state(&request).is_none_or(AccessState::is_undecided) {
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "It is too late to take an approval back, for the request is decided: what is active can be ended.",
            ));
        }
        let key = own_approval_key(&request, &me.email, app.cluster.me()).ok_or_else(|| {
            Fault::new(
                StatusCode::CONFLICT,
                "There is no approval of yours here that was given on this site.",
            )
        })?;
        let written = app.cluster.withdraw(&request, &key).await?;
        app.requests.seen(&written).await;
        Ok(())
    };
    Ok(match result.await {
        Ok(()) => Redirect::to(&format!("/requests/{name}?done=withdrawn")).into_response(),
        Err(why) => told(&app, &me, &name, uid, Typed::Nothing, &why),
    })
}

/// Writes a decision about exactly the request that a page showed.
pub(super) async fn write(
    app: &App,
    me: &str,
    kind: DecisionKind,
    request: AccessRequest,
    comment: &str,
) -> Result<(), Fault> {
    // The button was pressed twice.
    if is_written(app, me, kind, &request) {
        return Ok(());
    }
    check(&request, me, kind)?;
    let written = match app.cluster.decide(&request, kind, me, comment).await {
        Ok(written) => written,
        Err(why) => again(app, me, kind, &request, comment, why).await?,
    };
    app.metrics.decided(kind);
    app.requests.seen(&written).await;
    Ok(())
}

fn is_written(app: &App, me: &str, kind: DecisionKind, request: &AccessRequest) -> bool {
    let mut decisions = decisions(request, &app.delegates()).into_iter();
    decisions.any(|decision| decision.kind == kind && decision.author == me)
}

/// Looks whether it was written all the same: the button was pressed twice at the same time, or the answer was
/// lost. Where a decision of another came first, under the annotation that this one was to have, it is tried once
/// more.
async fn again(
    app: &App,
    me: &str,
    kind: DecisionKind,
    shown: &AccessRequest,
    comment: &str,
    why: Fault,
) -> Result<AccessRequest, Fault> {
    let name = shown.name_any();
    match tokio::time::timeout(SECOND_LOOK, app.cluster.get(&name)).await {
        Ok(Ok(now)) if now.uid() == shown.uid() => {
            let key = |request| free_decision_key(request, kind, me);
            if is_written(app, me, kind, &now) {
                Ok(now)
            } else if !why.is_unsure() && key(&now) != key(shown) {
                app.cluster.decide(&now, kind, me, comment).await
            } else {
                Err(why)
            }
        }
        _ => Err(why),
    }
}

/// One line is all that a decision may be; whoever types more means no harm.
pub(super) fn one_line(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn write_shown(
    app: &App,
    me: &str,
    kind: DecisionKind,
    name: &str,
    uid: &str,
    comment: &str,
) -> Result<(), Fault> {
    let request = shown(app, me, name, uid).await?;
    write(app, me, kind, request, &one_line(comment)).await
}

/// The request that the page showed: not another one that has its name by now.
async fn shown(app: &App, me: &str, name: &str, uid: &str) -> Result<AccessRequest, Fault> {
    let request = app.request_for(name, me).await?;
    if is_shown(&request, uid) {
        Ok(request)
    } else {
        Err(Fault::other_request())
    }
}

/// Whether it has the UID that a page brings.
pub(super) fn is_shown(request: &AccessRequest, uid: &str) -> bool {
    !uid.is_empty() && request.uid().as_deref() == Some(uid)
}

/// What the API server would refuse too, or what would not help any more, said in the words of the page.
fn check(request: &AccessRequest, me: &str, kind: DecisionKind) -> Result<(), Fault> {
    let refuse = |status: StatusCode, sentence: &str| Err(Fault::new(status, sentence));
    let state = state(request);
    if let Some(ended) = state.filter(|state| state.is_final()) {
        let word = state_words::words(Some(ended)).to_lowercase();
        let sentence = format!("This request has ended already ({word}); nothing was written.");
        return refuse(StatusCode::CONFLICT, &sentence);
    }
    match kind {
        DecisionKind::Revoked if may_end(request, me) => Ok(()),
        DecisionKind::Revoked => refuse(
            StatusCode::FORBIDDEN,
            "You can end what you asked for yourself, and as a reviewer what is active; what waits for you, you can deny.",
        ),
        _ if !is_reviewer(request, me) => refuse(
            StatusCode::FORBIDDEN,
            "Only a reviewer whom the request names approves or denies it, and nobody decides about their own request.",
        ),
        DecisionKind::Approved if state == Some(AccessState::Active) => refuse(
            StatusCode::CONFLICT,
            "Somebody approved this already, and the access is active; nothing was written.",
        ),
        DecisionKind::Approved | DecisionKind::Denied => Ok(()),
    }
}

fn unclear() -> Fault {
    Fault::new(
        StatusCode::BAD_REQUEST,
        "It was not said whether to approve or to deny: use the buttons of the page.",
    )
}

/// Says why it was not done: on the request's own page, with what was typed, where the same form can be sent
/// again about the same request.
fn told(
    app: &App,
    me: &SignedIn,
    name: &str,
    uid: &str,
    typed: Typed<'_>,
    why: &Fault,
) -> Response {
    // In memory or not at all: the API server may be what does not answer.
    let shown = app
        .requests
        .get(name)
        .filter(|request| concerns(request, &me.email) && is_shown(request, uid));
    let page = shown.map(|request| RequestPage::new(app, &me.email, &request));
    if let Some(page) = page.and_then(|page| page.refused(typed, why)) {
        return render(why.status, &page);
    }
    let frame = Frame::new(app, &me.email, Tab::None, why.headline());
    let mut ways = vec![
        Way::to("/waiting", "Waiting for me"),
        Way::to("/requests", "My requests"),
    ];
    if is_name(name) && why.status != StatusCode::NOT_FOUND {
        ways.insert(
            0,
            Way::to(format!("/requests/{name}"), "Look at the request"),
        );
    }
    fault(frame, why, ways)
}
