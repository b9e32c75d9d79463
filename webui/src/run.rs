//! Puts the web UI together and runs it until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use jit_access_google::Google;
use jit_access_google::catalogue::Catalogue;
use jit_access_program::{bind, kubernetes, stop_signal};
use tokio::sync::watch;

use crate::app::App;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::groups::Groups;
use crate::iap::Assertions;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::requests::Requests;
use crate::router::router;

/// What is in work at SIGTERM may end within this; streams of changes never end by themselves.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the web UI until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let limits = config.common.limits().map_err(anyhow::Error::msg)?;
    let assertions =
        Assertions::new(&config.iap_audience, &config.iap_jwks_url).map_err(anyhow::Error::msg)?;
    let admin_listener = bind("--admin-listen", config.common.admin_listen).await?;
    let listener = bind("--listen", config.listen).await?;
    let google = Google::connect(&config.common.google())
        .await
        .context("Google's clients cannot be set up")?;
    let client = kubernetes().await?;
    let me = Cluster::who_am_i(client.clone())
        .await
        .context("the API server does not say who this program is")?;
    let (requests, feed) = Requests::new(&config.namespace);
    let catalogue = Catalogue::new(google.clone(), &config.common.scope);
    let every = Duration::try_from(config.catalogue_interval)
        .context("--catalogue-interval is too long")?;
    let app = Arc::new(App {
        limits,
        requests: requests.clone(),
        cluster: Cluster::new(client.clone(), &config.namespace, &me),
        catalogue: catalogue.clone(),
        groups: Groups::new(google),
        metrics: Arc::new(Metrics::default()),
        followers: Places::for_followers(),
        calls: Places::for_calls(),
    });
    tracing::info!(namespace = config.namespace, user = me, "serving");

    let (ready, is_ready) = watch::channel(false);
    let admin = admin(Arc::clone(&app), is_ready);
    let stop = stop_signal()?;
    let (stopping, mut stopped) = watch::channel(false);
    let until = async move {
        // An error means that the sender is gone, and with it the program.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let pages = axum::serve(listener, router(&app, &assertions)).with_graceful_shutdown(until);
    let announce = async {
        requests.listed().await;
        ready.send_replace(true);
        tracing::info!("all requests are listed");
        std::future::pending::<()>().await;
    };
    let end = async {
        stop.await;
        stopping.send_replace(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = async { pages.await } => result.context("the port of the pages failed")?,
        result = async { axum::serve(admin_listener, admin).await } => result.context("the admin port failed")?,
        () = feed.run(client, &config.namespace) => {}
        never = catalogue.keep_fresh(every) => match never {},
        () = announce => {}
        () = end => {}
    }
    tracing::info!("stopped");
    Ok(())
}

#[derive(Clone)]
struct Admin {
    app: Arc<App>,
    is_ready: watch::Receiver<bool>,
}

fn admin(app: Arc<App>, is_ready: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .with_state(Admin { app, is_ready })
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    if *admin.is_ready.borrow() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the requests have not been listed yet\n",
        )
    }
}

async fn figures(State(admin): State<Admin>) -> impl IntoResponse {
    match admin.app.metrics.encode(&admin.app.levels()) {
        Ok(text) => (
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
