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
    pub(super) async fn look_up(&mut self, google: &Google, roles: &BTreeSet<&str>) {
        self.failed
            .retain(|_, at| at.elapsed() < FAILURE_REMEMBERED);
        let unknown = roles
            .iter()
            .filter(|role| !self.titles.contains_key(**role) && !self.failed.contains_key(**role))
            .take(MOST_AT_ONCE);
        let answers: Vec<_> = stream::iter(unknown.copied())
            .map(|role| async move { (role, google.role_title(role).await) })
            .buffer_unordered(IN_PARALLEL)
            .collect()
            .await;
        let mut titles = (*self.titles).clone();
        titles.retain(|role, _| roles.contains(role.as_str()));
        for (role, answer) in answers {
            match answer {
                Ok(title) => {
                    titles.insert(role.to_owned(), title);
                }
                Err(error) => {
                    tracing::debug!(%error, role, "a role is shown without its title");
                    self.failed.insert(role.to_owned(), Instant::now());
                }
            }
        }
        self.titles = Arc::new(titles);
    }
}
