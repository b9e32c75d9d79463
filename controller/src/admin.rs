//! Metrics and health, on a port of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::guard::Guard;
use crate::metrics::Metrics;

/// Whether the controller does its work.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// All requests are known, and the work has begun.
    pub fn listed(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_listed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Admin {
    metrics: Arc<Metrics>,
    readiness: Readiness,
    guard: Arc<Guard>,
    refresh: Arc<dyn Fn() + Send + Sync>,
}

/// The pages `/metrics`, `/healthz` and `/readyz`. `refresh` brings figures up to date that are
/// only counted when somebody looks.
pub fn router(
    metrics: Arc<Metrics>,
    readiness: Readiness,
    guard: Arc<Guard>,
    refresh: Arc<dyn Fn() + Send + Sync>,
) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .with_state(Admin {
            metrics,
            readiness,
            guard,
            refresh,
        })
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    let problem = if admin.readiness.is_listed() {
        admin.guard.problem()
    } else {
        Some("the requests have not been listed yet".to_owned())
    };
    match problem {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        ),
    }
}

async fn figures(State(admin): State<Admin>) -> impl IntoResponse {
    (admin.refresh)();
    match admin.metrics.encode() {
        Ok(text) => (
            StatusCode::OK,
            [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
