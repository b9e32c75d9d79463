//! Which groups a person is in, nested ones too.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::{Clock, ServerClock},
    cloud_identity::{Cause, CloudIdentity, Found, Search},
    error::{Error, Kind},
    settings::{GroupSource, Settings},
};

/// A walk up that finds more groups than this is an error.
const MAX_WALKED_GROUPS: usize = 200;
/// A walk up that finds groups nested deeper than this is an error.
const MAX_WALKED_DEPTH: usize = 10;
/// How many groups of one level are asked about at once.
const WALK_IN_PARALLEL: usize = 16;
/// After this the transitive search is tried again where the edition had none.
const EDITION_REMEMBERED: Duration = Duration::from_secs(600);

/// The groups that contain a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memberships {
    /// Their e-mail addresses, in lower case.
    pub groups: BTreeSet<String>,
    /// How they were found.
    pub source: Source,
    /// Google's clock, in whole seconds, at the last answer.
    pub server_date: Option<Timestamp>,
    /// Google's clock minus ours when that answer came; up to a second early, since `server_date` has no fractions.
    pub clock_offset: Option<SignedDuration>,
}

/// How memberships were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One search for all groups.
    Transitive,
    /// That search was refused (the edition has none, or the person is in a group of another organization), so the
    /// groups of each group were asked for, level by level. Google leaves out groups that our account may not see.
    WalkedDirect,
    /// Nobody was asked ([`GroupSource::None`]); only Google's clock was read.
    None,
}

#[derive(Debug)]
pub(crate) struct GroupSearch {
    source: GroupSource,
    within: Duration,
    cloud_identity: CloudIdentity,
    clock: Arc<Clock>,
    /// When Google said that the edition has no transitive search.
    edition_lacks_it: Mutex<Option<Instant>>,
}

impl GroupSearch {
    pub(crate) fn new(
        settings: &Settings,
        cloud_identity: CloudIdentity,
        clock: Arc<Clock>,
    ) -> Self {
        GroupSearch {
            source: settings.groups,
            within: settings.limits.groups_within,
            cloud_identity,
            clock,
            edition_lacks_it: Mutex::new(None),
        }
    }

    pub(crate) async fn groups_of(&self, email: &str) -> Result<Memberships, Error> {
        if self.source == GroupSource::None {
            let nobody = Found {
                clock: self.clock.read().await?,
                ..Found::default()
            };
            return Ok(self.memberships(Source::None, nobody));
        }
        match tokio::time::timeout(self.within, self.look_up(email)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Error::new(
                Kind::Timeout,
                format!(
                    "The groups of {email} could not be looked up within {} s; Google answers too slowly.",
                    self.within.as_secs_f64()
                ),
            )),
        }
    }

    async fn look_up(&self, email: &str) -> Result<Memberships, Error> {
        if self.edition_is_known_to_lack_it() {
            return self.walk(email).await;
        }
        let refusal = match self.cloud_identity.search(Search::Transitive, email).await {
            Ok(found) => return Ok(self.memberships(Source::Transitive, found)),
            Err(refusal) => refusal,
        };
        match refusal.cause {
            Cause::Other => Err(refusal.error),
            Cause::Edition => {
                tracing::warn!(
                    "this edition of Google Workspace or Cloud Identity cannot search for nested groups; walking up \
                     through direct groups instead, which takes a call per group"
                );
                *self
                    .edition_lacks_it
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                self.walk(email).await
            }
            Cause::Groups => {
                // One group that we may not see, such as another organization's, makes Google refuse the whole
                // search. The walk just misses it. But finding nothing then may as well mean that we may see none,
                // and that must not look like a person without groups.
                let walked = self.walk(email).await?;
                if walked.groups.is_empty() {
                    return Err(refusal.error);
                }
                tracing::debug!(error = %refusal.error, "walked up through direct groups instead");
                Ok(walked)
            }
        }
    }

    fn edition_is_known_to_lack_it(&self) -> bool {
        let mut known = self
            .edition_lacks_it
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = known.filter(|at| at.elapsed() < EDITION_REMEMBERED);
        known.is_some()
    }

    /// Breadth first, each group once, so that a cycle ends.
    async fn walk(&self, email: &str) -> Result<Memberships, Error> {
        let mut all = Found::default();
        let mut level = BTreeSet::from([email.to_owned()]);
        // One level more than may hold something: only then is it known that there is nothing above.
        for depth in 0..=MAX_WALKED_DEPTH {
            let answers: Vec<Found> = stream::iter(level)
                .map(|member| async move {
                    let found = self.cloud_identity.search(Search::Direct, &member).await;
                    found.map_err(|refusal| refusal.error)
                })
                .buffer_unordered(WALK_IN_PARALLEL)
                .try_collect()
                .await?;
            level = BTreeSet::new();
            for found in answers {
                all.clock = later(all.clock, found.clock);
                level.extend(found.groups.difference(&all.groups).cloned());
            }
            if level.is_empty() {
                return Ok(self.memberships(Source::WalkedDirect, all));
            }
            if depth == MAX_WALKED_DEPTH {
                break;
            }
            all.groups.extend(level.iter().cloned());
            if all.groups.len() > MAX_WALKED_GROUPS {
                break;
            }
        }
        Err(Error::new(
            Kind::Other,
            format!(
                "{email} is in more than {MAX_WALKED_GROUPS} groups, or in groups nested deeper than \
                 {MAX_WALKED_DEPTH}; so many are not asked for one by one, and nothing is decided on a part of them. An \
                 edition with a search for nested groups (such as Cloud Identity Premium) has no such bound."
            ),
        ))
    }

    fn memberships(&self, source: Source, found: Found) -> Memberships {
        self.clock.note(found.clock);
        Memberships {
            groups: found.groups,
            source,
            server_date: found.clock.map(|clock| clock.date),
            clock_offset: found.clock.map(|clock| clock.offset),
        }
    }
}

fn later(a: Option<ServerClock>, b: Option<ServerClock>) -> Option<ServerClock> {
    [a, b].into_iter().flatten().max_by_key(|clock| clock.date)
}
