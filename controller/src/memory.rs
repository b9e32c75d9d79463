//! What the controller remembers between two visits of a request. None of it is needed for
//! safety: after a restart it is found again, or costs a reading more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use jit_access_core::decision::{Removal, created};
use jit_access_core::fairness::Counted;
use jit_access_core::status;
use jit_access_crds::{AccessRequest, AccessState, CREATED_BY_ANNOTATION};
use kube::ResourceExt;
use tokio::sync::Semaphore;

use crate::lock::lock;
use crate::policy_writer::Subject;

/// Of one requester at most this many requests are in work at the same time.
const IN_WORK: usize = 2;

/// So many creations of one requester are remembered at least, and at most twice as many.
const MOST_CREATIONS: usize = 1_000;

/// What is remembered of one request.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// When it was first seen.
    pub first_seen: Instant,
    /// The last round for which the policy was compared with the grant.
    pub watched: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Google is not asked again before this, unless the request is deleted meanwhile.
    pub retry: Option<Retry>,
    /// What became of the last try to remove the binding.
    pub removal: Removal,
    /// The approvers whose approvals were there when it was last found that somebody must act.
    pub weighed: Option<Vec<String>>,
    /// Complete readings in a row that found the requester's eligibility gone.
    pub eligibility_lost: u32,
    /// Bindings that stand without condition where its own vanished.
    pub unconditional: usize,
    /// The object as last written, until the watch has caught up with it.
    written: Option<Arc<AccessRequest>>,
}

/// When something that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Not before this.
    pub at: Instant,
    /// Whether it was the removal of a deleted request that failed.
    pub deleting: bool,
}

/// Access that was ended early and whose request is gone: its binding must not come back while the
/// window runs. After a restart such a binding is found like any other that no request explains.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The resource that held the binding.
    pub resource: String,
    /// Who and what it was.
    pub subject: Subject,
    /// When the window is over.
    pub until: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Creation {
    time: Timestamp,
    /// Whether the request was not one too many.
    admitted: bool,
}

type Requester = (String, Option<String>);

/// The controller's memory.
#[derive(Debug, Default)]
pub struct Memory {
    requests: Mutex<HashMap<String, Remembered>>,
    /// Creations of the last hour by requester and maker, those of deleted requests too.
    creations: Mutex<HashMap<Requester, BTreeMap<String, Creation>>>,
    work: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// By UID.
    ended: Mutex<HashMap<String, Ended>>,
}

fn requester(request: &AccessRequest) -> (&str, Option<&str>) {
    let maker = request.annotations().get(CREATED_BY_ANNOTATION);
    (&request.spec.requester, maker.map(String::as_str))
}

/// Whether two requests count together: the same person asks, through the same maker.
#[must_use]
pub fn is_alike(one: &AccessRequest, other: &AccessRequest) -> bool {
    requester(one) == requester(other)
}

/// UID of a request; empty only for an object that the API server did not make.
#[must_use]
pub fn uid(request: &AccessRequest) -> &str {
    request.metadata.uid.as_deref().unwrap_or_default()
}

fn version(request: &AccessRequest) -> Option<u64> {
    request.metadata.resource_version.as_deref()?.parse().ok()
}

impl Memory {
    /// Remembers that a request was seen; returns what is known of it.
    pub fn see(&self, request: &AccessRequest) -> Remembered {
        lock(&self.requests)
            .entry(uid(request).to_owned())
            .or_insert_with(|| Remembered {
                first_seen: Instant::now(),
                watched: None,
                failures: 0,
                retry: None,
                removal: Removal::Untried,
                weighed: None,
                eligibility_lost: 0,
                unconditional: 0,
                written: None,
            })
            .clone()
    }

    /// Changes what is remembered of a request.
    pub fn change(&self, request: &AccessRequest, change: impl FnOnce(&mut Remembered)) {
        if let Some(remembered) = lock(&self.requests).get_mut(uid(request)) {
            change(remembered);
        }
    }

    /// Remembers the object as it was just written.
    pub fn wrote(&self, request: &AccessRequest) {
        let written = Some(Arc::new(request.clone()));
        self.change(request, |remembered| remembered.written = written);
    }

    /// The newer of what the watch delivered and what was last written: the watch may lag behind
    /// our own writes, and whoever decided by the older would do everything again.
    #[must_use]
    pub fn newest(&self, delivered: Arc<AccessRequest>) -> Arc<AccessRequest> {
        let mut requests = lock(&self.requests);
        let Some(remembered) = requests.get_mut(uid(&delivered)) else {
            return delivered;
        };
        match &remembered.written {
            Some(written) if version(written) > version(&delivered) => Arc::clone(written),
            _ => {
                remembered.written = None;
                delivered
            }
        }
    }

    /// Whether a request is one too many, by those with the same requester and maker: those that
    /// exist, and creations of the last hour. One that is not is let in from now on.
    pub fn admit(
        &self,
        request: &AccessRequest,
        existing: &[&AccessRequest],
        now: Timestamp,
        crowding: impl FnOnce(&Counted<'_>, &[Counted<'_>]) -> Option<String>,
    ) -> Option<String> {
        let (person, maker) = requester(request);
        let key = (person.to_owned(), maker.map(str::to_owned));
        let mut creations = lock(&self.creations);
        let recent = creations.entry(key).or_default();
        let hour_ago = now - SignedDuration::from_hours(1);
        recent.retain(|_, creation| creation.time > hour_ago);
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        for other in existing
            .iter()
            .copied()
            .filter(|other| is_alike(other, request))
        {
            let creation = Creation {
                time: created(other),
                // A state beyond the first visit, or this memory, tells.
                admitted: !matches!(
                    status::state(other),
                    None | Some(AccessState::Pending | AccessState::Failed)
                ),
            };
            let creation = if creation.time > hour_ago {
                let known = recent.entry(uid(other).to_owned()).or_insert(creation);
                known.admitted |= creation.admitted;
                *known
            } else {
                creation
            };
            seen.insert(uid(other));
            all.push(Counted {
                admitted: creation.admitted,
                ..counted(other)
            });
        }
        for (uid, creation) in recent
            .iter()
            .filter(|(uid, _)| !seen.contains(uid.as_str()))
        {
            all.push(Counted {
                uid,
                created: creation.time,
                open: false,
                admitted: creation.admitted,
            });
        }
        let crowding = crowding(&counted(request), &all);
        drop(all);
        forget_oldest(recent);
        if crowding.is_none()
            && let Some(creation) = recent.get_mut(uid(request))
        {
            creation.admitted = true;
        }
        crowding
    }

    /// Who may work on a request of this person.
    #[must_use]
    pub fn workers(&self, requester: &str) -> Arc<Semaphore> {
        Arc::clone(
            lock(&self.work)
                .entry(requester.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(IN_WORK))),
        )
    }

    /// Bindings that stand without condition, of all requests.
    #[must_use]
    pub fn unconditional(&self) -> usize {
        lock(&self.requests)
            .values()
            .map(|remembered| remembered.unconditional)
            .sum()
    }

    /// Remembers access that was ended early and whose request goes.
    pub fn ended_early(&self, ended: Ended) {
        lock(&self.ended).insert(ended.subject.uid.clone(), ended);
    }

    /// Access that was ended early and whose window still runs.
    #[must_use]
    pub fn still_to_watch(&self, now: Timestamp) -> Vec<Ended> {
        let mut all = lock(&self.ended);
        all.retain(|_, ended| now < ended.until);
        all.values().cloned().collect()
    }

    /// Forgets requests that no longer exist, and people who asked for nothing of late.
    pub fn forget_others(&self, existing: &HashSet<String>, now: Timestamp) {
        lock(&self.requests).retain(|uid, _| existing.contains(uid));
        let hour_ago = now - SignedDuration::from_hours(1);
        lock(&self.creations).retain(|_, recent| {
            recent.retain(|_, creation| creation.time > hour_ago);
            !recent.is_empty()
        });
        lock(&self.work).retain(|_, workers| Arc::strong_count(workers) > 1);
    }
}

/// Who makes and deletes requests all the time does not fill the memory: what is left is more than
/// enough to be too many.
fn forget_oldest(recent: &mut BTreeMap<String, Creation>) {
    if recent.len() > 2 * MOST_CREATIONS {
        let mut times: Vec<Timestamp> = recent.values().map(|creation| creation.time).collect();
        times.sort_unstable();
        let oldest_kept = times[times.len() - MOST_CREATIONS];
        recent.retain(|_, creation| creation.time >= oldest_kept);
    }
}

fn counted(request: &AccessRequest) -> Counted<'_> {
    Counted {
        uid: uid(request),
        created: created(request),
        open: status::state(request).is_none_or(|state| !state.is_final()),
        admitted: false,
    }
}
