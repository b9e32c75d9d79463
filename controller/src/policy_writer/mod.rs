//! One writer for each policy. All that waits for a policy goes into one read-modify-write: two
//! hundred people who ask at once for access to one project cost a few writes, not two hundred
//! that conflict with each other.

mod bisect;
mod decide;
mod edit;
mod gather;
mod inspect;
mod job;
mod transaction;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jit_access_core::iam_condition::Readings;
use jit_access_core::iam_policy::Policy;
use jit_access_google::Google;
use tokio::sync::{Notify, oneshot};

use job::{Batch, GrantJob, InspectJob, RemoveJob, TidyJob};
pub use job::{GrantAnswer, Inspection, InspectionOrder, Petition, Subject, Trouble, Verdict};

use crate::facts::Facts;
use crate::lock::lock;
use crate::metrics::Metrics;

/// How long a reading is kept for who comes later in the same round.
const READING_KEPT: Duration = Duration::from_secs(60);

/// The writers of all policies.
pub struct PolicyWriter {
    shared: Arc<Shared>,
    resources: Mutex<HashMap<String, Arc<Resource>>>,
}

impl std::fmt::Debug for PolicyWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyWriter").finish_non_exhaustive()
    }
}

struct Shared {
    google: Google,
    facts: Facts,
    readings: Mutex<Readings>,
    metrics: Arc<Metrics>,
    /// How long a write without an answer may still be on its way.
    in_flight: Duration,
    started: Instant,
}

impl Shared {
    /// What ended before this is over by Google's clock too, as far as that is known.
    fn surely_over(&self) -> Timestamp {
        let now = Timestamp::now();
        let behind = self.google.clock_offset().unwrap_or_default();
        // A clock that is off by ages is no reason to fail.
        now.min(now.checked_add(behind).unwrap_or(Timestamp::MIN))
    }
}

struct Resource {
    name: String,
    queue: Mutex<Queue>,
    /// A removal waits: whoever works on additions attends to it first.
    removal_arrived: Notify,
    /// Until when a write whose answer was lost may still arrive.
    in_flight_until: Mutex<Option<Instant>>,
    /// The last reading for inspections, and when it began: all inspections of a round share one.
    inspected: Mutex<Option<(Instant, Policy)>>,
}

#[derive(Default)]
struct Queue {
    waiting: Batch,
    served: bool,
}

impl PolicyWriter {
    /// Writers that use these clients. `in_flight` is how long a write without an answer may still
    /// be on its way.
    #[must_use]
    pub fn new(google: Google, facts: Facts, metrics: Arc<Metrics>, in_flight: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                google,
                facts,
                readings: Mutex::default(),
                metrics,
                in_flight,
                started: Instant::now(),
            }),
            resources: Mutex::default(),
        }
    }

    /// Decides on a petition and, if it is granted, adds its bindings.
    pub async fn grant(&self, resource: &str, petition: Arc<dyn Petition>) -> GrantAnswer {
        let (reply, answer) = oneshot::channel();
        self.submit(resource, |batch| {
            batch.grants.push(GrantJob { petition, reply });
        });
        answer
            .await
            .unwrap_or_else(|_| GrantAnswer::Trouble(lost()))
    }

    /// Removes what was granted to a subject. Answers once it is seen gone.
    ///
    /// # Errors
    /// When Google refuses for now.
    pub async fn remove(
        &self,
        resource: &str,
        subject: Subject,
        never_granted: bool,
    ) -> Result<(), Trouble> {
        let (reply, answer) = oneshot::channel();
        self.submit(resource, |batch| {
            batch.removals.push(RemoveJob {
                subject,
                never_granted,
                role: None,
                reply,
            });
        });
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Compares the policy with what was granted.
    ///
    /// # Errors
    /// When Google cannot be read for now.
    pub async fn inspect(
        &self,
        resource: &str,
        order: InspectionOrder,
    ) -> Result<Inspection, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.submit(resource, |batch| {
            batch.inspections.push(InspectJob { order, reply });
        });
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Reads the policy anew and removes what is over, as every visit does; gives back what was read.
    ///
    /// # Errors
    /// When Google cannot be read for now.
    pub async fn tidy(&self, resource: &str) -> Result<Policy, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.submit(resource, |batch| batch.tidies.push(TidyJob { reply }));
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Forgets policies that nobody works on: each keeps its last reading.
    pub fn forget_idle(&self) {
        lock(&self.resources)
            .retain(|_, resource| Arc::strong_count(resource) > 1 || resource.is_remembered());
    }

    fn submit(&self, name: &str, add: impl FnOnce(&mut Batch)) {
        let resource = {
            let mut resources = lock(&self.resources);
            Arc::clone(resources.entry(name.to_owned()).or_insert_with(|| {
                Arc::new(Resource {
                    name: name.to_owned(),
                    queue: Mutex::default(),
                    removal_arrived: Notify::new(),
                    in_flight_until: Mutex::default(),
                    inspected: Mutex::default(),
                })
            }))
        };
        resource.submit(&self.shared, add);
    }
}

fn lost() -> Trouble {
    Trouble::new("the controller's policy writer stopped; this is a fault of the controller")
}

impl Resource {
    fn submit(self: &Arc<Self>, shared: &Arc<Shared>, add: impl FnOnce(&mut Batch)) {
        let start = {
            let mut queue = lock(&self.queue);
            add(&mut queue.waiting);
            if !queue.waiting.removals.is_empty() {
                self.removal_arrived.notify_one();
            }
            !std::mem::replace(&mut queue.served, true)
        };
        if start {
            tokio::spawn(Arc::clone(self).serve(Arc::clone(shared)));
        }
    }

    async fn serve(self: Arc<Self>, shared: Arc<Shared>) {
        // Whatever happens to this task, the next job starts another one.
        let _served = Served(&self);
        loop {
            let batch = {
                let mut queue = lock(&self.queue);
                let mut batch = std::mem::take(&mut queue.waiting);
                if batch.is_empty() {
                    queue.served = false;
                    return;
                }
                // A removal never waits for what needs somebody's groups looked up: that comes next.
                if !batch.removals.is_empty() {
                    queue.waiting.grants = std::mem::take(&mut batch.grants);
                    queue.waiting.inspections = std::mem::take(&mut batch.inspections);
                    queue.waiting.tidies = std::mem::take(&mut batch.tidies);
                }
                batch
            };
            transaction::run(&self, &shared, batch).await;
        }
    }

    /// Removals that arrived since the batch was taken: they go into the same write.
    fn late_removals(&self) -> Vec<RemoveJob> {
        let mut queue = lock(&self.queue);
        std::mem::take(&mut queue.waiting.removals)
    }

    /// A reading that is young enough for all of these inspections, if there is one.
    fn inspected(&self, batch: &Batch) -> Option<Policy> {
        if !(batch.grants.is_empty() && batch.removals.is_empty() && batch.tidies.is_empty()) {
            return None;
        }
        let newest = batch
            .inspections
            .iter()
            .map(|job| job.order.not_before)
            .max()?;
        let inspected = lock(&self.inspected);
        inspected
            .as_ref()
            .filter(|(begun, _)| *begun >= newest)
            .map(|(_, policy)| policy.clone())
    }

    /// Whether a lost write may still arrive, or others of this round may share the last reading.
    fn is_remembered(&self) -> bool {
        let inspected = lock(&self.inspected);
        inspected
            .as_ref()
            .is_some_and(|(begun, _)| begun.elapsed() < READING_KEPT)
            || self
                .may_arrive_until()
                .is_some_and(|until| Instant::now() < until)
    }

    fn set_inspected(&self, reading: Option<(Instant, Policy)>) {
        *lock(&self.inspected) = reading;
    }

    fn may_arrive_until(&self) -> Option<Instant> {
        *lock(&self.in_flight_until)
    }

    fn answer_lost(&self, shared: &Shared) {
        let until = Instant::now() + shared.in_flight;
        *lock(&self.in_flight_until) = Some(until);
    }
}

struct Served<'a>(&'a Resource);

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = lock(&self.0.queue);
            queue.served = false;
            // Who waits hears at once that the writer stopped, and comes again.
            queue.waiting = Batch::default();
        }
    }
}
