//! Who is in the groups whose members may approve something.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::snapshot::Groups;
use crate::Google;

/// How many are listed in one refresh.
const MOST_AT_ONCE: usize = 100;
const IN_PARALLEL: usize = 8;
/// A list is used for this long before the group is listed again.
const KEPT: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct KnownGroups {
    groups: Arc<Groups>,
    /// When each was asked for, successfully or not.
    asked: BTreeMap<String, Instant>,
}

impl KnownGroups {
    pub(super) fn groups(&self) -> Arc<Groups> {
        Arc::clone(&self.groups)
    }

    /// Lists those groups whose lists are missing or old, the stalest first, and forgets all others.
    pub(super) async fn look_up(&mut self, google: &Google, wanted: &BTreeSet<String>) {
        self.asked.retain(|group, _| wanted.contains(group));
        let mut due: Vec<(Option<Instant>, &String)> = wanted
            .iter()
            .map(|group| (self.asked.get(group).copied(), group))
            .filter(|(asked, _)| asked.is_none_or(|at| at.elapsed() >= KEPT))
            .collect();
        // Those never asked for come first.
        due.sort();
        due.truncate(MOST_AT_ONCE);
        let due: Vec<String> = due.into_iter().map(|(_, group)| group.clone()).collect();
        let answers: Vec<_> = stream::iter(due)
            .map(|group| async move {
                let people = google.members_of(&group).await;
                (group, people)
            })
            .buffer_unordered(IN_PARALLEL)
            .collect()
            .await;
        let mut groups = (*self.groups).clone();
        groups.retain(|group, _| wanted.contains(group));
        for (group, answer) in answers {
            self.asked.insert(group.clone(), Instant::now());
            match answer {
                Ok(people) => {
                    groups.insert(group, Arc::new(people));
                }
                Err(error) => {
                    tracing::debug!(%error, group, "the members of a group are not suggested as reviewers");
                    // Who was in it an hour ago may be gone.
                    groups.remove(&group);
                }
            }
        }
        self.groups = Arc::new(groups);
    }
}
