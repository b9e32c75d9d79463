//! States as people say them.

use jit_access_crds::AccessState;

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
