//! Everything that one transaction rests on, read in parallel.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use jiff::Timestamp;
use jit_access_core::eligibility::{Attached, Lookup, Person, look_up};
use jit_access_core::iam_policy::Policy;
use jit_access_google::{Error, Memberships};

use super::Shared;
use super::job::{Subject, Trouble};
use crate::facts::{Ancestors, FactsError};
use crate::lock::lock;
use crate::shared_readings::Reading;

/// Furthest that our clock may be off Google's.
const MOST_CLOCK_OFFSET: Duration = Duration::from_secs(30);

/// A policy, and what is needed to say who may have what by it.
pub(super) struct Gathered {
    resource: String,
    /// The version that the write will replace.
    pub(super) policy: Policy,
    surroundings: Surroundings,
}

/// What is read beside the policy itself; empty where nobody's eligibility is in question.
#[derive(Default)]
struct Surroundings {
    ancestors: Option<Result<Ancestors, FactsError>>,
    people: HashMap<String, Result<Reading<Arc<Memberships>>, Error>>,
}

/// Why there is no look-up.
pub(super) enum NoLookup {
    /// The resource is outside the scope.
    OutsideScope,
    /// Google refuses the resource itself.
    Resource(Error),
    /// It may be possible later.
    Trouble(Trouble),
}

/// Reads the policy of a resource, unless it is `known`, and, for these people, all that their
/// eligibility rests on, not from before `not_before`.
pub(super) async fn gather(
    resource: &str,
    shared: &Shared,
    people: &BTreeSet<String>,
    known: Option<Policy>,
    not_before: Option<Instant>,
) -> Result<Gathered, Error> {
    let policy = async {
        match known {
            Some(policy) => Ok(policy),
            None => {
                shared.metrics.policy_reads.inc();
                shared.google.get_policy(resource).await
            }
        }
    };
    let (policy, surroundings) = join(
        policy,
        Surroundings::read(resource, shared, people, not_before),
    )
    .await;
    Ok(Gathered {
        resource: resource.to_owned(),
        policy: policy?,
        surroundings,
    })
}

impl Surroundings {
    async fn read(
        resource: &str,
        shared: &Shared,
        people: &BTreeSet<String>,
        not_before: Option<Instant>,
    ) -> Self {
        if people.is_empty() {
            return Self::default();
        }
        let (ancestors, people) = join(
            shared.facts.ancestors(resource, not_before),
            join_all(people.iter().map(|email| async move {
                let reading = shared.facts.memberships(email, not_before).await;
                (email.clone(), reading)
            })),
        )
        .await;
        Self {
            ancestors: Some(ancestors),
            people: people.into_iter().collect(),
        }
    }
}

impl Gathered {
    /// Reads what is beside the policy again.
    pub(super) async fn renew(
        &mut self,
        shared: &Shared,
        people: &BTreeSet<String>,
        not_before: Instant,
    ) {
        let renewed = Surroundings::read(&self.resource, shared, people, Some(not_before)).await;
        self.surroundings.ancestors = renewed.ancestors;
        self.surroundings.people.extend(renewed.people);
    }

    /// What a person may ask for on the resource.
    pub(super) fn look_up(
        &self,
        email: &str,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<Lookup, NoLookup> {
        let ancestors = match &self.surroundings.ancestors {
            Some(Ok(ancestors)) => ancestors,
            Some(Err(FactsError::Resource(error))) => {
                return Err(NoLookup::Resource(error.clone()));
            }
            Some(Err(FactsError::Other(error))) => return Err(NoLookup::Trouble(error.into())),
            None => return Err(NoLookup::Trouble(not_read(email))),
        };
        let Some(policies) = &ancestors.policies else {
            return Err(NoLookup::OutsideScope);
        };
        let memberships = match self.surroundings.people.get(email) {
            Some(Ok(memberships)) => memberships,
            Some(Err(error)) => return Err(NoLookup::Trouble(error.into())),
            None => return Err(NoLookup::Trouble(not_read(email))),
        };
        if let Some(trouble) = clock_trouble(&memberships.value) {
            return Err(NoLookup::Trouble(trouble));
        }
        let person = Person {
            email: email.to_owned(),
            groups: memberships.value.groups.clone(),
        };
        let mut chain = vec![Attached {
            resource: &self.resource,
            policy: &self.policy,
        }];
        chain.extend(policies.iter().map(|ancestor| Attached {
            resource: &ancestor.resource,
            policy: &ancestor.policy,
        }));
        let mut readings = lock(&shared.readings);
        Ok(look_up(&person, &chain, now, &mut readings))
    }

    /// Whether a binding of this request stands in the policy.
    pub(super) fn holds(&self, subject: &Subject) -> bool {
        self.policy
            .observe(&subject.uid, &subject.member(), &[])
            .is_present()
    }

    /// Whether a refusal of this person would rest on a reading that is older than `seen`.
    pub(super) fn is_older_than(&self, email: &str, seen: Instant) -> bool {
        let ancestors = self.surroundings.ancestors.as_ref().is_some_and(|read| {
            read.as_ref().is_ok_and(|ancestors| {
                ancestors.policies_begun.min(ancestors.ancestry_begun) < seen
            })
        });
        let memberships = self
            .surroundings
            .people
            .get(email)
            .is_some_and(|read| read.as_ref().is_ok_and(|reading| reading.begun < seen));
        ancestors || memberships
    }

    /// How long ago the oldest reading of an ancestor's policy or a membership ended: one that took
    /// long is no older for it.
    pub(super) fn age(&self) -> Duration {
        let ancestors = self
            .surroundings
            .ancestors
            .iter()
            .filter_map(|read| read.as_ref().ok())
            .map(|ancestors| ancestors.policies_ended);
        let people = self
            .surroundings
            .people
            .values()
            .filter_map(|read| read.as_ref().ok())
            .map(|reading| reading.ended);
        ancestors
            .chain(people)
            .min()
            .map_or(Duration::ZERO, |oldest| oldest.elapsed())
    }
}

fn not_read(email: &str) -> Trouble {
    Trouble::new(format!("the eligibility of {email} was not read"))
}

/// A window that we write would begin or end at another time than it says.
fn clock_trouble(memberships: &Memberships) -> Option<Trouble> {
    let offset = memberships.clock_offset?;
    (offset.unsigned_abs() > MOST_CLOCK_OFFSET).then(|| {
        Trouble::new(format!(
            "the controller's clock is {} seconds {} Google's, so no window can be decided: synchronise the clock of its node",
            offset.unsigned_abs().as_secs(),
            if offset.is_positive() { "behind" } else { "ahead of" },
        ))
    })
}
