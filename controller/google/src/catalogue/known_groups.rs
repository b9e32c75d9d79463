//! Who is in the groups whose members may approve something.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::{failures::Failures, snapshot::Groups};
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
    failures: Failures,
}

impl KnownGroups {
    pub(super) fn groups(&self) -> Arc<Groups> {
        Arc::clone(&self.groups)
    }

    /// Lists those groups whose lists are missing or old, the stalest first, and forgets all others. What was listed
    /// stays where this is not awaited to its end.
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
        let groups = Arc::make_mut(&mut self.groups);
        groups.retain(|group, _| wanted.contains(group));
        let mut answers = stream::iter(due)
            .map(|group| async move {
                let people = google.members_of(&group).await;
                (group, people)
            })
            .buffer_unordered(IN_PARALLEL);
        while let Some((group, answer)) = answers.next().await {
            self.asked.insert(group.clone(), Instant::now());
            match answer {
                Ok(people) => {
                    self.failures.succeeded();
                    groups.insert(group, Arc::new(people));
                }
                Err(error) => {
                    tracing::debug!(%error, group, "the members of a group are not suggested as reviewers");
                    self.failures.failed(&group, &error);
                    // Who was in it an hour ago may be gone.
                    groups.remove(&group);
                }
            }
        }
    }

    /// Logs why groups could not be listed, once for each cause.
    pub(super) fn tell(&mut self) {
        for failed in self.failures.untold() {
            tracing::warn!(
                group = failed.example,
                groups = failed.count,
                error = failed.why,
                "members of groups cannot be listed, so the form does not suggest them as reviewers: unless the error says otherwise, let the web UI's Google account view the memberships of this group and the others; until then reviewers' addresses are typed"
            );
        }
    }
}
