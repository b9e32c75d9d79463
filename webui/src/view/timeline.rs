//! The life of a request, as a list of what happened.

use jiff::Timestamp;
use jit_access_core::decision::created;
use jit_access_core::request::parse_time;
use jit_access_core::review::decisions;
use jit_access_core::status::{since, state};
use jit_access_crds::{AccessRequest, AccessState, CREATED_BY_ANNOTATION, DecisionKind};
use kube::ResourceExt;

use crate::moment::Moment;
use crate::state_words;

/// Something that happened, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When; `None` where nobody noted it.
    pub at: Option<Moment>,
    /// What.
    pub title: String,
    /// More about it.
    pub detail: String,
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
            detail: String::new(),
            class,
            to_come: false,
        }
    }

    fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
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
pub fn timeline(request: &AccessRequest, me: &str) -> Vec<Event> {
    let mut events = vec![asked(request, me)];
    let status = request.status.clone().unwrap_or_default();
    for approval in &status.approvals {
        let at = approval.time.parse().ok();
        let said = comment_of(approval.comment.as_deref(), approval.via.as_deref(), me);
        events.push(
            Event::new(at, format!("Approved by {}", approval.approver), "active").with(said),
        );
    }
    let delegates = [me.to_owned()];
    let ends = decisions(request, &delegates)
        .into_iter()
        .filter(|decision| decision.kind != DecisionKind::Approved);
    for decision in ends {
        let (word, class) = match decision.kind {
            DecisionKind::Denied => ("Denied", "refused"),
            _ => ("Ended", "over"),
        };
        let said = comment_of(decision.comment.as_deref(), decision.via.as_deref(), me);
        events.push(Event::new(None, format!("{word} by {}", decision.author), class).with(said));
    }
    let state = state(request);
    let grant = status.grant.as_ref();
    let start = grant.and_then(|grant| parse_time(&grant.start_time).ok());
    let end = grant.and_then(|grant| parse_time(&grant.expire_time).ok());
    let was_granted = grant.is_some_and(|grant| !grant.bindings.is_empty());
    if was_granted && state != Some(AccessState::Active) {
        events.push(Event::new(start, "Access began", "active"));
    }
    let now = Event::new(
        since(request),
        state_words::words(state),
        state_words::class(state),
    )
    .with(super::said(request));
    match state {
        Some(AccessState::Active) => {
            let began = Event::new(start, "Access began", "active");
            events.push(began.with(now.detail));
            events.push(Event::new(end, "Access ends by itself", "over").expected());
        }
        Some(AccessState::Scheduled) => {
            let start = request.spec.start_time.as_deref();
            events.push(now);
            let start = start.and_then(|text| parse_time(text).ok());
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
    Event::new(Some(created(request)), title, "calm").with(through)
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
