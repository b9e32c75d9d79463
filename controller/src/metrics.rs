//! Figures for `/metrics`. Labels are bounded: no names, no addresses.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jit_access_core::eligibility::Finding;
use jit_access_crds::AccessState;
use jit_access_google::Error;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::lock::lock;

/// A finding that was not seen for so long counts as mended.
const FINDING_FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
const MOST_FINDINGS: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// All figures.
pub struct Metrics {
    registry: Registry,
    /// getIamPolicy calls for resources with requests.
    pub policy_reads: Counter,
    policy_writes: Family<OutcomeLabel, Counter>,
    policy_write_seconds: Histogram,
    states_entered: Family<StateLabel, Counter>,
    requests: Family<StateLabel, Gauge>,
    grant_seconds: Histogram,
    /// Writes of a status to the API server.
    pub status_writes: Counter,
    /// Visits that ended with an error of the API server.
    pub reconcile_errors: Counter,
    /// Objects that cannot be read as AccessRequests.
    pub undecodable: Gauge,
    /// Bindings that another tool made permanent.
    pub unconditional_bindings: Gauge,
    /// Bindings of ours that give access and that no request here explains.
    pub unknown_bindings: Gauge,
    /// 1 while it is proven that nobody can speak for another, else 0.
    pub guard_proven: Gauge,
    findings: Gauge,
    known_findings: Mutex<HashMap<String, Instant>>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn latencies() -> Histogram {
    Histogram::new([0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jit_access"),
            policy_reads: Counter::default(),
            policy_writes: Family::default(),
            policy_write_seconds: latencies(),
            states_entered: Family::default(),
            requests: Family::default(),
            grant_seconds: latencies(),
            status_writes: Counter::default(),
            reconcile_errors: Counter::default(),
            undecodable: Gauge::default(),
            unconditional_bindings: Gauge::default(),
            unknown_bindings: Gauge::default(),
            guard_proven: Gauge::default(),
            findings: Gauge::default(),
            known_findings: Mutex::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "policy_reads",
            "Reads of the allow policy of a resource with requests",
            self.policy_reads.clone(),
        );
        registry.register(
            "policy_writes",
            "Writes of allow policies by outcome",
            self.policy_writes.clone(),
        );
        registry.register_with_unit(
            "policy_write_duration",
            "Time that Google took to write an allow policy",
            Unit::Seconds,
            self.policy_write_seconds.clone(),
        );
        registry.register(
            "states_entered",
            "Requests that entered a state",
            self.states_entered.clone(),
        );
        registry.register(
            "requests",
            "Requests that exist, by state",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "grant_duration",
            "Time from first sight of a request to its binding being in the policy",
            Unit::Seconds,
            self.grant_seconds.clone(),
        );
        registry.register(
            "status_writes",
            "Writes of a request's status",
            self.status_writes.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Visits of a request that failed at the Kubernetes API",
            self.reconcile_errors.clone(),
        );
        registry.register(
            "undecodable_requests",
            "Objects that cannot be read as AccessRequests",
            self.undecodable.clone(),
        );
        registry.register(
            "unconditional_bindings",
            "Bindings that stand without condition where a granted one vanished",
            self.unconditional_bindings.clone(),
        );
        registry.register(
            "unknown_bindings",
            "Running bindings with a title of ours that belong to no request here, as of the last search",
            self.unknown_bindings.clone(),
        );
        registry.register(
            "guard_proven",
            "1 while it is proven that the admission policy lets nobody speak for another, else 0",
            self.guard_proven.clone(),
        );
        registry.register(
            "findings",
            "Bindings with a marker that make nobody eligible as they stand; the log says which",
            self.findings.clone(),
        );
    }

    /// The figures in the text format of OpenMetrics.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts a write of a policy.
    pub fn policy_written<T>(&self, took: Duration, result: &Result<T, Error>) {
        let outcome = match result {
            Ok(_) => "written",
            Err(error) if error.may_have_been_committed => "unknown",
            Err(error) if error.kind == jit_access_google::Kind::Conflict => "conflict",
            Err(_) => "refused",
        };
        self.policy_writes
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
        self.policy_write_seconds.observe(took.as_secs_f64());
    }

    /// Counts a request that entered a state.
    pub fn entered(&self, state: AccessState, since_first_seen: Duration) {
        self.states_entered
            .get_or_create(&StateLabel {
                state: state.as_str(),
            })
            .inc();
        if state == AccessState::Active {
            self.grant_seconds.observe(since_first_seen.as_secs_f64());
        }
    }

    /// Sets the number of requests in each state.
    pub fn count_requests(&self, states: impl Iterator<Item = AccessState>) {
        let mut counts: HashMap<AccessState, i64> = HashMap::new();
        for state in states {
            *counts.entry(state).or_default() += 1;
        }
        for state in AccessState::ALL {
            self.requests
                .get_or_create(&StateLabel {
                    state: state.as_str(),
                })
                .set(counts.get(state).copied().unwrap_or(0));
        }
    }

    /// Logs what was not known yet, and counts what there is.
    pub fn note_findings(&self, findings: &[Finding]) {
        let now = Instant::now();
        let mut known = lock(&self.known_findings);
        for finding in findings {
            let text = finding.to_string();
            let new = !known.contains_key(&text);
            if new && known.len() >= MOST_FINDINGS {
                continue;
            }
            if new {
                tracing::warn!(finding = text, "an eligible binding is not as it should be");
            }
            known.insert(text, now);
        }
        known.retain(|_, seen| now.saturating_duration_since(*seen) < FINDING_FORGOTTEN_AFTER);
        self.findings
            .set(i64::try_from(known.len()).unwrap_or(i64::MAX));
    }
}
