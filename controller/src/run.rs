//! Puts the controller together and runs it until it is told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use jit_access_core::status;
use jit_access_crds::AccessState;
use jit_access_google::Google;
use jit_access_program::{WatchBackoff, bind, kubernetes, stop_signal};
use kube::Api;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::{WatchStreamExt, controller, watcher};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::context::{API_CALLS, Context};
use crate::facts::Facts;
use crate::guard::Guard;
use crate::guarded::Guarded;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::policy_writer::PolicyWriter;
use crate::reconcile::{after_error, reconcile};
use crate::{admin, orphans, watch};

/// Objects of a page of the first list: they may be large.
const PAGE: u32 = 50;
/// How often what is remembered of vanished requests is dropped.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// What is in work at SIGTERM may end within this; Kubernetes kills after 30 s.
const GRACE: Duration = Duration::from_secs(20);

/// Runs the controller until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let limits = config.common.limits().map_err(anyhow::Error::msg)?;
    let metrics = Arc::new(Metrics::default());
    let readiness = admin::Readiness::default();
    let listener = bind("--admin-listen", config.common.admin_listen).await?;
    let settings = config.common.google();
    let google = Google::connect(&settings)
        .await
        .context("Google's clients cannot be set up")?;
    let client = kubernetes().await?;
    let guard = Arc::new(Guard::new(
        client.clone(),
        config.common.limits.guard_margin,
        Arc::clone(&metrics),
    ));
    guard.examine().await;

    let api: Api<Guarded> = Api::all(client.clone());
    let (store, writer) = reflector::store();
    let facts = Facts::new(google.clone(), config.common.scope.clone());
    let search_interval = config.search_interval.unsigned_abs();
    let in_flight = settings.limits.write_timeout;
    let context = Arc::new(Context {
        client: client.clone(),
        api_calls: Semaphore::new(API_CALLS),
        requests: store.clone(),
        policies: PolicyWriter::new(google.clone(), facts, Arc::clone(&metrics), in_flight),
        limits,
        rounds: config.rounds(),
        memory: Memory::default(),
        guard: Arc::clone(&guard),
        recorder: Recorder::new(client, reporter()),
        metrics: Arc::clone(&metrics),
    });

    let objects = watcher(api, watcher::Config::default().page_size(PAGE))
        .backoff(WatchBackoff::default())
        .inspect_ok(|event| vanished(&context, event))
        .reflect(writer)
        .applied_objects()
        .inspect_err(|error| tracing::warn!(%error, "the watch of AccessRequests is interrupted"))
        .filter_map(|object| async { object.ok() })
        .map(|object| {
            Ok::<_, Infallible>(controller::ReconcileRequest::from(ObjectRef::from_obj(
                &object,
            )))
        });
    let objects = futures::stream::select(objects, undecided(&context));
    let stop = stop_signal()?;
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = async move {
        stop.await;
        drop(stopping);
    };
    let work = controller::applier(
        |object, context| reconcile(object, context).boxed(),
        |object, error, context| after_error(&object, error, &context),
        Arc::clone(&context),
        store.clone(),
        objects.take_until(stop),
        controller::Config::default(),
    )
    .for_each(|_| std::future::ready(()));

    let admin = axum::serve(
        listener,
        admin::router(
            metrics,
            readiness.clone(),
            Arc::clone(&guard),
            refresh(Arc::clone(&context)),
        ),
    );
    let housekeeping = housekeeping(Arc::clone(&context));
    let announce = async {
        if store.wait_until_ready().await.is_ok() {
            readiness.listed();
            tracing::info!("all requests are listed");
        }
        std::future::pending::<()>().await;
    };
    let hurry = async {
        // It is only ever dropped.
        stopped.await.ok();
        tokio::time::sleep(GRACE).await;
        tracing::warn!("stopping in the middle of some requests; the next start goes on with them");
    };
    tokio::select! {
        () = work => {}
        () = hurry => {}
        result = async { admin.await } => result.context("the admin port failed")?,
        () = housekeeping => {}
        () = guard.keep_proving() => {}
        () = watch::deleted(Arc::clone(&context)) => {}
        () = orphans::keep_searching(Arc::clone(&context), google, search_interval) => {}
        () = announce => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// All undecided requests, whenever something changes that they may depend on.
fn undecided(
    context: &Arc<Context>,
) -> impl Stream<Item = Result<controller::ReconcileRequest<Guarded>, Infallible>> + use<> {
    let context = Arc::clone(context);
    context.guard.changes().flat_map(move |()| {
        let objects = context.requests.state().into_iter().filter(|object| {
            object
                .0
                .as_ref()
                .is_ok_and(|request| status::state(request).is_none_or(AccessState::is_undecided))
        });
        let due: Vec<_> = objects
            .map(|object| {
                Ok(controller::ReconcileRequest::from(ObjectRef::from_obj(
                    &*object,
                )))
            })
            .collect();
        futures::stream::iter(due)
    })
}

/// Whoever may change finalizers can make a request vanish with its binding in the policy.
fn vanished(context: &Context, event: &watcher::Event<Guarded>) {
    if let watcher::Event::Delete(object) = event
        && let Ok(request) = &object.0
    {
        watch::remember_ended(context, request);
    }
}

fn reporter() -> Reporter {
    Reporter {
        controller: "jit-access-controller".to_owned(),
        instance: std::env::var("HOSTNAME").ok(),
    }
}

fn refresh(context: Arc<Context>) -> Arc<dyn Fn() + Send + Sync> {
    Arc::new(move || {
        let objects = context.requests.state();
        let states = objects.iter().filter_map(|object| {
            let request = object.0.as_ref().ok()?;
            Some(status::state(request).unwrap_or(AccessState::Pending))
        });
        context.metrics.count_requests(states);
        let undecodable = objects.iter().filter(|object| object.0.is_err()).count();
        context
            .metrics
            .undecodable
            .set(i64::try_from(undecodable).unwrap_or(i64::MAX));
    })
}

async fn housekeeping(context: Arc<Context>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let existing = orphans::existing(&context);
        context.memory.forget_others(&existing, Timestamp::now());
        context.policies.forget_idle();
    }
}
