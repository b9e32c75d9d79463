//! What roles are called: asked for once, for a title hardly ever changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::snapshot::Titles;
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
}

impl KnownTitles {
    pub(super) fn titles(&self) -> Arc<Titles> {
        Arc::clone(&self.titles)
    }

    /// Asks for the titles of those roles that are not known yet, and forgets all others.
    pub(super) async fn look_up(&mut self, google: &Google, roles: &BTreeSet<String>) {
        self.failed
            .retain(|_, at| at.elapsed() < FAILURE_REMEMBERED);
        let unknown: Vec<String> = roles
            .iter()
            .filter(|role| !self.titles.contains_key(*role) && !self.failed.contains_key(*role))
            .take(MOST_AT_ONCE)
            .cloned()
            .collect();
        let answers: Vec<_> = stream::iter(unknown)
            .map(|role| async move {
                let title = google.role_title(&role).await;
                (role, title)
            })
            .buffer_unordered(IN_PARALLEL)
            .collect()
            .await;
        let mut titles = (*self.titles).clone();
        titles.retain(|role, _| roles.contains(role));
        for (role, answer) in answers {
            match answer {
                Ok(title) => {
                    titles.insert(role, title);
                }
                Err(error) => {
                    tracing::debug!(%error, role, "a role is shown without its title");
                    self.failed.insert(role, Instant::now());
                }
            }
        }
        self.titles = Arc::new(titles);
    }
}
