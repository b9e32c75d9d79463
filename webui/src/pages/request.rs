//! The page of one request: its life for who asked, what to decide for who reviews.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jit_access_core::approval::{waits_for, was_found_unable};
use jit_access_core::review::{decisions, is_reviewer};
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState, DecisionKind};
use kube::ResourceExt;

use super::problem::{Way, fault};
use super::{Frame, Tab, live, render};
use crate::app::{App, Shared};
use crate::cluster::Fault;
use crate::console;
use crate::form::{Name, QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::moment::Piece;
use crate::state_words;
use crate::view::{BindingView, Event, RequestView, may_end, plan_bindings, starts, timeline};

#[derive(Template)]
#[template(path = "request.html")]
pub(super) struct RequestPage {
    frame: Frame,
    request: RequestView,
    /// What was done on the page before this one.
    done: &'static str,
    /// Why that was not done.
    fault: Option<Fault>,
    /// What was typed in the form of the decision.
    comment: String,
    /// What was typed in the form that ends it.
    reason: String,
    events: Vec<Event>,
    bindings: Vec<BindingView>,
    /// Whose present access stands beside what is granted; nobody's once that is decided.
    compared: String,
    mine: bool,
    may_decide: bool,
    may_deny: bool,
    /// Whether the person approved it.
    approved: bool,
    /// Whether the person is named as reviewer and could not approve.
    unable: bool,
    /// What stands over the plan.
    plan_title: &'static str,
    /// The annotation with the person's own approval, while it can be taken back.
    withdrawable: Option<String>,
    /// What ending it is called; `None` where the person may not.
    end: Option<&'static str>,
    console: String,
}

/// What somebody typed in a form of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed<'a> {
    /// With a decision.
    Comment(&'a str),
    /// Why it ends.
    Reason(&'a str),
    Nothing,
}

/// One request.
pub async fn show(
    State(app): Shared,
    me: SignedIn,
    Name(name): Name,
    QueryString(fields): QueryString,
) -> Result<Response, Unreadable> {
    Ok(match app.request_for(&name, &me.email).await {
        Ok(request) => {
            let page = RequestPage {
                done: done(fields.one("done")?),
                ..RequestPage::new(&app, &me.email, &request)
            };
            render(StatusCode::OK, &page)
        }
        Err(why) => {
            let frame = Frame::new(&app, &me.email, Tab::None, not_shown(&why));
            let ways = vec![Way::to("/requests", "My requests"), Way::home()];
            fault(frame, &why, ways)
        }
    })
}

/// The title of a page in place of a request that cannot be shown.
pub(super) fn not_shown(why: &Fault) -> &'static str {
    if why.status == StatusCode::NOT_FOUND {
        "No such request"
    } else {
        "Not possible now"
    }
}

/// Words of our own only: whatever stands in an address is somebody else's.
fn done(word: &str) -> &'static str {
    match word {
        "sent" => "Your request was sent.",
        "approved" => "Your approval was written; what comes of it stands below.",
        "denied" => "Your denial was written.",
        "ended" => "The request was ended. Google may take some minutes to act on it.",
        "withdrawn" => "You took your approval back.",
        _ => "",
    }
}

impl RequestPage {
    /// What a person sees of a request that concerns them.
    pub(super) fn new(app: &App, me: &str, request: &AccessRequest) -> Self {
        let now = Timestamp::now();
        let catalogue = app.catalogue.current();
        let delegates = app.delegates();
        let state = state(request);
        let mine = request.spec.requester == me;
        let own_approval = decisions(request, &delegates)
            .into_iter()
            .any(|decision| decision.kind == DecisionKind::Approved && decision.author == me);
        let denied = decisions(request, &delegates)
            .into_iter()
            .any(|decision| decision.kind == DecisionKind::Denied && decision.author == me);
        let undecided = state.is_none_or(AccessState::is_undecided);
        let waits = waits_for(request, me, &delegates);
        let planned = request
            .status
            .as_ref()
            .and_then(|status| status.plan.as_ref())
            .map(|plan| plan.bindings.clone())
            .unwrap_or_default();
        let requester = request.spec.requester.as_str();
        let others = app.requests.all(|other| other.spec.requester == requester);
        let own_name = request.name_any();
        let tab = if mine { Tab::Mine } else { Tab::Waiting };
        let title = format!("Request {own_name}");
        Self {
            frame: Frame::new(app, me, tab, &title).live_at(live::of_request(app, me, &own_name)),
            done: "",
            fault: None,
            comment: String::new(),
            reason: String::new(),
            events: timeline(request, app.cluster.me(), &app.limits),
            bindings: plan_bindings(
                &planned,
                requester,
                &own_name,
                &others,
                &catalogue,
                (now, starts(request).unwrap_or(now)),
            ),
            plan_title: match state {
                Some(AccessState::Active) => "What is granted",
                _ if undecided => "What will be granted",
                _ if state_words::was_granted(request) => "What was granted",
                _ => "What was asked for",
            },
            compared: if undecided {
                request.spec.requester.clone()
            } else {
                String::new()
            },
            mine,
            may_decide: waits,
            unable: undecided && is_reviewer(request, me) && was_found_unable(request, me),
            approved: own_approval,
            may_deny: is_reviewer(request, me) && undecided && !waits && !denied,
            withdrawable: (own_approval && undecided)
                .then(|| own_approval_key(request, me, app.cluster.me()))
                .flatten(),
            end: may_end(request, me).then_some(match state {
                Some(AccessState::Active) if mine => "Give back early",
                Some(AccessState::Active) => "End this access",
                _ => "Withdraw this request",
            }),
            console: console::address(&request.spec.resource),
            request: RequestView::new(request, &catalogue, app.cluster.me(), now),
        }
    }

    /// The same after one of its forms was refused, with what was typed there; `None` where it has this form no
    /// more.
    pub(super) fn refused(self, typed: Typed<'_>, why: &Fault) -> Option<Self> {
        let fault = Some(why.clone());
        match typed {
            Typed::Comment(comment) if self.may_decide || self.may_deny => Some(Self {
                fault,
                comment: comment.to_owned(),
                ..self
            }),
            Typed::Reason(reason) if self.end.is_some() => Some(Self {
                fault,
                reason: reason.to_owned(),
                ..self
            }),
            _ => None,
        }
    }
}

/// The annotation with which this program wrote somebody's approval.
pub(super) fn own_approval_key(request: &AccessRequest, person: &str, me: &str) -> Option<String> {
    let signature = format!("{person} via {me}");
    request
        .annotations()
        .iter()
        .find(|(key, value)| {
            key.starts_with(DecisionKind::Approved.prefix())
                && value
                    .strip_prefix(signature.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        })
        .map(|(key, _)| key.clone())
}
