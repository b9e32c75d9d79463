//! When Google refuses a write of many requests, the one that is at fault is found, and the
//! others are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use jit_access_core::iam_policy::Policy;
use jit_access_core::request::Refusal;
use jit_access_google::{Error, Kind};
use tokio::sync::oneshot;

use super::decide::refused_by_google;
use super::edit::Part;
use super::job::{Batch, GrantAnswer, GrantJob, RemoveJob, Trouble};
use super::transaction::{is_refusal, put, write};
use super::{Resource, Shared};

/// A write that Google refused.
pub(super) struct Refused<'a> {
    /// Whether it removed expired bindings of others' requests too.
    pub(super) purged: bool,
    /// The policy that it was to replace.
    pub(super) before: &'a Policy,
    /// The roles of the grant that it was for, if it was for one alone.
    pub(super) roles: Vec<String>,
    /// Google's answer.
    pub(super) error: &'a Error,
}

/// Serves a batch whose write was refused.
pub(super) async fn bisect(
    resource: &Arc<Resource>,
    shared: &Arc<Shared>,
    mut batch: Batch,
    mut part: Part,
    refused: Refused<'_>,
) {
    let error = refused.error;
    if refused.purged {
        // The controller may be allowed to change some roles only: others' expired bindings wait.
        let part = Part {
            purge: false,
            ..part
        };
        return write(resource, shared, batch, part).await;
    }
    let splits = batch.grants.len() + batch.removals.len() > 1 || refused.roles.len() > 1;
    if splits && !part.taken_unchanged {
        if let Some(error) = refused_unchanged(resource, shared, refused.before).await {
            return whole_policy_refused(resource, batch, &error);
        }
        part.taken_unchanged = true;
    }
    if !batch.removals.is_empty() && !batch.grants.is_empty() {
        let removals = std::mem::take(&mut batch.removals);
        let removals = Batch {
            removals,
            ..Batch::default()
        };
        write(resource, shared, removals, part).await;
        return write(resource, shared, batch, part).await;
    }
    if batch.grants.len() > 1 || batch.removals.len() > 1 {
        let half = Batch {
            grants: batch.grants.split_off(batch.grants.len() / 2),
            removals: batch.removals.split_off(batch.removals.len() / 2),
            ..Batch::default()
        };
        write(resource, shared, batch, part).await;
        return write(resource, shared, half, part).await;
    }
    // Google limits which roles one write may touch with 403 (IAM, "Set limits on granting roles"),
    // and does not always say which role it is that cannot be granted.
    let by_role = matches!(error.kind, Kind::Denied | Kind::Invalid);
    if let Some(job) = batch.grants.pop() {
        if by_role && part.roles == usize::MAX && refused.roles.len() > 1 {
            grant_by_role(resource, shared, job, part, error).await;
        } else {
            let mut refusal = refused_by_google(error);
            if let Some(role) = refused.roles.get(part.roles - 1) {
                refusal.message = format!("{role}: {}", refusal.message);
            }
            job.answer(GrantAnswer::Refused(refusal));
        }
    }
    if let Some(job) = batch.removals.pop() {
        if by_role && job.role.is_none() {
            remove_by_role(resource, shared, job, error).await;
        } else {
            job.answer(Err(Trouble::from(error)));
        }
    }
}

/// Writes the policy as it is: where Google refuses even that, no request is at fault, and to look
/// for one would cost a few writes for each.
async fn refused_unchanged(resource: &Resource, shared: &Shared, policy: &Policy) -> Option<Error> {
    let reason = "whether the policy can be written as it is";
    let written = put(resource, shared, policy, reason).await;
    written.err().filter(is_refusal)
}

fn whole_policy_refused(resource: &Resource, batch: Batch, error: &Error) {
    let why = format!(
        "Google does not take the policy of {} even as it is, which is no fault of this request: an administrator must look at it. {error}",
        resource.name
    );
    for job in batch.grants {
        job.answer(GrantAnswer::Refused(Refusal::failed(why.clone())));
    }
    for job in batch.removals {
        job.answer(Err(Trouble::new(why.clone())));
    }
}

/// Adds one binding after the other. What was added when one is refused is removed as of any
/// request that failed.
async fn grant_by_role(
    resource: &Arc<Resource>,
    shared: &Arc<Shared>,
    job: GrantJob,
    part: Part,
    error: &Error,
) {
    let mut answer = GrantAnswer::Refused(refused_by_google(error));
    for roles in 1.. {
        let (reply, written) = oneshot::channel();
        let step = Batch {
            grants: vec![GrantJob {
                petition: Arc::clone(&job.petition),
                reply,
            }],
            ..Batch::default()
        };
        let part = Part {
            purge: false,
            roles,
            ..part
        };
        write(resource, shared, step, part).await;
        match written.await {
            Ok(GrantAnswer::Granted(grant)) if roles < grant.bindings().len() => {}
            Ok(last) => {
                answer = last;
                break;
            }
            Err(_) => break,
        }
    }
    job.answer(answer);
}

async fn remove_by_role(
    resource: &Arc<Resource>,
    shared: &Arc<Shared>,
    job: RemoveJob,
    error: &Error,
) {
    let subject = &job.subject;
    let roles: BTreeSet<String> = match shared.google.get_policy(&resource.name).await {
        Ok(policy) => policy
            .observe(&subject.uid, &subject.member(), &[])
            .additional
            .into_iter()
            .map(|binding| binding.role)
            .collect(),
        Err(error) => return job.answer(Err(Trouble::from(&error))),
    };
    if roles.len() < 2 {
        return job.answer(Err(Trouble::from(error)));
    }
    let mut answer = Ok(());
    for role in roles {
        let (reply, removed) = oneshot::channel();
        let step = Batch {
            removals: vec![RemoveJob {
                subject: subject.clone(),
                never_granted: job.never_granted,
                role: Some(role),
                reply,
            }],
            ..Batch::default()
        };
        let part = Part {
            purge: false,
            ..Part::WHOLE
        };
        write(resource, shared, step, part).await;
        if let Ok(Err(trouble)) = removed.await {
            answer = Err(trouble);
        }
    }
    job.answer(answer);
}
