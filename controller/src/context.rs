//! What every visit of a request uses.

use std::sync::Arc;

use jit_access_core::expiry::Rounds;
use jit_access_core::limits::Limits;
use jit_access_core::namespaces::Namespace;
use jit_access_crds::AccessRequest;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource};
use tokio::sync::Semaphore;

use crate::guard::Guard;
use crate::guarded::Guarded;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::policy_writer::PolicyWriter;

/// How many calls of the Kubernetes API are made at the same time.
pub const API_CALLS: usize = 16;

/// What every visit of a request uses.
pub struct Context {
    /// The Kubernetes API.
    pub client: Client,
    /// Turns for calls of it. The client speaks HTTP/1.1, where each call at the same time is a
    /// connection with a handshake of its own: a thousand of them took seconds and 60 MB.
    pub api_calls: Semaphore,
    /// All requests, as the watch delivered them.
    pub requests: Store<Guarded>,
    /// Google's policies.
    pub policies: PolicyWriter,
    /// What the installation allows.
    pub limits: Limits,
    /// When resources are read again.
    pub rounds: Rounds,
    /// Between two visits.
    pub memory: Memory,
    /// Whether nobody can speak for another.
    pub guard: Arc<Guard>,
    /// Kubernetes Events.
    pub recorder: Recorder,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    /// The request as the watch last delivered it; `None` if it is gone, or another one has its name.
    #[must_use]
    pub fn delivered(&self, request: &AccessRequest) -> Option<Arc<Guarded>> {
        let reference = ObjectRef::<Guarded>::new(request.metadata.name.as_deref()?)
            .within(request.metadata.namespace.as_deref()?);
        self.requests
            .get(&reference)
            .filter(|object| object.meta().uid == request.metadata.uid)
    }

    /// What the installation says of the request's namespace; `None` if it is not set up.
    #[must_use]
    pub fn namespace_of(&self, request: &AccessRequest) -> Option<Namespace> {
        self.guard.namespace(request.metadata.namespace.as_deref()?)
    }

    /// The programs that may sign for persons in the request's namespace now.
    #[must_use]
    pub fn delegates(&self, request: &AccessRequest) -> Vec<String> {
        self.namespace_of(request)
            .map(|namespace| namespace.delegates)
            .unwrap_or_default()
    }
}
