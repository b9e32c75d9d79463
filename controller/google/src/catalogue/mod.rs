//! Who may ask for what, in memory, so that a form can show it at once whatever the number of users. It is read from
//! Cloud Asset every few minutes and may be that old: nothing is granted on its word. What a binding says is decided
//! by core's rules, as everywhere.

mod build;
mod failures;
mod find;
mod interner;
mod known_groups;
mod known_titles;
mod names;
mod refresh;
mod reviewers;
mod snapshot;
mod world;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use jit_access_core::resource::ResourceName;

use self::refresh::Refresh;
pub use self::{
    find::Found,
    reviewers::Reviewers,
    snapshot::{Groups, Place, Snapshot, Titles},
};
pub use crate::cloud_asset::{FoundPolicy, FoundResource};
use crate::{Error, Google};

/// Each pause is up to a fifth shorter or longer, so that several programs do not ask at the same moment.
const JITTER: f64 = 0.2;
/// The shortest pause after a failure.
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);

/// Who may ask for what, kept fresh. Cheap to clone; clones are the same catalogue.
#[derive(Debug, Clone)]
pub struct Catalogue {
    state: Arc<Mutex<State>>,
    refresh: Option<Arc<tokio::sync::Mutex<Refresh>>>,
}

#[derive(Debug)]
struct State {
    snapshot: Arc<Snapshot>,
    freshness: Freshness,
}

/// How old the catalogue is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freshness {
    /// When the reading of what it holds began; `None` before there is any.
    pub read: Option<Timestamp>,
    /// The sentence of the last failure; `None` after a success.
    pub problem: Option<String>,
}

impl Catalogue {
    /// An empty one for what is within `scope`.
    #[must_use]
    pub fn new(google: Google, scope: &ResourceName) -> Self {
        let refresh = Refresh::new(google, scope);
        Catalogue {
            state: Arc::new(Mutex::new(State {
                snapshot: Arc::new(refresh.snapshot()),
                freshness: Freshness::default(),
            })),
            refresh: Some(Arc::new(tokio::sync::Mutex::new(refresh))),
        }
    }

    /// One that stays as it is.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Catalogue {
            state: Arc::new(Mutex::new(State {
                snapshot: Arc::new(snapshot),
                freshness: Freshness {
                    read: Some(Timestamp::now()),
                    problem: None,
                },
            })),
            refresh: None,
        }
    }

    /// Reads everything again. What is there stays until all of the new is.
    ///
    /// # Errors
    ///
    /// If a search fails, also for one of its pages: then what was there stays, and [`Freshness::problem`] says why.
    /// Titles and members of groups that cannot be read are missing, and no error.
    pub async fn refresh(&self) -> Result<(), Error> {
        let Some(refresh) = &self.refresh else {
            return Ok(());
        };
        let mut refresh = refresh.lock().await;
        let begun = Timestamp::now();
        if let Err(error) = refresh.search().await {
            self.state().freshness.problem = Some(error.to_string());
            return Err(error);
        }
        // Usable already; titles and groups may take a while.
        self.publish(refresh.snapshot(), begun);
        refresh.look_up_names().await;
        self.publish(refresh.snapshot(), begun);
        Ok(())
    }

    fn publish(&self, snapshot: Snapshot, read: Timestamp) {
        let mut state = self.state();
        state.snapshot = Arc::new(snapshot);
        state.freshness = Freshness {
            read: Some(read),
            problem: None,
        };
    }

    /// Refreshes at once, then about `every` so often, sooner after a failure.
    pub async fn keep_fresh(&self, every: Duration) -> Infallible {
        loop {
            let pause = match self.refresh().await {
                Ok(()) => every,
                Err(error) => {
                    tracing::warn!(%error, "the catalogue of eligible bindings could not be refreshed");
                    (every / 5).max(SHORTEST_PAUSE).min(every)
                }
            };
            let jitter = rand::random_range(1.0 - JITTER..=1.0 + JITTER);
            tokio::time::sleep(pause.mul_f64(jitter)).await;
        }
    }

    /// What is known now; empty before the first refresh.
    #[must_use]
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state().snapshot)
    }

    /// How old that is.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.state().freshness.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
