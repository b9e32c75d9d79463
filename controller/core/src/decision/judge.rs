//! What becomes of a request by what Google said.

use jiff::Timestamp;
use jit_access_crds::{AccessRequest, AccessState, Plan};

use super::approvals_in_time;
use crate::approval::{Approved, Awaited, Peers, Reviewer, weigh};
use crate::eligibility::{Eligible, Ineligible, Kind, Lookup};
use crate::grant::{Grant, Window, plan};
use crate::limits::Limits;
use crate::request::{Refusal, ValidRequest, format_time};
use crate::review::{Decision, decisions, veto};

/// What Google said about the people of a request.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What the requester may ask for.
    pub requester: &'a Lookup,
    /// All of `spec.reviewers`.
    pub reviewers: &'a [Reviewer],
}

/// What becomes of a request that is not refused.
#[derive(Debug)]
pub enum Judged {
    /// Nobody needs to be asked any more.
    Approved(Box<Approved>, Plan),
    /// A reviewer must act.
    Awaited(Awaited, Plan),
    /// Whether somebody could approve is not known for now: a sentence.
    Unknown(String),
}

/// Judges a request whose resource is within the scope. `approvals` are those that were seen in time.
///
/// # Errors
/// `Ineligible` with why not, or `Failed` when a condition cannot be composed.
pub fn judge(
    request: &ValidRequest,
    known: Known<'_>,
    approvals: &[Decision],
) -> Result<Judged, Refusal> {
    let eligible = Eligible::find(
        &request.requester,
        request.resource.as_str(),
        &request.roles,
        request.kind(),
        known.requester,
    )
    .map_err(|Ineligible { message, .. }| ineligible(message))?;
    if request.kind() == Kind::SelfApproval {
        let plan = plan(request, &eligible)?;
        let approved = Approved::by_requester(eligible)
            .ok_or_else(|| Refusal::failed("these roles need a peer's approval: name reviewers"))?;
        return Ok(Judged::Approved(Box::new(approved), plan));
    }
    match weigh(&eligible, known.reviewers, approvals) {
        Peers::Approved(approved) => {
            let plan = plan(request, approved.eligible())?;
            Ok(Judged::Approved(approved, plan))
        }
        Peers::Awaited(awaited) => {
            let plan = plan(request, &awaited.eligible)?;
            Ok(Judged::Awaited(awaited, plan))
        }
        Peers::Unknown(why) => Ok(Judged::Unknown(why)),
        Peers::Nobody => Err(ineligible(format!(
            "None of the reviewers ({}) could approve this: a reviewer must be eligible, with a peer's approval, for every role that is asked for on {}, under the same condition. Name others.",
            request.reviewers.join(", "),
            request.resource,
        ))),
    }
}

fn ineligible(message: String) -> Refusal {
    Refusal::new(AccessState::Ineligible, message)
}

/// The grant of a judged request: in the recorded window, else in one that begins now.
///
/// # Errors
/// `Failed` when the recorded window is over, and as [`Grant::new`].
pub fn grant(
    request: &ValidRequest,
    uid: &str,
    created: Timestamp,
    approved: Approved,
    recorded: Option<Window>,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    if let Some(window) = recorded.filter(|window| window.is_over(now)) {
        return Err(Refusal::failed(format!(
            "could not be granted before its end at {}: Google did not take the change in time; create another request if the access is still needed",
            format_time(window.end)
        )));
    }
    let window = recorded.unwrap_or_else(|| Window::decide(request, created, now));
    Grant::new(request, uid, approved, window)
}

/// Why a request is not decided while a binding of it stands in the policy and no window is on
/// record: the record is made before anything is written, and a window decided anew would end later.
#[must_use]
pub fn unexplained(held: bool, recorded: Option<Window>) -> Option<&'static str> {
    (held && recorded.is_none()).then_some(
        "a binding of this request stands in Google's policy, but status.grant, which says until when, is gone: somebody else writes the status; delete the request, create another one, and tell an administrator",
    )
}

/// Whether what was decided is still to be written, by the request as it is at the last moment:
/// nobody deleted, denied or revoked it, and the approval that it rests on still stands.
#[must_use]
pub fn still_wanted(
    request: &AccessRequest,
    valid: &ValidRequest,
    approver: Option<&str>,
    delegates: &[String],
    limits: &Limits,
) -> bool {
    request.metadata.deletion_timestamp.is_none()
        && veto(&decisions(request, delegates)).is_none()
        && approver.is_none_or(|approver| {
            approvals_in_time(request, valid, delegates, limits)
                .iter()
                .any(|decision| decision.author == approver)
        })
}
