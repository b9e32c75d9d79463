//! From a refusal to what is said of it.

use jit_access_core::request::Refusal;
use jit_access_core::status::Report;
use jit_access_crds::{AccessState, ApprovedReason, EligibleReason};

/// What is said of a refusal.
pub fn refused(refusal: Refusal) -> Report {
    let approved = match refusal.state {
        AccessState::Denied => Some((ApprovedReason::Denied, refusal.message.clone())),
        AccessState::TimedOut => Some((ApprovedReason::TimedOut, refusal.message.clone())),
        _ => None,
    };
    let eligible = (refusal.state == AccessState::Ineligible)
        .then(|| (EligibleReason::NotEntitled, refusal.message.clone()));
    let too_many = refusal.too_many;
    Report {
        eligible,
        approved,
        too_many,
        ..Report::new(refusal.state, refusal.message)
    }
}
