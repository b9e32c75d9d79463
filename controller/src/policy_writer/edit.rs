//! The change of one policy, in memory.

use jiff::Timestamp;
use jit_access_core::grant::Grant;
use jit_access_core::iam_policy::Policy;
use jit_access_core::request::Refusal;

use super::job::{GrantJob, RemoveJob};

/// A grant that is about to be written.
pub(super) struct Ready {
    pub(super) job: GrantJob,
    pub(super) grant: Box<Grant>,
}

/// The policy as it is to be, and what the change consists of.
pub(super) struct Edit {
    pub(super) policy: Policy,
    pub(super) changed: bool,
    /// Whether expired bindings of others' requests are removed too.
    pub(super) purged: bool,
    /// Which of the removals, by their place, found something.
    pub(super) found: Vec<bool>,
    /// Grants that would exceed a limit, with the sentence; the others are in the policy.
    pub(super) refused: Vec<(Ready, Refusal)>,
    pub(super) ready: Vec<Ready>,
}

/// Which part of a change is made.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Remove expired bindings too.
    pub(super) purge: bool,
    /// Of each grant only this many bindings.
    pub(super) roles: usize,
    /// Google took the policy as it was, so what it refuses is the change.
    pub(super) taken_unchanged: bool,
}

impl Part {
    pub(super) const WHOLE: Self = Self {
        purge: true,
        roles: usize::MAX,
        taken_unchanged: false,
    };
}

/// Makes the change: removals first, which makes room.
pub(super) fn edit(
    policy: &Policy,
    removals: &[RemoveJob],
    grants: Vec<Ready>,
    part: Part,
    now: Timestamp,
) -> Edit {
    let mut next = policy.clone();
    let found: Vec<bool> = removals
        .iter()
        .map(|job| {
            let (uid, member) = (&job.subject.uid, job.subject.member());
            let removed = match &job.role {
                None => next.remove(uid, &member),
                Some(role) => next.remove_role(uid, &member, role),
            };
            !removed.is_empty()
        })
        .collect();
    let purged = part.purge && !next.remove_expired(now).is_empty();
    let mut changed = purged || found.contains(&true);
    let mut refused = Vec::new();
    let mut ready = Vec::new();
    for item in grants {
        let bindings = item.grant.bindings();
        let bindings = &bindings[..bindings.len().min(part.roles)];
        match next.add(bindings, true) {
            Ok(added) => {
                changed |= added.changed();
                ready.push(item);
            }
            Err(limit) => {
                let refusal = Refusal::failed(limit.to_string());
                refused.push((item, refusal));
            }
        }
    }
    Edit {
        policy: next,
        changed,
        purged,
        found,
        refused,
        ready,
    }
}

/// Longest reason that Google's audit log is given, in bytes before encoding.
const REASON_LENGTH: usize = 1_000;

/// Why the policy is written, for Google's audit log: the requests that fit, and the
/// justification if there is one request alone.
pub(super) fn reason(removals: &[RemoveJob], grants: &[Ready]) -> String {
    let subjects = || {
        let granted = grants.iter().map(|ready| ready.job.petition.subject());
        granted.chain(removals.iter().map(|job| &job.subject))
    };
    let mut text = String::new();
    for subject in subjects() {
        if text.len() + subject.name.len() + 2 > REASON_LENGTH {
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&subject.name);
    }
    if let ([only], []) = (grants, removals) {
        text.push_str(": ");
        text.push_str(&only.job.petition.subject().justification);
    }
    if text.is_empty() {
        "expired access".clone_into(&mut text);
    }
    text
}
