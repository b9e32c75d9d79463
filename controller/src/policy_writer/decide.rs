//! What becomes of the petitions of a batch, by the policy that its write will replace.

use futures::future::join_all;
use jiff::Timestamp;
use jit_access_core::request::Refusal;
use jit_access_google::Error;

use super::edit::Ready;
use super::gather::{Gathered, NoLookup};
use super::job::{GrantAnswer, GrantJob, Trouble, Verdict};
use super::{Resource, Shared};
use crate::facts::FactsError;

/// Those of the grants whose resource is within the scope; the others are answered. The policy of
/// a resource outside is not even read.
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
    match shared.facts.is_outside(&resource.name, seen).await {
        Ok(false) => return grants,
        Ok(true) => {
            let now = Timestamp::now();
            for job in grants {
                let answer = match job.petition.decide(None, false, now) {
                    Verdict::Refuse(refusal) => GrantAnswer::Refused(refusal),
                    Verdict::Wait(trouble) => GrantAnswer::Trouble(trouble),
                    // No rule says yes without a look-up.
                    Verdict::Plan(_) | Verdict::Grant(_) => GrantAnswer::Withdrawn,
                };
                job.answer(answer);
            }
        }
        Err(FactsError::Resource(error)) => {
            for job in grants {
                job.answer(GrantAnswer::Refused(refused_by_google(&error)));
            }
        }
        Err(FactsError::Other(error)) => {
            for job in grants {
                job.answer(GrantAnswer::Trouble(Trouble::from(&error)));
            }
        }
    }
    Vec::new()
}

/// What Google refuses for good, in its words.
pub(super) fn refused_by_google(error: &Error) -> Refusal {
    Refusal::failed(error.to_string())
}

pub(super) async fn renew_what_refuses(
    grants: &[GrantJob],
    gathered: &mut Gathered,
    shared: &Shared,
) {
    let now = Timestamp::now();
    let stale: Vec<&GrantJob> = grants
        .iter()
        .filter(|job| {
            let subject = job.petition.subject();
            gathered.is_older_than(&subject.requester, subject.first_seen)
                && refuses(job, gathered, shared, now)
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
        .map(|job| job.petition.subject().requester.clone())
        .collect();
    gathered.renew(shared, &people, newest).await;
}

fn refuses(job: &GrantJob, gathered: &Gathered, shared: &Shared, now: Timestamp) -> bool {
    match gathered.look_up(&job.petition.subject().requester, shared, now) {
        Ok(lookup) => matches!(
            job.petition
                .decide(Some(&lookup), gathered.holds(job.petition.subject()), now),
            Verdict::Refuse(_)
        ),
        Err(NoLookup::OutsideScope) => true,
        Err(NoLookup::Resource(_) | NoLookup::Trouble(_)) => false,
    }
}

pub(super) fn decide(grants: Vec<GrantJob>, gathered: &Gathered, shared: &Shared) -> Vec<Ready> {
    let now = Timestamp::now();
    let mut ready = Vec::new();
    for job in grants {
        let verdict = match gathered.look_up(&job.petition.subject().requester, shared, now) {
            Ok(lookup) => {
                shared.metrics.note_findings(lookup.findings());
                let held = gathered.holds(job.petition.subject());
                job.petition.decide(Some(&lookup), held, now)
            }
            Err(NoLookup::OutsideScope) => job.petition.decide(None, false, now),
            Err(NoLookup::Resource(error)) => Verdict::Refuse(refused_by_google(&error)),
            Err(NoLookup::Trouble(trouble)) => {
                job.answer(GrantAnswer::Trouble(trouble));
                continue;
            }
        };
        match verdict {
            Verdict::Refuse(refusal) => job.answer(GrantAnswer::Refused(refusal)),
            Verdict::Plan(plan) => job.answer(GrantAnswer::Planned(plan)),
            Verdict::Wait(trouble) => job.answer(GrantAnswer::Trouble(trouble)),
            Verdict::Grant(grant) => ready.push(Ready { job, grant }),
        }
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
