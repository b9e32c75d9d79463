//! States as people say them.

use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};

/// The state in words; `None` is a request that the controller has not seen yet.
#[must_use]
pub fn words(state: Option<AccessState>) -> &'static str {
    match state {
        None | Some(AccessState::Pending) => "Being looked at",
        Some(AccessState::AwaitingApproval) => "Waiting for approval",
        Some(AccessState::Scheduled) => "Scheduled",
        Some(AccessState::Retrying) => "Google refuses for now",
        Some(AccessState::Active) => "Active",
        Some(AccessState::Expired) => "Expired",
        Some(AccessState::Revoked) => "Ended early",
        Some(AccessState::Denied) => "Denied",
        Some(AccessState::TimedOut) => "Timed out",
        Some(AccessState::Ineligible) => "Not eligible",
        Some(AccessState::Failed) => "Failed",
    }
}

/// The state of a request in words.
#[must_use]
pub fn of(request: &AccessRequest) -> &'static str {
    match state(request) {
        Some(AccessState::Revoked) if !was_granted(request) => "Withdrawn",
        state => words(state),
    }
}

/// Whether there ever was access.
#[must_use]
pub fn was_granted(request: &AccessRequest) -> bool {
    let grant = request
        .status
        .as_ref()
        .and_then(|status| status.grant.as_ref());
    grant.is_some_and(|grant| !grant.bindings.is_empty())
}

/// What colour and sign the state has: the name of a class.
#[must_use]
pub fn class(state: Option<AccessState>) -> &'static str {
    match state {
        None | Some(AccessState::Pending | AccessState::Scheduled) => "calm",
        Some(AccessState::AwaitingApproval | AccessState::Retrying) => "waiting",
        Some(AccessState::Active) => "active",
        Some(AccessState::Expired | AccessState::Revoked) => "over",
        Some(
            AccessState::Denied
            | AccessState::TimedOut
            | AccessState::Ineligible
            | AccessState::Failed,
        ) => "refused",
    }
}
