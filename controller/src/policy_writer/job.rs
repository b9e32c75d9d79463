//! What the writer of a policy is asked to do, and what it answers.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::Timestamp;
use jit_access_core::approval::Awaited;
use jit_access_core::decision::Known;
use jit_access_core::eligibility::Held;
use jit_access_core::grant::Grant;
use jit_access_core::iam_policy::{GrantBinding, Observation, Policy};
use jit_access_core::request::Refusal;
use jit_access_crds::Plan;
use jit_access_google::Error;
use tokio::sync::oneshot;

/// Who and what a job is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `namespace/name` of the request.
    pub name: String,
    /// UID of the request.
    pub uid: String,
    /// E-mail address of the requester.
    pub requester: String,
    /// The request's justification.
    pub justification: String,
    /// When the request was first seen: no refusal rests on an older reading.
    pub first_seen: Instant,
}

impl Subject {
    /// The requester as a member of a binding.
    #[must_use]
    pub fn member(&self) -> String {
        format!("user:{}", self.requester)
    }
}

/// What is to happen to a petition, by the policy that the write will replace.
#[derive(Debug)]
pub enum Verdict {
    /// It is refused.
    Refuse(Refusal),
    /// It may be granted later; nothing is written now.
    Later,
    /// A reviewer must act; nothing is written now.
    Await(Awaited, Plan),
    /// It is granted.
    Grant(Box<Grant>),
    /// It cannot be decided for now.
    Wait(Trouble),
}

/// A request that asks for bindings. Decision and writing are one transaction, so the decision is
/// called by the writer, on the very policy that is going to be replaced.
pub trait Petition: Send + Sync {
    /// Who and what it is about.
    fn subject(&self) -> &Subject;

    /// Whose approval could count: they are looked up too.
    fn reviewers(&self) -> &[String];

    /// Whether the resource may be named at all; `ancestors` as for [`jit_access_core::decision::within`].
    fn within(&self, ancestors: Option<&[String]>) -> Result<(), Refusal>;

    /// Decides; `held` is whether a binding of the request stands in the policy already.
    fn decide(&self, known: Known<'_>, held: bool, now: Timestamp) -> Verdict;

    /// Records the window before the policy is changed. May be called again for another attempt.
    fn prepare<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), Trouble>>;

    /// Whether it is still to be written, at the last moment.
    fn still_wanted(&self) -> bool;
}

/// Longest wait of a removal that Google asks for: it ends access that somebody wants ended.
const REMOVAL_WAITS: Duration = Duration::from_secs(15);

/// Something that failed and may succeed later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A sentence.
    pub message: String,
    /// Not before this long from now.
    pub retry_after: Option<Duration>,
}

impl Trouble {
    /// Trouble without a time to wait.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry_after: None,
        }
    }

    /// How long a removal leaves Google alone: no longer than this, whatever Google asks.
    #[must_use]
    pub fn removal_after(&self) -> Option<Duration> {
        self.retry_after.map(|asked| asked.min(REMOVAL_WAITS))
    }
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        Self {
            message: error.to_string(),
            retry_after: error.retry_after,
        }
    }
}

/// The answer to a petition.
#[derive(Debug)]
pub enum GrantAnswer {
    /// The bindings are in the policy.
    Granted(Box<Grant>),
    /// It may be granted later.
    Later,
    /// A reviewer must act.
    Awaited(Awaited, Plan),
    /// It is refused; nothing of it is in the policy.
    Refused(Refusal),
    /// It was withdrawn before anything was written.
    Withdrawn,
    /// It could not be decided or written for now.
    Trouble(Trouble),
}

/// The answer to an inspection.
#[derive(Debug)]
pub struct Inspection {
    /// How the policy compares with what was granted.
    pub observation: Observation,
    /// Why the requester could not be granted this now; `None` as well if that was not asked. An
    /// error takes nothing away from anybody.
    pub eligibility_lost: Result<Option<String>, Trouble>,
}

pub(crate) struct GrantJob {
    pub(crate) petition: std::sync::Arc<dyn Petition>,
    pub(crate) reply: oneshot::Sender<GrantAnswer>,
}

impl GrantJob {
    pub(crate) fn answer(self, answer: GrantAnswer) {
        // Nobody waits any more when the controller is shutting down.
        drop(self.reply.send(answer));
    }
}

pub(crate) struct RemoveJob {
    pub(crate) subject: Subject,
    /// Whether a write that added the binding may still be on its way from an earlier process.
    pub(crate) never_granted: bool,
    /// Only the binding of this role.
    pub(crate) role: Option<String>,
    pub(crate) reply: oneshot::Sender<Result<(), Trouble>>,
}

impl RemoveJob {
    pub(crate) fn answer(self, answer: Result<(), Trouble>) {
        drop(self.reply.send(answer));
    }
}

/// Asks how the policy compares with what was granted.
#[derive(Debug, Clone)]
pub struct InspectionOrder {
    /// Who and what it is about.
    pub subject: Subject,
    /// What was granted.
    pub granted: Vec<GrantBinding>,
    /// Access that runs, whose entitlement is to be looked up too; `None` for an ended request.
    pub held: Option<Held>,
    /// No reading that began before this will do.
    pub not_before: Instant,
}

pub(crate) struct InspectJob {
    pub(crate) order: InspectionOrder,
    pub(crate) reply: oneshot::Sender<Result<Inspection, Trouble>>,
}

impl InspectJob {
    pub(crate) fn answer(self, answer: Result<Inspection, Trouble>) {
        drop(self.reply.send(answer));
    }
}

/// Asks for the policy itself.
pub(crate) struct TidyJob {
    pub(crate) reply: oneshot::Sender<Result<Policy, Trouble>>,
}

impl TidyJob {
    pub(crate) fn answer(self, answer: Result<Policy, Trouble>) {
        drop(self.reply.send(answer));
    }
}

/// Everything that waits for the writer of one policy.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) grants: Vec<GrantJob>,
    pub(crate) removals: Vec<RemoveJob>,
    pub(crate) inspections: Vec<InspectJob>,
    pub(crate) tidies: Vec<TidyJob>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.grants.is_empty()
            && self.removals.is_empty()
            && self.inspections.is_empty()
            && self.tidies.is_empty()
    }

    pub(crate) fn trouble(self, trouble: &Trouble) {
        for job in self.grants {
            job.answer(GrantAnswer::Trouble(trouble.clone()));
        }
        for job in self.removals {
            job.answer(Err(trouble.clone()));
        }
        for job in self.inspections {
            job.answer(Err(trouble.clone()));
        }
        for job in self.tidies {
            job.answer(Err(trouble.clone()));
        }
    }
}
