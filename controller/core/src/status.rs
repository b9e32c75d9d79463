//! The status: from what was found to the conditions that people and programs read.

use jiff::Timestamp;
use jit_access_crds::{
    AccessRequest, AccessRequestStatus, AccessState, Approval, ApprovedReason, ConditionType,
    EligibleReason, GrantStatus, Plan,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Reason of `Stalled` for a request that was one too many.
pub const TOO_MANY: &str = "TooManyRequests";

/// Longest message of a condition that we write, in characters.
const MESSAGE_LENGTH: usize = 2_000;

/// What is to be said about a request. What is `None` stays as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Reason of `Granted`.
    pub state: AccessState,
    /// Message of `Granted`, and of `Reconciling` or `Stalled`.
    pub message: String,
    /// Condition `Eligible`.
    pub eligible: Option<(EligibleReason, String)>,
    /// Condition `Approved`.
    pub approved: Option<(ApprovedReason, String)>,
    /// `status.plan`.
    pub plan: Option<Plan>,
    /// `status.grant`.
    pub grant: Option<GrantStatus>,
    /// What is added to `status.approvals`.
    pub approvals: Vec<Approval>,
    /// Whether the request was one too many.
    pub too_many: bool,
}

impl Report {
    /// A report that says this much and changes nothing else.
    pub fn new(state: AccessState, message: impl Into<String>) -> Self {
        Self {
            state,
            message: message.into(),
            eligible: None,
            approved: None,
            plan: None,
            grant: None,
            approvals: Vec::new(),
            too_many: false,
        }
    }
}

/// The state of a request: the reason of its condition `Granted`; `None` before the first visit,
/// or when there stands a word that is not ours.
#[must_use]
pub fn state(request: &AccessRequest) -> Option<AccessState> {
    condition(request, ConditionType::Granted)
        .and_then(|condition| AccessState::from_word(&condition.reason))
}

/// Whether a request may go from one state to another. Final states never change, and access that
/// was given only ends.
#[must_use]
pub fn may_follow(before: Option<AccessState>, after: AccessState) -> bool {
    match before {
        Some(before) if before.is_final() => before == after,
        Some(AccessState::Active) => matches!(
            after,
            AccessState::Active | AccessState::Expired | AccessState::Revoked
        ),
        _ => true,
    }
}

/// Whether it was said last that a reviewer must act.
#[must_use]
pub fn awaits_approval(request: &AccessRequest) -> bool {
    request
        .status
        .as_ref()
        .is_some_and(|status| is_open(status, ConditionType::Approved))
}

/// Since when the request has been in its state.
#[must_use]
pub fn since(request: &AccessRequest) -> Option<Timestamp> {
    condition(request, ConditionType::Granted).map(|condition| condition.last_transition_time.0)
}

/// What is said about the state.
#[must_use]
pub fn message(request: &AccessRequest) -> Option<&str> {
    condition(request, ConditionType::Granted).map(|condition| condition.message.as_str())
}

/// Whether the request was refused for being one too many.
#[must_use]
pub fn is_crowded_out(request: &AccessRequest) -> bool {
    condition(request, ConditionType::Stalled).is_some_and(|condition| condition.reason == TOO_MANY)
}

fn condition(request: &AccessRequest, kind: ConditionType) -> Option<&Condition> {
    let status = request.status.as_ref()?;
    find(status, kind)
}

fn find(status: &AccessRequestStatus, kind: ConditionType) -> Option<&Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str())
}

/// The whole status after a report; equal to the previous one if nothing changed.
#[must_use]
pub fn compose(request: &AccessRequest, report: &Report, now: Timestamp) -> AccessRequestStatus {
    let Report {
        state,
        message,
        eligible,
        approved,
        plan,
        grant,
        approvals,
        too_many,
    } = report;
    let previous = request.status.clone().unwrap_or_default();
    let generation = request.metadata.generation;
    let mut writer = Writer {
        previous: &previous,
        generation,
        now,
        conditions: Vec::new(),
    };

    match eligible {
        Some((reason, text)) => writer.set(
            ConditionType::Eligible,
            match reason {
                EligibleReason::Entitled => "True",
                EligibleReason::NotEntitled => "False",
                EligibleReason::Pending => "Unknown",
            },
            reason.as_str(),
            text,
        ),
        None => writer.keep_or_pending(ConditionType::Eligible, "eligibility was not looked up"),
    }
    match approved {
        Some((reason, text)) => writer.set(
            ConditionType::Approved,
            match reason {
                ApprovedReason::SelfApproved | ApprovedReason::PeerApproved => "True",
                ApprovedReason::Pending | ApprovedReason::AwaitingApproval => "Unknown",
                ApprovedReason::Denied | ApprovedReason::TimedOut => "False",
            },
            reason.as_str(),
            text,
        ),
        None if state.is_final() && is_open(&previous, ConditionType::Approved) => writer.set(
            ConditionType::Approved,
            "Unknown",
            ApprovedReason::Pending.as_str(),
            "it ended before anybody decided",
        ),
        None => writer.keep_or_pending(ConditionType::Approved, "approval was not considered"),
    }
    let granted = if *state == AccessState::Active {
        "True"
    } else {
        "False"
    };
    writer.set(ConditionType::Granted, granted, state.as_str(), message);
    if state.is_undecided() {
        writer.set(ConditionType::Reconciling, "True", state.as_str(), message);
    }
    if state.is_stalled() {
        let reason = if *too_many { TOO_MANY } else { state.as_str() };
        writer.set(ConditionType::Stalled, "True", reason, message);
    }

    AccessRequestStatus {
        observed_generation: generation,
        conditions: writer.conditions,
        plan: plan.clone().or_else(|| previous.plan.clone()),
        approvals: with_new(&previous.approvals, approvals),
        grant: grant.clone().or_else(|| previous.grant.clone()),
    }
}

/// The record of when each approval was first seen: what is there stays.
fn with_new(recorded: &[Approval], new: &[Approval]) -> Vec<Approval> {
    let is_recorded = |approval: &&Approval| {
        recorded
            .iter()
            .any(|other| (&other.approver, &other.via) == (&approval.approver, &approval.via))
    };
    let new = new.iter().filter(|approval| !is_recorded(approval));
    recorded.iter().chain(new).cloned().collect()
}

/// Whether somebody is still said to act.
fn is_open(status: &AccessRequestStatus, kind: ConditionType) -> bool {
    find(status, kind)
        .is_some_and(|condition| condition.reason == ApprovedReason::AwaitingApproval.as_str())
}

struct Writer<'a> {
    previous: &'a AccessRequestStatus,
    generation: Option<i64>,
    now: Timestamp,
    conditions: Vec<Condition>,
}

impl Writer<'_> {
    fn set(&mut self, kind: ConditionType, status: &str, reason: &str, message: &str) {
        let message: String = message.chars().take(MESSAGE_LENGTH).collect();
        let mut condition = Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            observed_generation: self.generation,
            // The API server keeps whole seconds: more would differ from what is read back.
            last_transition_time: Time(
                Timestamp::from_second(self.now.as_second()).unwrap_or(self.now),
            ),
        };
        // The reason is the state: a change of it is a transition too, and `Retrying` counts from it.
        if let Some(previous) = find(self.previous, kind)
            && previous.status == condition.status
            && previous.reason == condition.reason
        {
            condition.last_transition_time = previous.last_transition_time.clone();
        }
        self.conditions.push(condition);
    }

    fn keep_or_pending(&mut self, kind: ConditionType, message: &str) {
        match find(self.previous, kind).cloned() {
            Some(previous) => self.set(kind, &previous.status, &previous.reason, &previous.message),
            None => self.set(kind, "Unknown", EligibleReason::Pending.as_str(), message),
        }
    }
}

#[cfg(test)]
mod tests;
