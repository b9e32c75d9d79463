//! What Google says beside the policy of the resource itself: its ancestors and their policies,
//! and the groups of a person. Read in parallel, shared by all who need the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use jit_access_core::iam_policy::Policy;
use jit_access_core::resource::ResourceName;
use jit_access_google::{Error, Google, Kind, Memberships};

use crate::shared_readings::{Freshness, Reading, SharedReadings};

/// Oldest ancestor policy or membership that a write may rest on.
pub const MAX_AGE: Duration = Duration::from_secs(10);

/// What was read longer ago is read again, so that what is used is not too old once the grants are
/// recorded.
const REUSED_FOR: Duration = Duration::from_secs(5);

/// Where a project stands changes rarely.
const MAX_ANCESTRY_AGE: Duration = Duration::from_secs(300);

/// Google allows folders to be nested ten deep (Resource Manager, "Quotas and limits").
const DEEPEST: usize = 12;

/// A policy and the resource that it belongs to.
#[derive(Debug, Clone)]
pub struct AncestorPolicy {
    /// `folders/NUMBER` or `organizations/NUMBER`.
    pub resource: String,
    /// Its allow policy.
    pub policy: Arc<Policy>,
}

/// The ancestors of a resource.
#[derive(Debug, Clone)]
pub struct Ancestors {
    /// Their policies up to the scope, nearest first; `None` for a resource outside the scope.
    pub policies: Option<Vec<AncestorPolicy>>,
    /// When the oldest reading of a policy began.
    pub policies_begun: Instant,
    /// When the oldest reading of a policy ended.
    pub policies_ended: Instant,
    /// When the reading of where the resource stands began.
    pub ancestry_begun: Instant,
}

/// Why the facts are not there.
#[derive(Debug, Clone)]
pub enum FactsError {
    /// The resource itself cannot be read: asking again would not help.
    Resource(Error),
    /// Something else cannot be read for now.
    Other(Error),
}

impl FactsError {
    /// Tells a refusal by the resource itself from a failure that passes.
    #[must_use]
    pub fn of_resource(error: Error) -> Self {
        match error.kind {
            Kind::Denied | Kind::Missing | Kind::Invalid => Self::Resource(error),
            _ => Self::Other(error),
        }
    }
}

/// Reads and remembers for a short while.
#[derive(Debug)]
pub struct Facts {
    google: Google,
    scope: ResourceName,
    ancestries: SharedReadings<String, Option<Arc<[String]>>, Error>,
    policies: SharedReadings<String, Arc<Policy>, Error>,
    memberships: SharedReadings<String, Arc<Memberships>, Error>,
}

impl Facts {
    /// Facts within a scope; nothing above it is read.
    #[must_use]
    pub fn new(google: Google, scope: ResourceName) -> Self {
        Self {
            google,
            scope,
            ancestries: SharedReadings::default(),
            policies: SharedReadings::default(),
            memberships: SharedReadings::default(),
        }
    }

    /// The names of the resource's ancestors up to the scope, nearest first; `None` for a resource
    /// outside. Where they are not enough, by a reading that did not begin before `seen`.
    ///
    /// # Errors
    /// What cannot be read.
    pub async fn ancestry_for(
        &self,
        resource: &str,
        seen: Instant,
        is_enough: impl Fn(Option<&[String]>) -> bool,
    ) -> Result<Option<Arc<[String]>>, FactsError> {
        let ancestry = self.ancestry(resource, None).await?;
        if ancestry.begun >= seen || is_enough(ancestry.value.as_deref()) {
            return Ok(ancestry.value);
        }
        Ok(self.ancestry(resource, Some(seen)).await?.value)
    }

    async fn ancestry(
        &self,
        resource: &str,
        not_before: Option<Instant>,
    ) -> Result<Reading<Option<Arc<[String]>>>, FactsError> {
        let freshness = Freshness {
            max_age: MAX_ANCESTRY_AGE,
            not_before,
        };
        self.ancestries
            .read(&resource.to_owned(), freshness, || self.climb(resource))
            .await
            .map_err(FactsError::of_resource)
    }

    /// The policies of the resource's ancestors.
    ///
    /// # Errors
    /// What cannot be read.
    pub async fn ancestors(
        &self,
        resource: &str,
        not_before: Option<Instant>,
    ) -> Result<Ancestors, FactsError> {
        let ancestry = self.ancestry(resource, not_before).await?;
        let Some(names) = ancestry.value else {
            return Ok(Ancestors {
                policies: None,
                policies_begun: ancestry.begun,
                policies_ended: ancestry.ended,
                ancestry_begun: ancestry.begun,
            });
        };
        let readings = try_join_all(names.iter().map(|name| self.policy(name, not_before)))
            .await
            .map_err(FactsError::Other)?;
        let policies_begun = readings
            .iter()
            .map(|reading| reading.begun)
            .min()
            .unwrap_or_else(Instant::now);
        let policies_ended = readings
            .iter()
            .map(|reading| reading.ended)
            .min()
            .unwrap_or_else(Instant::now);
        let policies = names
            .iter()
            .zip(readings)
            .map(|(name, reading)| AncestorPolicy {
                resource: name.clone(),
                policy: reading.value,
            })
            .collect();
        Ok(Ancestors {
            policies: Some(policies),
            policies_begun,
            policies_ended,
            ancestry_begun: ancestry.begun,
        })
    }

    async fn policy(
        &self,
        resource: &str,
        not_before: Option<Instant>,
    ) -> Result<Reading<Arc<Policy>>, Error> {
        let freshness = Freshness {
            max_age: REUSED_FOR,
            not_before,
        };
        self.policies
            .read(&resource.to_owned(), freshness, || async {
                self.google.get_policy(resource).await.map(Arc::new)
            })
            .await
    }

    /// The groups that contain a person, nested ones too.
    ///
    /// # Errors
    /// When they cannot all be read.
    pub async fn memberships(
        &self,
        email: &str,
        not_before: Option<Instant>,
    ) -> Result<Reading<Arc<Memberships>>, Error> {
        let freshness = Freshness {
            max_age: REUSED_FOR,
            not_before,
        };
        self.memberships
            .read(&email.to_owned(), freshness, || async {
                self.google.groups_of(email).await.map(Arc::new)
            })
            .await
    }

    /// The names of the ancestors up to the scope; `None` if the scope is not among them.
    async fn climb(&self, resource: &str) -> Result<Option<Arc<[String]>>, Error> {
        let scope = self.scope.as_str();
        if scope.starts_with("projects/") && resource != scope {
            return Ok(None);
        }
        let mut names: Vec<String> = Vec::new();
        loop {
            let current = names.last().map_or(resource, String::as_str);
            if current == scope {
                return Ok(Some(names.into()));
            }
            if names.len() >= DEEPEST {
                return Ok(None);
            }
            match self.google.parent(current).await {
                Ok(Some(parent)) => names.push(parent),
                Ok(None) => return Ok(None),
                // An ancestor that cannot be read is no fault of the request: it may be readable later.
                Err(mut error) if !names.is_empty() => {
                    if matches!(error.kind, Kind::Denied | Kind::Missing | Kind::Invalid) {
                        error.kind = Kind::Unavailable;
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
