//! What to do about a request, from its object and the clock alone; and, with what Google said,
//! whether it is granted. Every visit runs the same chain from the top.

use jiff::{SignedDuration, Timestamp};
use jit_access_crds::{AccessRequest, AccessState, FINALIZER, Plan};
use kube::ResourceExt;

use crate::approval::Approved;
use crate::eligibility::{Eligible, Ineligible, Kind, Lookup};
use crate::expiry::Rounds;
use crate::fairness::{CROWDED_OUT_RETENTION, MOST_CROWDED_OUT};
use crate::grant::{Grant, Window, plan};
use crate::limits::{Limits, format_duration, parse_duration};
use crate::request::{Refusal, ValidRequest, format_time};
use crate::status;

/// What is known about a request without asking Google.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// The object.
    pub request: &'a AccessRequest,
    /// The time by which all is decided.
    pub now: Timestamp,
    /// Whether the requester has too many requests: a sentence.
    pub crowding: Option<String>,
    /// How many requests of the requester are kept that were too many.
    pub crowded_out: usize,
    /// The last round for which the resource's policy was compared with the grant.
    pub watched: Option<Timestamp>,
    /// Whether the last try to remove the binding failed.
    pub removal_failed: bool,
}

/// The next step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Nothing to do before this time; `None`: before the object changes.
    Wait(Option<Timestamp>),
    /// Final, without asking Google.
    Refuse(Refusal),
    /// Final, and there are so many like it that it is not kept.
    Discard,
    /// Find out whether the request could be granted; it starts later.
    LookUp(Box<ValidRequest>),
    /// Find out whether the request can be granted, and grant it; in this window if one was
    /// decided before.
    Grant(Box<ValidRequest>, Option<Window>),
    /// Somebody took our finalizer off running access: put it back.
    Hold,
    /// Compare the policy with what was granted, as of this round.
    Watch(Timestamp),
    /// The window is over: say so.
    Expire,
    /// Take the binding out of the policy, then let go of the object.
    Remove,
    /// An ended request whose window still runs: see that its binding has not come back, as of
    /// this round.
    WatchEnded(Timestamp),
    /// Let go of the object although its binding may still be there: it gives nothing any more.
    Release,
    /// The request was kept long enough.
    Delete,
}

impl Step {
    /// Whether the step calls Google.
    #[must_use]
    pub fn asks_google(&self) -> bool {
        match self {
            Self::LookUp(_)
            | Self::Grant(..)
            | Self::Watch(_)
            | Self::WatchEnded(_)
            | Self::Remove => true,
            Self::Wait(_)
            | Self::Hold
            | Self::Refuse(_)
            | Self::Discard
            | Self::Expire
            | Self::Release
            | Self::Delete => false,
        }
    }
}

/// The next step for a request.
#[must_use]
pub fn decide(observed: &Observed<'_>, limits: &Limits, rounds: Rounds) -> Step {
    if observed.request.metadata.deletion_timestamp.is_some() {
        return deletion(observed, rounds);
    }
    match status::state(observed.request) {
        Some(AccessState::Active) => active(observed, rounds),
        Some(state) if state.is_final() => finished(observed, limits, rounds),
        state => undecided(observed, state, limits).unwrap_or_else(Step::Refuse),
    }
}

fn window(request: &AccessRequest) -> Option<Window> {
    Window::recorded(request.status.as_ref()?.grant.as_ref()?)
}

fn has_finalizer(request: &AccessRequest) -> bool {
    request.finalizers().iter().any(|name| name == FINALIZER)
}

/// When the object was created; before everything if the API server did not say.
#[must_use]
pub fn created(request: &AccessRequest) -> Timestamp {
    request
        .metadata
        .creation_timestamp
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

fn deletion(observed: &Observed<'_>, rounds: Rounds) -> Step {
    let request = observed.request;
    if has_finalizer(request) {
        return removal(observed, rounds);
    }
    // Another finalizer keeps the object, and somebody took ours off: the binding may be there.
    match window(request) {
        Some(window) if !window.is_over(observed.now) => watch(observed, rounds, window)
            .map_or_else(
                || Step::Wait(Some(rounds.next(observed.now))),
                Step::WatchEnded,
            ),
        _ => Step::Wait(None),
    }
}

/// Where our finalizer stands a binding may be, whatever the status says: it is looked for before
/// the object is let go.
fn removal(observed: &Observed<'_>, rounds: Rounds) -> Step {
    let request = observed.request;
    // Without a record nobody knows when the window ends: patience begins when the end was asked for.
    let end = window(request).map_or_else(|| end_asked(request), |window| window.end);
    let over = observed.now >= rounds.patient_until(end);
    if over && observed.removal_failed {
        Step::Release
    } else {
        Step::Remove
    }
}

fn end_asked(request: &AccessRequest) -> Timestamp {
    let deleted = request.metadata.deletion_timestamp.as_ref();
    deleted
        .map(|time| time.0)
        .or_else(|| status::since(request))
        .unwrap_or_else(|| created(request))
}

fn active(observed: &Observed<'_>, rounds: Rounds) -> Step {
    let Some(window) = window(observed.request) else {
        // Nobody but the controller writes the status, and it never leaves the window out.
        return Step::Remove;
    };
    if window.is_over(observed.now) {
        return Step::Expire;
    }
    if !has_finalizer(observed.request) {
        return Step::Hold;
    }
    watch(observed, rounds, window).map_or_else(
        || Step::Wait(Some(rounds.next(observed.now).min(window.end))),
        Step::Watch,
    )
}

/// The round as of which the policy is to be read, unless it was.
fn watch(observed: &Observed<'_>, rounds: Rounds, window: Window) -> Option<Timestamp> {
    let round = rounds.last(observed.now);
    (!window.is_over(observed.now) && observed.watched.is_none_or(|watched| watched < round))
        .then_some(round)
}

fn finished(observed: &Observed<'_>, limits: &Limits, rounds: Rounds) -> Step {
    let request = observed.request;
    let now = observed.now;
    let window = window(request);
    if has_finalizer(request) {
        return match window {
            // Expired bindings give nothing any more: they are removed together.
            Some(window)
                if status::state(request) == Some(AccessState::Expired)
                    && now < rounds.next(window.end) =>
            {
                Step::Wait(Some(rounds.next(window.end)))
            }
            _ => removal(observed, rounds),
        };
    }
    let retention = if status::is_crowded_out(request) {
        CROWDED_OUT_RETENTION
    } else {
        limits.retention
    };
    let finished = status::since(request).unwrap_or_else(|| created(request));
    let delete = match window {
        Some(window) => (finished + retention).max(window.end),
        None => finished + retention,
    };
    if now >= delete {
        return Step::Delete;
    }
    match window {
        Some(window) if !window.is_over(now) => watch(observed, rounds, window).map_or_else(
            || Step::Wait(Some(rounds.next(now).min(delete))),
            Step::WatchEnded,
        ),
        _ => Step::Wait(Some(delete)),
    }
}

/// Refusals are found in this order: own fields, window over, too many; then Google is asked.
fn undecided(
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
    in_time(request, state, &valid, recorded.or(scheduled), now, limits)?;
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
    if !valid.reviewers.is_empty() {
        return Err(Refusal::failed(
            "spec.reviewers: approval by a peer is not available in this version; leave reviewers out for roles that you may approve yourself",
        ));
    }
    if let Some(window) = recorded {
        window.verify(&valid, longest(request, &valid, limits), created, now)?;
    }
    Ok(match valid.start_time {
        Some(start) if start > now && state == Some(AccessState::Scheduled) => {
            Step::Wait(Some(start))
        }
        Some(start) if start > now => Step::LookUp(Box::new(valid)),
        _ => Step::Grant(Box::new(valid), recorded),
    })
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

fn in_time(
    request: &AccessRequest,
    state: Option<AccessState>,
    valid: &ValidRequest,
    window: Option<Window>,
    now: Timestamp,
    limits: &Limits,
) -> Result<(), Refusal> {
    let timeout = limits.approval_timeout;
    let deadline = (created(request) + timeout).max(valid.start_time.unwrap_or(Timestamp::MIN));
    if state.is_none() && now > deadline {
        return Err(Refusal::new(
            AccessState::TimedOut,
            format!(
                "first seen more than {} after it was made; create it again if the access is still needed",
                format_duration(timeout)
            ),
        ));
    }
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

/// Whether the request can be granted, by what Google said. `lookup` is `None` for a resource
/// outside the installation's scope.
///
/// # Errors
/// `Ineligible` with why not, or `Failed` when a condition cannot be composed.
pub fn judge(
    request: &ValidRequest,
    lookup: Option<&Lookup>,
    limits: &Limits,
) -> Result<(Approved, Plan), Refusal> {
    let Some(lookup) = lookup else {
        return Err(Refusal::new(
            AccessState::Ineligible,
            format!(
                "{} is not within {}, which is all that this installation covers",
                request.resource, limits.scope
            ),
        ));
    };
    let eligible = Eligible::find(
        &request.requester,
        request.resource.as_str(),
        &request.roles,
        Kind::SelfApproval,
        lookup,
    )
    .map_err(|Ineligible { message, .. }| Refusal::new(AccessState::Ineligible, message))?;
    let plan = plan(request, &eligible)?;
    let approved = Approved::by_requester(eligible)
        .ok_or_else(|| Refusal::failed("these roles need a peer's approval: name reviewers"))?;
    Ok((approved, plan))
}

/// The grant of a judged request: in the recorded window, else in one that begins now.
///
/// # Errors
/// As [`judge`] and [`Grant::new`].
pub fn grant(
    request: &ValidRequest,
    uid: &str,
    created: Timestamp,
    approved: Approved,
    recorded: Option<Window>,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let window = recorded.unwrap_or_else(|| Window::decide(request, created, now));
    Grant::new(request, uid, approved, window)
}

#[cfg(test)]
mod tests;
