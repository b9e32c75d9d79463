//! What to do about a request, from its object and the clock alone; and, with what Google said,
//! whether it is granted. Every visit runs the same chain from the top.

mod judge;
mod name;
mod scope;
mod undecided;

use jiff::Timestamp;
use jit_access_crds::{AccessRequest, AccessState, Approval, FINALIZER};
use kube::ResourceExt;

use crate::expiry::Rounds;
use crate::fairness::CROWDED_OUT_RETENTION;
use crate::grant::Window;
use crate::limits::Limits;
use crate::namespaces::Namespace;
use crate::request::{Refusal, ValidRequest};
use crate::review::{decisions, veto};
use crate::status;
pub use judge::{Judged, Known, grant, judge, still_wanted, unexplained};
use name::name_kept_until;
pub use scope::within;
use undecided::undecided;
pub use undecided::{approvals_in_time, approve_until};

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
    /// What became of the last try to remove the binding.
    pub removal: Removal,
    /// Whether the API server lets nobody speak for another.
    pub identity: Identity,
    /// What the installation says of the request's namespace; `None` if it is not set up.
    pub namespace: Option<Namespace>,
    /// The approvers whose approvals were there when it was last found that somebody must act.
    pub weighed: Option<Vec<String>>,
}

impl Observed<'_> {
    /// The programs that may sign for persons in the request's namespace.
    #[must_use]
    pub fn delegates(&self) -> &[String] {
        self.namespace
            .as_ref()
            .map_or(&[], |namespace| &namespace.delegates)
    }
}

/// What became of the last try to remove a request's binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// It was not tried yet.
    #[default]
    Untried,
    /// It failed.
    Failed,
    /// The binding was seen gone.
    Done,
}

/// Whether the API server lets nobody speak for another, as far as that is proven now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// It is proven, and has been so without a gap since this time, a margin included.
    Proven {
        /// Requests created before this must be made again.
        since: Timestamp,
    },
    /// It is not proven at the moment: a sentence.
    Unproven(String),
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
    /// Say that nothing is decided for now, and why.
    Hold(String),
    /// Record approvals that are seen for the first time, before anybody else is asked.
    Record(Vec<Approval>),
    /// Find out whether the request could be granted; it starts later, or waits for a reviewer.
    LookUp(Box<ValidRequest>),
    /// Find out whether the request can be granted, and grant it; in this window if one was
    /// decided before.
    Grant(Box<ValidRequest>, Option<Window>),
    /// Somebody took our finalizer off running access: put it back.
    PutFinalizerBack,
    /// Running access was denied or revoked by somebody: end it, with this sentence.
    End(String),
    /// Compare the policy with what was granted, as of this round.
    Watch(Timestamp),
    /// The window is over: say so.
    Expire,
    /// Take the binding out of the policy; then let go of the object, unless its name is to be kept.
    Remove {
        /// Whether the object stays, so that nobody makes it again.
        keeps_name: bool,
    },
    /// Put our finalizer on, so that the name stays taken once the request is denied or revoked.
    TakeName,
    /// A deleted object of which nothing is left but its name, which is kept until then, unless its
    /// namespace goes.
    KeepName(Timestamp),
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
            | Self::End(_)
            | Self::Remove { .. } => true,
            Self::Wait(_)
            | Self::TakeName
            | Self::KeepName(_)
            | Self::Hold(_)
            | Self::Record(_)
            | Self::PutFinalizerBack
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
        return deletion(observed, limits, rounds);
    }
    match status::state(observed.request) {
        Some(AccessState::Active) => active(observed, limits, rounds),
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

fn deletion(observed: &Observed<'_>, limits: &Limits, rounds: Rounds) -> Step {
    let request = observed.request;
    if has_finalizer(request) {
        return match name_kept_until(observed, limits) {
            Some(until) if observed.removal == Removal::Done => Step::KeepName(until),
            kept => removal(observed, rounds, kept.is_some()),
        };
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
fn removal(observed: &Observed<'_>, rounds: Rounds, keeps_name: bool) -> Step {
    let request = observed.request;
    // Without a record nobody knows when the window ends: patience begins when the end was asked for.
    let end = window(request).map_or_else(|| end_asked(request), |window| window.end);
    let over = observed.now >= rounds.patient_until(end);
    if over && observed.removal == Removal::Failed {
        Step::Release
    } else {
        Step::Remove { keeps_name }
    }
}

fn end_asked(request: &AccessRequest) -> Timestamp {
    let deleted = request.metadata.deletion_timestamp.as_ref();
    deleted
        .map(|time| time.0)
        .or_else(|| status::since(request))
        .unwrap_or_else(|| created(request))
}

fn active(observed: &Observed<'_>, limits: &Limits, rounds: Rounds) -> Step {
    let Some(window) = window(observed.request) else {
        // Nobody but the controller writes the status, and it never leaves the window out.
        return Step::Remove { keeps_name: false };
    };
    if window.is_over(observed.now) {
        return Step::Expire;
    }
    let decisions = decisions(observed.request, observed.delegates());
    if let Some((_, why)) = veto(&decisions) {
        return Step::End(name::with_kept_name(why, name_kept_until(observed, limits)));
    }
    if !has_finalizer(observed.request) {
        return Step::PutFinalizerBack;
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
            _ => match name_kept_until(observed, limits) {
                Some(until) if observed.removal == Removal::Done => {
                    keep_watching(observed, rounds, window, until)
                }
                kept => removal(observed, rounds, kept.is_some()),
            },
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
    keep_watching(observed, rounds, window, delete)
}

/// While a window runs its binding must not come back; otherwise nothing is to be done until then.
fn keep_watching(
    observed: &Observed<'_>,
    rounds: Rounds,
    window: Option<Window>,
    until: Timestamp,
) -> Step {
    let now = observed.now;
    match window {
        Some(window) if !window.is_over(now) => watch(observed, rounds, window).map_or_else(
            || Step::Wait(Some(rounds.next(now).min(until))),
            Step::WatchEnded,
        ),
        _ => Step::Wait(Some(until)),
    }
}

#[cfg(test)]
mod tests;
