//! Figures for `/metrics`. Labels are bounded: no names, no addresses.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use jit_access_crds::DecisionKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PageLabels {
    page: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabel {
    decision: &'static str,
}

/// How much there is of something now.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Resources in the catalogue.
    pub resources: usize,
    /// Eligible bindings in the catalogue.
    pub bindings: usize,
    /// When the catalogue was last read whole.
    pub catalogue_read: Option<Timestamp>,
    /// Requests that are known.
    pub requests: usize,
    /// Pages that are told of changes.
    pub followers: usize,
    /// Whether the API server tells of no changes for a while.
    pub watch_interrupted: bool,
}

/// All figures.
pub struct Metrics {
    registry: Registry,
    pages: Family<PageLabels, Counter>,
    page_seconds: Histogram,
    asked: Counter,
    decisions: Family<DecisionLabel, Counter>,
    catalogue_resources: Gauge,
    catalogue_bindings: Gauge,
    catalogue_read: Gauge,
    requests: Gauge,
    followers: Gauge,
    watch_interrupted: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jit_access_webui"),
            pages: Family::default(),
            page_seconds: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2, 1.0]),
            asked: Counter::default(),
            decisions: Family::default(),
            catalogue_resources: Gauge::default(),
            catalogue_bindings: Gauge::default(),
            catalogue_read: Gauge::default(),
            requests: Gauge::default(),
            followers: Gauge::default(),
            watch_interrupted: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("pages", "Answers, by page and status", self.pages.clone());
        registry.register_with_unit(
            "page",
            "Time to an answer, streams of changes excepted",
            Unit::Seconds,
            self.page_seconds.clone(),
        );
        registry.register("asked", "Requests that were made", self.asked.clone());
        registry.register(
            "decisions",
            "Decisions that were written",
            self.decisions.clone(),
        );
        registry.register(
            "catalogue_resources",
            "Resources in the catalogue",
            self.catalogue_resources.clone(),
        );
        registry.register(
            "catalogue_bindings",
            "Eligible bindings in the catalogue",
            self.catalogue_bindings.clone(),
        );
        registry.register(
            "catalogue_read_timestamp_seconds",
            "When the catalogue was last read whole; 0 before",
            self.catalogue_read.clone(),
        );
        registry.register("requests", "Requests that are known", self.requests.clone());
        registry.register(
            "followers",
            "Pages that are told of changes now",
            self.followers.clone(),
        );
        registry.register(
            "watch_interrupted",
            "1 while the API server tells of no changes, so that pages may be out of date",
            self.watch_interrupted.clone(),
        );
    }

    /// A request was made.
    pub fn asked(&self) {
        self.asked.inc();
    }

    /// A decision was written.
    pub fn decided(&self, kind: DecisionKind) {
        let decision = match kind {
            DecisionKind::Approved => "approved",
            DecisionKind::Denied => "denied",
            DecisionKind::Revoked => "revoked",
        };
        self.decisions
            .get_or_create(&DecisionLabel { decision })
            .inc();
    }

    /// The figures in the text format of OpenMetrics.
    ///
    /// # Errors
    /// When the text cannot be made.
    pub fn encode(&self, levels: &Levels) -> Result<String, std::fmt::Error> {
        let set = |gauge: &Gauge, number: usize| {
            gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        };
        set(&self.catalogue_resources, levels.resources);
        set(&self.catalogue_bindings, levels.bindings);
        set(&self.requests, levels.requests);
        set(&self.followers, levels.followers);
        set(
            &self.watch_interrupted,
            usize::from(levels.watch_interrupted),
        );
        let read = levels.catalogue_read;
        self.catalogue_read
            .set(read.map_or(0, Timestamp::as_second));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts an answer.
pub async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    // The pattern of the address: what strangers put into addresses must not become labels.
    let page = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    metrics
        .page_seconds
        .observe(started.elapsed().as_secs_f64());
    metrics
        .pages
        .get_or_create(&PageLabels { page, status })
        .inc();
    response
}
