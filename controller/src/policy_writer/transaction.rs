//! One read-modify-write: read, decide, prepare, change, write; again from the top when the
//! policy was changed by somebody else meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt};
use jit_access_core::iam_policy::Policy;
use jit_access_google::{Error, Kind};

use super::bisect::{Refused, bisect};
use super::decide::{
    self, decide, inside_scope, prepare, refused_by_google, renew_what_refuses, still_wanted,
};
use super::edit::{Edit, Part, Ready, edit, reason};
use super::gather::gather;
use super::inspect::inspect;
use super::job::{Batch, GrantAnswer, GrantJob, RemoveJob, Trouble};
use super::{Resource, Shared};
use crate::facts::MAX_AGE;

/// How often a policy is read and written before the requests wait for their next turn.
const MOST_ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Serves a batch; every job in it is answered.
pub(super) async fn run(resource: &Arc<Resource>, shared: &Arc<Shared>, batch: Batch) {
    write(resource, shared, batch, Part::WHOLE).await;
}

/// Serves part of a batch. Boxed, since what Google refuses is bisected, which comes back here.
pub(super) fn write<'a>(
    resource: &'a Arc<Resource>,
    shared: &'a Arc<Shared>,
    batch: Batch,
    part: Part,
) -> BoxFuture<'a, ()> {
    attempts(resource, shared, batch, part).boxed()
}

async fn attempts(resource: &Arc<Resource>, shared: &Arc<Shared>, mut batch: Batch, part: Part) {
    let mut last = Trouble::new("the policy was not written");
    let mut answer_lost = false;
    for attempt in 0..MOST_ATTEMPTS {
        pause(attempt).await;
        let begun = Instant::now();
        let known = resource.inspected(&batch);
        let read_anew = known.is_none();
        if !batch.grants.is_empty() {
            let grants = std::mem::take(&mut batch.grants);
            let inside = inside_scope(resource, shared, grants);
            batch.grants = attending_to_removals(resource, shared, inside).await;
        }
        if batch.is_empty() {
            return;
        }
        let people = people(&batch);
        let not_before = newest_round(&batch);
        let gathered = gather(&resource.name, shared, &people, known, not_before);
        let gathered = match people.is_empty() {
            true => gathered.await,
            false => attending_to_removals(resource, shared, gathered).await,
        };
        let mut gathered = match gathered {
            Ok(gathered) => gathered,
            Err(error) => return unreadable(batch, &error),
        };
        if read_anew && !batch.inspections.is_empty() {
            resource.set_inspected(Some((begun, gathered.policy.clone())));
        }
        for job in std::mem::take(&mut batch.inspections) {
            inspect(job, &gathered, shared);
        }
        for job in std::mem::take(&mut batch.tidies) {
            job.answer(Ok(gathered.policy.clone()));
        }
        let renewed = renew_what_refuses(&batch.grants, &mut gathered, shared);
        attending_to_removals(resource, shared, renewed).await;
        let grants = decide(std::mem::take(&mut batch.grants), &gathered, shared);
        let grants = attending_to_removals(resource, shared, prepare(grants)).await;
        // Preparing may have taken long: then the decision rests on old readings.
        if gathered.age() > MAX_AGE {
            batch.grants = jobs(grants);
            last = Trouble::new("recording the grants took too long");
            continue;
        }
        batch.removals.extend(resource.late_removals());
        let grants = still_wanted(grants);
        let mut edit = edit(
            &gathered.policy,
            &batch.removals,
            grants,
            part,
            shared.surely_over(),
        );
        for (ready, refusal) in std::mem::take(&mut edit.refused) {
            ready.job.answer(GrantAnswer::Refused(refusal));
        }
        if !edit.changed {
            return done(resource, shared, batch.removals, edit);
        }
        if answer_lost {
            // It did not take effect. Google is left alone for a while, as after any failure.
            batch.grants = jobs(edit.ready);
            return batch.trouble(&last);
        }
        match set(resource, shared, &edit, &batch.removals).await {
            Ok(()) => return done(resource, shared, batch.removals, edit),
            Err(error) if error.kind == Kind::Conflict || error.may_have_been_committed => {
                // The next reading tells what stands there now.
                answer_lost = error.may_have_been_committed;
                last = Trouble::from(&error);
                batch.grants = jobs(edit.ready);
            }
            Err(error) if is_refusal(&error) => {
                let refused = Refused {
                    purged: edit.purged,
                    before: &gathered.policy,
                    roles: roles(&edit.ready),
                    error: &error,
                };
                batch.grants = jobs(edit.ready);
                return bisect(resource, shared, batch, part, refused).await;
            }
            Err(error) => {
                batch.grants = jobs(edit.ready);
                return batch.trouble(&Trouble::from(&error));
            }
        }
    }
    batch.trouble(&last);
}

fn jobs(ready: Vec<Ready>) -> Vec<GrantJob> {
    ready.into_iter().map(|ready| ready.job).collect()
}

/// The roles of a grant that is alone, one for each binding.
fn roles(ready: &[Ready]) -> Vec<String> {
    let [only] = ready else { return Vec::new() };
    let bindings = only.grant.bindings().iter();
    bindings.map(|binding| binding.role.clone()).collect()
}

/// Does some work, and writes the removals that arrive meanwhile at once. The policy that was read
/// for the work is stale then, which its own write finds out.
async fn attending_to_removals<T>(
    resource: &Arc<Resource>,
    shared: &Arc<Shared>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = resource.removal_arrived.notified() => {
                let removals = resource.late_removals();
                if !removals.is_empty() {
                    let batch = Batch { removals, ..Batch::default() };
                    write(resource, shared, batch, Part::WHOLE).await;
                }
            }
        }
    }
}

pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind,
        Kind::Denied | Kind::Invalid | Kind::TooLarge | Kind::Missing
    )
}

/// Full jitter: writers that met once do not meet again.
async fn pause(attempt: u32) {
    if attempt > 0 {
        let longest = FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(attempt - 1))
            .min(LONGEST_PAUSE);
        tokio::time::sleep(longest.mul_f64(rand::random::<f64>())).await;
    }
}

fn people(batch: &Batch) -> BTreeSet<String> {
    let asking = batch.grants.iter().flat_map(decide::people);
    let holding = batch
        .inspections
        .iter()
        .filter(|job| job.order.held.is_some())
        .map(|job| job.order.subject.requester.as_str());
    asking.chain(holding).map(str::to_owned).collect()
}

/// A round is a reading of everything: what is remembered from before it does not count.
fn newest_round(batch: &Batch) -> Option<Instant> {
    batch
        .inspections
        .iter()
        .map(|job| job.order.not_before)
        .max()
}

/// The policy itself cannot be read: for who asks for access to it that is an answer.
fn unreadable(mut batch: Batch, error: &Error) {
    if is_refusal(error) {
        for job in std::mem::take(&mut batch.grants) {
            job.answer(GrantAnswer::Refused(refused_by_google(error)));
        }
    }
    batch.trouble(&Trouble::from(error));
}

async fn set(
    resource: &Resource,
    shared: &Shared,
    edit: &Edit,
    removals: &[RemoveJob],
) -> Result<(), Error> {
    put(
        resource,
        shared,
        &edit.policy,
        &reason(removals, &edit.ready),
    )
    .await
}

/// Writes a policy, once.
pub(super) async fn put(
    resource: &Resource,
    shared: &Shared,
    policy: &Policy,
    reason: &str,
) -> Result<(), Error> {
    let begun = Instant::now();
    resource.set_inspected(None);
    let result = shared
        .google
        .set_policy(&resource.name, policy, reason)
        .await;
    shared.metrics.policy_written(begun.elapsed(), &result);
    match result {
        Ok(_) => Ok(()),
        Err(error) => {
            if error.may_have_been_committed {
                resource.answer_lost(shared);
            }
            tracing::warn!(
                resource = resource.name,
                %error,
                "the policy was not written"
            );
            Err(error)
        }
    }
}

fn done(resource: &Arc<Resource>, shared: &Arc<Shared>, removals: Vec<RemoveJob>, edit: Edit) {
    let Edit { found, ready, .. } = edit;
    for Ready { job, grant } in ready {
        job.answer(GrantAnswer::Granted(grant));
    }
    for (job, found) in removals.into_iter().zip(found) {
        match look_again(resource, shared, &job).filter(|_| !found) {
            None => job.answer(Ok(())),
            Some(at) => {
                let (resource, shared) = (Arc::clone(resource), Arc::clone(shared));
                tokio::spawn(async move {
                    tokio::time::sleep_until(at.into()).await;
                    resource.submit(&shared, |batch| batch.removals.push(job));
                });
            }
        }
    }
}

/// When to look again for what was not found: a write that added it may still be on its way.
fn look_again(resource: &Resource, shared: &Shared, job: &RemoveJob) -> Option<Instant> {
    let earlier_process = job
        .never_granted
        .then_some(shared.started + shared.in_flight);
    resource
        .may_arrive_until()
        .max(earlier_process)
        .filter(|until| Instant::now() < *until)
}
