//! The life of a request, as a list of what happened.

use jiff::Timestamp;
use jit_access_core::decision::{approve_until, created};
use jit_access_core::limits::Limits;
use jit_access_core::request::parse_time;
use jit_access_core::review::decisions;
use jit_access_core::status::{since, state};
use jit_access_crds::{AccessRequest, AccessState, CREATED_BY_ANNOTATION, DecisionKind};
use kube::ResourceExt;

use crate::moment::{Moment, Piece, pieces};
use crate::state_words;

/// Something that happened, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When; `None` where nobody noted it.
    pub at: Option<Moment>,
    /// What.
    pub title: String,
    /// More about it.
    pub detail: Vec<Piece>,
    /// The name of a class.
    pub class: &'static str,
    /// Whether it is still to come.
    pub to_come: bool,
}

impl Event {
    fn new(at: Option<Timestamp>, title: impl Into<String>, class: &'static str) -> Self {
        Self {
            at: at.map(Moment::new),
            title: title.into(),
            detail: Vec::new(),
            class,
            to_come: false,
        }
    }

    fn with(mut self, detail: &str) -> Self {
        self.detail = pieces(detail);
        self
    }

    fn expected(mut self) -> Self {
        self.to_come = true;
        self
    }
}

/// What happened to a request, in its order, and what is to come. `me` is this program, whose name
/// says nothing to the reader of its pages.
#[must_use]
pub fn timeline(request: &AccessRequest, me: &str, limits: &Limits) -> Vec<Event> {
    let mut events = vec![asked(request, me)];
    let status = request.status.clone().unwrap_or_default();
    for approval in &status.approvals {
        let at = approval.time.parse().ok();
        let said = comment_of(approval.comment.as_deref(), approval.via.as_deref(), me);
        events.push(
            Event::new(at, format!("Approved by {}", approval.approver), "active").with(&said),
        );
    }
    let state = state(request);
    let grant = status.grant.as_ref();
    let start = grant.and_then(|grant| parse_time(&grant.start_time).ok());
    let end = grant.and_then(|grant| parse_time(&grant.expire_time).ok());
    if state_words::was_granted(request) && state != Some(AccessState::Active) {
        events.push(Event::new(start, "Access began", "active"));
    }
    let delegates = [me.to_owned()];
    let ends = decisions(request, &delegates)
        .into_iter()
        .filter(|decision| decision.kind != DecisionKind::Approved);
    // When a decision was written is noted nowhere; when it took effect is.
    let ended = since(request).filter(|_| state.is_some_and(AccessState::is_final));
    for decision in ends {
        let (word, class) = match decision.kind {
            DecisionKind::Denied => ("Denied", "refused"),
            _ => ("Ended", "over"),
        };
        let said = comment_of(decision.comment.as_deref(), decision.via.as_deref(), me);
        events.push(Event::new(ended, format!("{word} by {}", decision.author), class).with(&said));
    }
    let now = Event::new(
        since(request),
        state_words::of(request),
        state_words::class(state),
    )
    .with(&super::said(request, me));
    match state {
        Some(AccessState::Active) => {
            let began = Event::new(start, "Access began", "active");
            events.push(Event {
                detail: now.detail,
                ..began
            });
            events.push(Event::new(end, "Access ends by itself", "over").expected());
        }
        Some(AccessState::AwaitingApproval) => {
            events.push(now);
            let until = approve_until(request, limits);
            let title = "Times out unless somebody approves";
            events.push(Event::new(Some(until), title, "over").expected());
        }
        Some(AccessState::Scheduled) => {
            events.push(now);
            let start = super::starts(request);
            events.push(Event::new(start, "Access begins", "calm").expected());
        }
        None => events.push(
            Event::new(None, state_words::words(None), "calm")
                .with("The controller has not looked at it yet."),
        ),
        Some(_) => events.push(now),
    }
    events
}

fn asked(request: &AccessRequest, me: &str) -> Event {
    let by = request.annotations().get(CREATED_BY_ANNOTATION);
    let through = match by {
        Some(by) if by == me => "Through this web form.".to_owned(),
        Some(by) => format!("Through {by}."),
        None => "With kubectl.".to_owned(),
    };
    let title = format!("Asked for by {}", request.spec.requester);
    Event::new(Some(created(request)), title, "calm").with(&through)
}

fn comment_of(comment: Option<&str>, via: Option<&str>, me: &str) -> String {
    let through = match via {
        Some(via) if via == me => String::new(),
        Some(via) => format!("through {via}"),
        None => "with kubectl".to_owned(),
    };
    match (comment, through.as_str()) {
        (Some(comment), "") => format!("“{comment}”"),
        (Some(comment), through) => format!("“{comment}” ({through})"),
        (None, through) => through.to_owned(),
    }
}
