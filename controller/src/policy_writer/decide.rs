//! What becomes of the petitions of a batch, by the policy that its write will replace.

use futures::future::join_all;
use jiff::Timestamp;
use jit_access_core::approval::Reviewer;
use jit_access_core::decision::Known;
use jit_access_core::request::Refusal;
use jit_access_google::Error;

use super::edit::Ready;
use super::gather::{Gathered, NoLookup};
use super::job::{GrantAnswer, GrantJob, Trouble, Verdict};
use super::{Resource, Shared};
use crate::facts::FactsError;

/// Those of the grants that may name their resource; the others are answered. The policy of a
/// resource outside the scope is not even read.
pub(super) async fn inside_scope(
    resource: &Resource,
    shared: &Shared,
    grants: Vec<GrantJob>,
) -> Vec<GrantJob> {
    let Some(seen) = grants
        .iter()
        .map(|job| job.petition.subject().first_seen)
        .max()
    else {
        return grants;
    };
    let all_within = |ancestors: Option<&[String]>| {
        let mut petitions = grants.iter().map(|job| &job.petition);
        petitions.all(|petition| petition.within(ancestors).is_ok())
    };
    let ancestry = shared
        .facts
        .ancestry_for(&resource.name, seen, all_within)
        .await;
    let mut inside = Vec::new();
    for job in grants {
        match &ancestry {
            Ok(ancestors) => match job.petition.within(ancestors.as_deref()) {
                Ok(()) => inside.push(job),
                Err(refusal) => job.answer(GrantAnswer::Refused(refusal)),
            },
            Err(FactsError::Resource(error)) => {
                job.answer(GrantAnswer::Refused(refused_by_google(error)));
            }
            Err(FactsError::Other(error)) => {
                job.answer(GrantAnswer::Trouble(Trouble::from(error)));
            }
        }
    }
    inside
}

/// What Google refuses for good, in its words.
pub(super) fn refused_by_google(error: &Error) -> Refusal {
    Refusal::failed(error.to_string())
}

/// No refusal rests on a reading that is older than the request.
pub(super) async fn renew_what_refuses(
    grants: &[GrantJob],
    gathered: &mut Gathered,
    shared: &Shared,
) {
    let stale: Vec<&GrantJob> = grants
        .iter()
        .filter(|job| {
            let seen = job.petition.subject().first_seen;
            people(job).any(|person| gathered.is_older_than(person, seen))
                && refuses(job, gathered, shared)
        })
        .collect();
    let Some(newest) = stale
        .iter()
        .map(|job| job.petition.subject().first_seen)
        .max()
    else {
        return;
    };
    let people = stale
        .iter()
        .flat_map(|job| people(job))
        .map(str::to_owned)
        .collect();
    gathered.renew(shared, &people, newest).await;
}

/// The requester, and all whose approval could count.
pub(super) fn people(job: &GrantJob) -> impl Iterator<Item = &str> {
    let reviewers = job.petition.reviewers().iter().map(String::as_str);
    std::iter::once(job.petition.subject().requester.as_str()).chain(reviewers)
}

fn refuses(job: &GrantJob, gathered: &Gathered, shared: &Shared) -> bool {
    match verdict(job, gathered, shared) {
        Ok(verdict) => matches!(verdict, Verdict::Refuse(_)),
        Err(_) => false,
    }
}

/// The error is what Google refuses about the resource itself.
fn verdict(job: &GrantJob, gathered: &Gathered, shared: &Shared) -> Result<Verdict, Error> {
    let now = Timestamp::now();
    let subject = job.petition.subject();
    let requester = match gathered.look_up(&subject.requester, shared, now) {
        Ok(lookup) => lookup,
        Err(NoLookup::OutsideScope) => {
            return Ok(match job.petition.within(None) {
                Err(refusal) => Verdict::Refuse(refusal),
                // Nothing is within the scope of an installation that does not contain it.
                Ok(()) => Verdict::Wait(Trouble::new("where the resource stands is read again")),
            });
        }
        Err(NoLookup::Resource(error)) => return Err(error),
        Err(NoLookup::Trouble(trouble)) => return Ok(Verdict::Wait(trouble)),
    };
    shared.metrics.note_findings(requester.findings());
    let reviewers: Vec<Reviewer> = job
        .petition
        .reviewers()
        .iter()
        .map(|email| Reviewer {
            email: email.clone(),
            // An incomplete answer makes nobody an approver.
            lookup: gathered
                .look_up(email, shared, now)
                .map_err(|why| match why {
                    NoLookup::OutsideScope => "the resource is outside the scope".to_owned(),
                    NoLookup::Resource(error) => error.to_string(),
                    NoLookup::Trouble(trouble) => trouble.message,
                }),
        })
        .collect();
    let known = Known {
        requester: &requester,
        reviewers: &reviewers,
    };
    Ok(job.petition.decide(known, gathered.holds(subject), now))
}

pub(super) fn decide(grants: Vec<GrantJob>, gathered: &Gathered, shared: &Shared) -> Vec<Ready> {
    let mut ready = Vec::new();
    for job in grants {
        let answer = match verdict(&job, gathered, shared) {
            Ok(Verdict::Grant(grant)) => {
                ready.push(Ready { job, grant });
                continue;
            }
            Ok(Verdict::Refuse(refusal)) => GrantAnswer::Refused(refusal),
            Ok(Verdict::Later) => GrantAnswer::Later,
            Ok(Verdict::Await(awaited, plan)) => GrantAnswer::Awaited(awaited, plan),
            Ok(Verdict::Wait(trouble)) => GrantAnswer::Trouble(trouble),
            Err(error) => GrantAnswer::Refused(refused_by_google(&error)),
        };
        job.answer(answer);
    }
    ready
}

pub(super) async fn prepare(grants: Vec<Ready>) -> Vec<Ready> {
    let prepared = join_all(grants.into_iter().map(|ready| async move {
        let result = ready.job.petition.prepare(&ready.grant).await;
        (ready, result)
    }))
    .await;
    let mut ready = Vec::new();
    for (item, result) in prepared {
        match result {
            Ok(()) => ready.push(item),
            Err(trouble) => item.job.answer(GrantAnswer::Trouble(trouble)),
        }
    }
    ready
}

pub(super) fn still_wanted(grants: Vec<Ready>) -> Vec<Ready> {
    let (wanted, withdrawn): (Vec<_>, Vec<_>) = grants
        .into_iter()
        .partition(|ready| ready.job.petition.still_wanted());
    for ready in withdrawn {
        ready.job.answer(GrantAnswer::Withdrawn);
    }
    wanted
}
