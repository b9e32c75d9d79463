//! A request that is neither granted nor final: what is still to be done.

use jiff::{SignedDuration, Timestamp};
use jit_access_crds::{AccessRequest, AccessState, Approval, CREATED_BY_ANNOTATION, DecisionKind};
use kube::ResourceExt;

use super::name::{name_kept_until, with_kept_name};
use super::{Identity, Observed, Step, created, has_finalizer, window};
use crate::fairness::MOST_CROWDED_OUT;
use crate::grant::Window;
use crate::limits::{Limits, format_duration, parse_duration};
use crate::request::{Refusal, ValidRequest, format_time, parse_time};
use crate::review::{Decision, decisions, veto};
use crate::status;
use crate::visible_text::shown;

/// Refusals are found in this order: own fields, window over, identity, what others decided, time,
/// too many; then Google is asked.
pub(super) fn undecided(
    observed: &Observed<'_>,
    state: Option<AccessState>,
    limits: &Limits,
) -> Result<Step, Refusal> {
    let request = observed.request;
    let now = observed.now;
    let created = created(request);
    let valid = ValidRequest::check(&request.spec, created, limits)?;
    let recorded = window(request);
    let scheduled = valid.start_time.map(|start| Window {
        start,
        end: start + valid.duration,
    });
    if let Some(window) = recorded.or(scheduled)
        && window.is_over(now)
    {
        return Err(over(request, state, window));
    }
    match &observed.identity {
        Identity::Unproven(why) => {
            // To write down what was seen is to decide nothing, and it comes in time by that.
            let new = unrecorded_in_time(observed, &valid, limits);
            return Ok(match new.is_empty() {
                true => Step::Hold(why.clone()),
                false => Step::Record(new),
            });
        }
        Identity::Proven { since } if created < *since => {
            return Err(Refusal::failed(
                "who asks was not proven when this was made, for the admission policy was not in force for long enough: create it again",
            ));
        }
        Identity::Proven { .. } => {}
    }
    if observed.namespace.is_none() {
        // The policy admits no request there: somebody took the namespace off the list afterwards.
        return Ok(Step::Hold(
            "this namespace is not set up for AccessRequests any more: ask the administrators of JIT Access which one is".to_owned(),
        ));
    }
    vouched_for(request, &valid, observed.delegates())?;
    let decisions = decisions(request, observed.delegates());
    if let Some((state, why)) = veto(&decisions) {
        let kept_until = name_kept_until(observed, limits);
        if kept_until.is_some() && !has_finalizer(request) {
            return Ok(Step::TakeName);
        }
        return Err(Refusal::new(state, with_kept_name(why, kept_until)));
    }
    let deadline = deadline(&valid, created, limits);
    let approved = if valid.reviewers.is_empty() {
        seen_in_time(state, now, deadline, limits)?;
        true
    } else {
        let new = unrecorded_in_time(observed, &valid, limits);
        if !new.is_empty() {
            return Ok(Step::Record(new));
        }
        let approvers: Vec<String> =
            approvals_in_time(request, &valid, observed.delegates(), limits)
                .into_iter()
                .map(|decision| decision.author)
                .collect();
        if approvers.is_empty() && now > deadline {
            return Err(timed_out(limits));
        }
        let nothing_new = match &observed.weighed {
            Some(weighed) => *weighed == approvers,
            None => approvers.is_empty(),
        };
        if state == Some(AccessState::AwaitingApproval) && nothing_new {
            // Approvals that do not count keep nothing alive.
            if now > deadline {
                return Err(timed_out(limits));
            }
            return Ok(Step::Wait(Some(waits_until(deadline, scheduled))));
        }
        !approvers.is_empty()
    };
    given_up(request, state, recorded.or(scheduled), now, limits)?;
    if recorded.is_none()
        && let Some(message) = &observed.crowding
    {
        if observed.crowded_out >= MOST_CROWDED_OUT {
            return Ok(Step::Discard);
        }
        return Err(Refusal {
            too_many: true,
            ..Refusal::failed(message.clone())
        });
    }
    if let Some(window) = recorded {
        window.verify(&valid, longest(request, &valid, limits), created, now)?;
    }
    Ok(match valid.start_time {
        Some(start) if approved && start > now && state == Some(AccessState::Scheduled) => {
            Step::Wait(Some(start))
        }
        Some(start) if start > now => Step::LookUp(Box::new(valid)),
        _ if approved => Step::Grant(Box::new(valid), recorded),
        _ => Step::LookUp(Box::new(valid)),
    })
}

/// What a program made in somebody's name counts only as long as the installation lists the program,
/// and as the admission policy lets it be made.
fn vouched_for(
    request: &AccessRequest,
    valid: &ValidRequest,
    delegates: &[String],
) -> Result<(), Refusal> {
    let Some(maker) = request.annotations().get(CREATED_BY_ANNOTATION) else {
        return Ok(());
    };
    if !delegates.contains(maker) {
        return Err(Refusal::failed(format!(
            "made by {}, which is no delegate of this namespace, so nobody vouches for who asks: ask by yourself",
            shown(maker)
        )));
    }
    if valid.reviewers.is_empty() && valid.start_time.is_none() {
        return Err(Refusal::failed(
            "made by a delegate for nobody to approve and without spec.startTime: applied again later it would give access again",
        ));
    }
    Ok(())
}

/// Approvals that are seen for the first time, and in time.
fn unrecorded_in_time(
    observed: &Observed<'_>,
    valid: &ValidRequest,
    limits: &Limits,
) -> Vec<Approval> {
    let (request, now) = (observed.request, observed.now);
    if valid.reviewers.is_empty() || now > deadline(valid, created(request), limits) {
        return Vec::new();
    }
    let decisions = decisions(request, observed.delegates());
    let mut new = first_seen(request, &decisions, now);
    // The record is as long as the schema allows; an approval that finds no room does not count.
    new.truncate(MOST_APPROVALS.saturating_sub(recorded_approvals(request).len()));
    new
}

/// Most approvals that the status can record.
const MOST_APPROVALS: usize = 64;

/// Until when a request may be approved, or first be seen.
fn deadline(valid: &ValidRequest, created: Timestamp, limits: &Limits) -> Timestamp {
    deadline_of(valid.start_time, created, limits)
}

fn deadline_of(start: Option<Timestamp>, created: Timestamp, limits: &Limits) -> Timestamp {
    (created + limits.approval_timeout).max(start.unwrap_or(Timestamp::MIN))
}

/// Until when an approval of a request counts.
#[must_use]
pub fn approve_until(request: &AccessRequest, limits: &Limits) -> Timestamp {
    let start = request.spec.start_time.as_deref();
    let start = start.and_then(|text| parse_time(text).ok());
    deadline_of(start, created(request), limits)
}

/// When a request that waits for a reviewer is looked at again: a moment after the last at which an
/// approval counts, or when its window is over.
fn waits_until(deadline: Timestamp, scheduled: Option<Window>) -> Timestamp {
    let over = scheduled.map_or(Timestamp::MAX, |window| window.end);
    (deadline + SignedDuration::from_secs(1)).min(over)
}

fn recorded_approvals(request: &AccessRequest) -> &[Approval] {
    request
        .status
        .as_ref()
        .map_or(&[], |status| status.approvals.as_slice())
}

fn is_of(approval: &Approval, decision: &Decision) -> bool {
    approval.approver == decision.author && approval.via == decision.via
}

/// Approvals that no record knows.
fn first_seen(request: &AccessRequest, decisions: &[Decision], now: Timestamp) -> Vec<Approval> {
    let recorded = recorded_approvals(request);
    decisions
        .iter()
        .filter(|decision| decision.kind == DecisionKind::Approved)
        .filter(|decision| !recorded.iter().any(|approval| is_of(approval, decision)))
        .map(|decision| Approval {
            approver: decision.author.clone(),
            via: decision.via.clone(),
            comment: decision.comment.clone(),
            time: format_time(now),
        })
        .collect()
}

/// The approvals that stand on the request and were seen in time. A withdrawn one does not stand
/// there.
#[must_use]
pub fn approvals_in_time(
    request: &AccessRequest,
    valid: &ValidRequest,
    delegates: &[String],
    limits: &Limits,
) -> Vec<Decision> {
    let recorded = recorded_approvals(request);
    let deadline = deadline(valid, created(request), limits);
    decisions(request, delegates)
        .into_iter()
        .filter(|decision| decision.kind == DecisionKind::Approved)
        .filter(|decision| {
            recorded.iter().any(|approval| {
                is_of(approval, decision)
                    && parse_time(&approval.time).is_ok_and(|time| time <= deadline)
            })
        })
        .collect()
}

fn timed_out(limits: &Limits) -> Refusal {
    Refusal::new(
        AccessState::TimedOut,
        format!(
            "nobody who could approve did so within {}; create it again if the access is still needed",
            format_duration(limits.approval_timeout)
        ),
    )
}

/// How long a recorded window may be. What a request without a duration gets may be another time
/// by now than when its window was decided.
fn longest(request: &AccessRequest, valid: &ValidRequest, limits: &Limits) -> SignedDuration {
    let planned = || {
        let plan = request.status.as_ref()?.plan.as_ref()?;
        parse_duration(&plan.duration).ok()
    };
    match &request.spec.duration {
        Some(_) => valid.duration,
        None => planned().unwrap_or(valid.duration).min(limits.max_duration),
    }
}

fn over(request: &AccessRequest, state: Option<AccessState>, window: Window) -> Refusal {
    let end = format_time(window.end);
    if state == Some(AccessState::Retrying) {
        let last = status::message(request).unwrap_or_default();
        Refusal::failed(format!(
            "could not be granted before its end at {end}; the last try: {last}"
        ))
    } else {
        Refusal::new(
            AccessState::Expired,
            format!(
                "the time asked for was over at {end}, before it could be granted; create another request if the access is still needed"
            ),
        )
    }
}

fn seen_in_time(
    state: Option<AccessState>,
    now: Timestamp,
    deadline: Timestamp,
    limits: &Limits,
) -> Result<(), Refusal> {
    if state.is_none() && now > deadline {
        return Err(Refusal::new(
            AccessState::TimedOut,
            format!(
                "first seen more than {} after it was made; create it again if the access is still needed",
                format_duration(limits.approval_timeout)
            ),
        ));
    }
    Ok(())
}

fn given_up(
    request: &AccessRequest,
    state: Option<AccessState>,
    window: Option<Window>,
    now: Timestamp,
    limits: &Limits,
) -> Result<(), Refusal> {
    let timeout = limits.approval_timeout;
    if state == Some(AccessState::Retrying)
        && window.is_none()
        && status::since(request).is_some_and(|since| now >= since + timeout)
    {
        let last = status::message(request).unwrap_or_default();
        return Err(Refusal::failed(format!(
            "given up after {} of trying; the last try: {last}",
            format_duration(timeout)
        )));
    }
    Ok(())
}
