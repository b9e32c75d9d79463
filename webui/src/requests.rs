//! The requests of the namespace, in memory, as the API server's watch tells them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use jit_access_crds::AccessRequest;
use jit_access_program::WatchBackoff;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, ObjectRef, Store, store::Writer};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio::sync::watch;

use crate::fingerprint::fingerprint;

/// One object that cannot be decoded must not hide the others.
type Guarded = DeserializeGuard<AccessRequest>;

/// Objects of a page of the first list: they may be large.
const PAGE: u32 = 50;

/// The requests as far as they are known.
#[derive(Clone)]
pub struct Requests {
    namespace: String,
    store: Store<Guarded>,
    changes: watch::Receiver<u64>,
    interruption: Arc<Mutex<Interruption>>,
}

/// What puts requests into [`Requests`].
pub struct Feed {
    writer: Writer<Guarded>,
    changes: watch::Sender<u64>,
    interruption: Arc<Mutex<Interruption>>,
}

/// Failures of the watch since it last told something.
#[derive(Debug, Default)]
struct Interruption(Option<(Timestamp, Timestamp)>);

impl Interruption {
    /// Several failures in a row, for as long: a watch that is cut once is there again at once.
    const NOTEWORTHY: SignedDuration = SignedDuration::from_secs(3);
    /// A watch that fails no more may still have nothing to tell.
    const FORGOTTEN: SignedDuration = SignedDuration::from_secs(45);

    fn failed(&mut self, now: Timestamp) {
        let first = self
            .0
            .filter(|(_, last)| now.duration_since(*last) < Self::FORGOTTEN)
            .map_or(now, |(first, _)| first);
        self.0 = Some((first, now));
    }

    fn told(&mut self) {
        self.0 = None;
    }

    fn since(&self, now: Timestamp) -> Option<Timestamp> {
        let (first, last) = self.0?;
        let lasts = last.duration_since(first) >= Self::NOTEWORTHY;
        (lasts && now.duration_since(last) < Self::FORGOTTEN).then_some(first)
    }
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Requests {
    /// No requests yet, and what fills them.
    #[must_use]
    pub fn new(namespace: &str) -> (Self, Feed) {
        let (store, writer) = reflector::store();
        let (sender, changes) = watch::channel(0);
        let interruption = Arc::<Mutex<Interruption>>::default();
        let this = Self {
            namespace: namespace.to_owned(),
            store,
            changes,
            interruption: Arc::clone(&interruption),
        };
        let feed = Feed {
            writer,
            changes: sender,
            interruption,
        };
        (this, feed)
    }

    /// Waits until all requests have been listed once.
    pub async fn listed(&self) {
        // An error means that the feed is gone, and with it the program.
        let _ = self.store.wait_until_ready().await;
    }

    /// The request of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<AccessRequest> {
        let key = ObjectRef::new(name).within(&self.namespace);
        self.store.get(&key)?.0.as_ref().ok().cloned()
    }

    /// All that fit, the newest first; those of the same second by name.
    pub fn all(&self, fits: impl Fn(&AccessRequest) -> bool) -> Vec<AccessRequest> {
        let mut found: Vec<AccessRequest> = self
            .store
            .state()
            .iter()
            .filter_map(|object| object.0.as_ref().ok())
            .filter(|request| fits(request))
            .cloned()
            .collect();
        found.sort_by_key(|request| {
            let created = request.creation_timestamp().map(|time| time.0);
            (std::cmp::Reverse(created), request.name_any())
        });
        found
    }

    /// How many fit.
    pub fn count(&self, fits: impl Fn(&AccessRequest) -> bool) -> usize {
        let objects = self.store.state();
        let known = objects.iter().filter_map(|object| object.0.as_ref().ok());
        known.filter(|request| fits(request)).count()
    }

    /// A word that changes whenever one of those that fit changes, comes or goes: the same in every
    /// replica, so that a page that one of them made can be followed at another.
    pub fn version(&self, fits: impl Fn(&AccessRequest) -> bool) -> String {
        let mut objects: Vec<(String, String)> = self
            .store
            .state()
            .iter()
            .filter_map(|object| object.0.as_ref().ok())
            .filter(|request| fits(request))
            .map(|request| {
                let version = request.resource_version().unwrap_or_default();
                (request.uid().unwrap_or_default(), version)
            })
            .collect();
        objects.sort_unstable();
        let pieces = objects
            .iter()
            .flat_map(|(uid, version)| [uid.as_bytes(), version.as_bytes()]);
        fingerprint(pieces)
    }

    /// Changes whenever any request does.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Since when the API server tells of no changes; `None` while it does.
    #[must_use]
    pub fn interrupted(&self) -> Option<Timestamp> {
        lock(&self.interruption).since(Timestamp::now())
    }

    /// Waits until what was written is known here too, so that the next page shows it; not for long,
    /// for a page that is a little behind is brought up to date by itself.
    pub async fn seen(&self, written: &AccessRequest) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let version = |request: &AccessRequest| {
            let text = request.resource_version()?;
            text.parse::<u64>().ok()
        };
        let mut changes = self.changes();
        let known = async {
            loop {
                let name = written.name_any();
                let here = self.get(&name);
                let is_there = here.is_some_and(|here| {
                    here.uid() == written.uid() && version(&here) >= version(written)
                });
                if is_there || changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, known).await;
    }
}

impl Feed {
    /// Watches the namespace until the program ends.
    pub async fn run(mut self, client: Client, namespace: &str) {
        let api: Api<Guarded> = Api::namespaced(client, namespace);
        let events = watcher(api, watcher::Config::default().page_size(PAGE))
            // Who owns which field is of no use here, and may be megabytes.
            .modify(|object| object.meta_mut().managed_fields = None)
            .backoff(WatchBackoff::default());
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.apply(&event),
                Err(error) => {
                    tracing::warn!(%error, "the watch of AccessRequests is interrupted");
                    self.failed(Timestamp::now());
                }
            }
        }
    }

    /// Notes that the watch failed.
    pub fn failed(&self, at: Timestamp) {
        lock(&self.interruption).failed(at);
    }

    /// Puts one request in, as a watch would.
    pub fn put(&mut self, request: AccessRequest) {
        self.apply(&watcher::Event::Apply(DeserializeGuard(Ok(request))));
    }

    /// Says that all there are have been listed.
    pub fn finish_list(&mut self) {
        self.apply(&watcher::Event::Init);
        self.apply(&watcher::Event::InitDone);
    }

    fn apply(&mut self, event: &watcher::Event<Guarded>) {
        lock(&self.interruption).told();
        self.writer.apply_watcher_event(event);
        let silent = matches!(event, watcher::Event::Init | watcher::Event::InitApply(_));
        if !silent {
            self.changes
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

fn lock(interruption: &Mutex<Interruption>) -> MutexGuard<'_, Interruption> {
    interruption.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_is_told_while_it_lasts() {
        let start = Timestamp::now();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        let mut interruption = Interruption::default();
        assert_eq!(interruption.since(start), None);
        interruption.failed(start);
        // Cut once, and there again.
        assert_eq!(interruption.since(at(1)), None);
        interruption.failed(at(4));
        assert_eq!(interruption.since(at(5)), Some(start));
        interruption.failed(at(40));
        assert_eq!(interruption.since(at(80)), Some(start));
        // No failure for a while: the watch is there, and there is nothing to tell.
        assert_eq!(interruption.since(at(86)), None);
        interruption.failed(at(90));
        assert_eq!(interruption.since(at(91)), None);
        interruption.failed(at(95));
        interruption.told();
        assert_eq!(interruption.since(at(96)), None);
    }
}
