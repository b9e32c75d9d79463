//! What roles are called: asked for once, for a title hardly ever changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::{failures::Failures, names::readable, snapshot::Titles};
use crate::Google;

/// How many are asked for in one refresh.
const MOST_AT_ONCE: usize = 100;
const IN_PARALLEL: usize = 8;
/// A role that cannot be read is asked for again after this.
const FAILURE_REMEMBERED: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct KnownTitles {
    titles: Arc<Titles>,
    failed: BTreeMap<String, Instant>,
    failures: Failures,
}

impl KnownTitles {
    pub(super) fn titles(&self) -> Arc<Titles> {
        Arc::clone(&self.titles)
    }

    /// Asks for the titles of those roles that are not known yet, and forgets all others. What was found stays where
    /// this is not awaited to its end.
    pub(super) async fn look_up(&mut self, google: &Google, roles: &BTreeSet<String>) {
        self.failed
            .retain(|_, at| at.elapsed() < FAILURE_REMEMBERED);
        let unknown: Vec<String> = roles
            .iter()
            .filter(|role| !self.titles.contains_key(*role) && !self.failed.contains_key(*role))
            .take(MOST_AT_ONCE)
            .cloned()
            .collect();
        let titles = Arc::make_mut(&mut self.titles);
        titles.retain(|role, _| roles.contains(role));
        let mut answers = stream::iter(unknown)
            .map(|role| async move {
                let title = google.role_title(&role).await;
                (role, title)
            })
            .buffer_unordered(IN_PARALLEL);
        while let Some((role, answer)) = answers.next().await {
            match answer {
                Ok(title) => {
                    self.failures.succeeded();
                    titles.insert(role, readable(&title));
                }
                Err(error) => {
                    tracing::debug!(%error, role, "a role is shown without its title");
                    self.failures.failed(&role, &error);
                    self.failed.insert(role, Instant::now());
                }
            }
        }
    }

    /// Logs why titles could not be read, once for each cause.
    pub(super) fn tell(&mut self) {
        for failed in self.failures.untold() {
            tracing::warn!(
                role = failed.example,
                roles = failed.count,
                error = failed.why,
                "titles of roles cannot be read, so the form shows their names alone: grant the web UI's Google account iam.roles.get where the role is defined, or correct the binding if there is no such role"
            );
        }
    }
}
