//! A request as lists and pages show it.

use jiff::Timestamp;
use jit_access_core::decision::created;
use jit_access_core::request::parse_time;
use jit_access_core::review::is_reviewer;
use jit_access_core::status::{message, state};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_google::catalogue::Snapshot;
use kube::ResourceExt;

use crate::moment::{Moment, Piece, left, pieces};
use crate::state_words;

/// A role, with the title that Google gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName {
    /// Such as `roles/compute.viewer`.
    pub id: String,
    /// Such as `Compute Viewer`; the id where it is not known.
    pub title: String,
}

impl RoleName {
    /// Names a role for somebody who may have it.
    #[must_use]
    pub fn new(id: &str, catalogue: &Snapshot) -> Self {
        Self {
            id: id.to_owned(),
            title: catalogue.title(id).unwrap_or(id).to_owned(),
        }
    }

    /// Names a role for somebody who only named it: what is known here is that somebody may have it, and what it is
    /// called.
    #[must_use]
    pub fn guessed(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: id.to_owned(),
        }
    }
}

/// Whether the controller found that the requester may have what is asked for: then whoever sees the request is
/// told what all of it is called.
fn could_be_granted(request: &AccessRequest) -> bool {
    let status = request.status.as_ref();
    status.is_some_and(|status| status.plan.is_some())
}

/// The roles that are asked for.
#[must_use]
pub fn roles_of(request: &AccessRequest, catalogue: &Snapshot) -> Vec<RoleName> {
    let is_told = could_be_granted(request);
    let roles = request.spec.roles.iter();
    roles
        .map(|role| {
            if is_told {
                RoleName::new(role, catalogue)
            } else {
                RoleName::guessed(role)
            }
        })
        .collect()
}

/// What the resource is called; empty where that is not known, or not told.
#[must_use]
pub fn place_of(request: &AccessRequest, catalogue: &Snapshot) -> String {
    let place = could_be_granted(request).then(|| catalogue.place(&request.spec.resource));
    let place = place.flatten();
    place.map(|place| place.display_name).unwrap_or_default()
}

/// A request, in words.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// Name of the object.
    pub name: String,
    /// Which object of that name.
    pub uid: String,
    /// Who asks.
    pub requester: String,
    /// Where.
    pub resource: String,
    /// What the resource is called; empty where that is not known.
    pub place: String,
    /// What.
    pub roles: Vec<RoleName>,
    /// Why.
    pub justification: String,
    /// Who may approve; nobody: self-approval.
    pub reviewers: Vec<String>,
    /// For how long, as it was asked: `30m`.
    pub duration: String,
    /// What narrows the access.
    pub condition: String,
    /// From when on, where that was asked.
    pub start: Option<Moment>,
    /// The state in words.
    pub state: &'static str,
    /// The name of a class for it.
    pub class: &'static str,
    /// What the controller says about it.
    pub message: Vec<Piece>,
    /// When it was made.
    pub made: Moment,
    /// When it ends or ended.
    pub until: Option<Moment>,
    /// How long it still runs; only while it is active.
    pub left: Option<String>,
}

impl RequestView {
    /// Describes a request. `me` is this program.
    #[must_use]
    pub fn new(request: &AccessRequest, catalogue: &Snapshot, me: &str, now: Timestamp) -> Self {
        let spec = &request.spec;
        let status = request.status.as_ref();
        let state = state(request);
        let grant = status.and_then(|status| status.grant.as_ref());
        let end = grant.and_then(|grant| parse_time(&grant.expire_time).ok());
        let planned = status.and_then(|status| status.plan.as_ref());
        Self {
            name: request.name_any(),
            uid: request.uid().unwrap_or_default(),
            requester: spec.requester.clone(),
            resource: spec.resource.clone(),
            place: place_of(request, catalogue),
            roles: roles_of(request, catalogue),
            justification: spec.justification.clone(),
            reviewers: spec.reviewers.clone().unwrap_or_default(),
            duration: spec
                .duration
                .clone()
                .or_else(|| planned.map(|plan| plan.duration.clone()))
                .unwrap_or_default(),
            condition: spec.condition.clone().unwrap_or_default(),
            start: starts(request).map(Moment::new),
            state: state_words::of(request),
            class: state_words::class(state),
            message: pieces(&said(request, me)),
            made: Moment::new(created(request)),
            until: end.map(Moment::new),
            left: end
                .filter(|_| state == Some(AccessState::Active))
                .map(|end| left(end, now)),
        }
    }
}

/// From when on the access was asked for, where that was said.
#[must_use]
pub fn starts(request: &AccessRequest) -> Option<Timestamp> {
    let start = request.spec.start_time.as_deref();
    start.and_then(|text| parse_time(text).ok())
}

/// What the controller says about a request, without what the page shows better: how to approve it by
/// kubectl, until when it is active, and that this program, `me`, wrote what people decided here.
#[must_use]
pub fn said(request: &AccessRequest, me: &str) -> String {
    let message = message(request)
        .unwrap_or_default()
        .replace(&format!(" via {me}"), "");
    let is_shown_better = |sentence: &str| match state(request) {
        Some(AccessState::AwaitingApproval) => {
            sentence.contains(" approves with: kubectl ")
                || sentence == "the others do so with their own address"
        }
        Some(AccessState::Active) => sentence.starts_with("access until "),
        _ => false,
    };
    let sentences = message
        .split("; ")
        .filter(|sentence| !is_shown_better(sentence));
    sentences.collect::<Vec<_>>().join("; ")
}

/// Whether a person may see a request: whose it is, and whom it names as reviewer, once the controller
/// found that it could be granted. What could not be is nobody else's business.
#[must_use]
pub fn concerns(request: &AccessRequest, person: &str) -> bool {
    request.spec.requester == person || (is_reviewer(request, person) && could_be_granted(request))
}

/// Whether something may still become of it.
#[must_use]
pub fn is_open(request: &AccessRequest) -> bool {
    state(request).is_none_or(|state| !state.is_final())
}

/// Whether this person may end it.
#[must_use]
pub fn may_end(request: &AccessRequest, person: &str) -> bool {
    is_open(request)
        && request.metadata.deletion_timestamp.is_none()
        && (request.spec.requester == person
            || (is_reviewer(request, person) && state(request) == Some(AccessState::Active)))
}
