//! A visit of one request: observe, decide, act, report. Every visit runs the same chain from the
//! top, whatever brought it about.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jit_access_core::decision::decide;
use jit_access_core::grant::Window;
use jit_access_core::request::parse_time;
use jit_access_core::status;
use jit_access_crds::AccessRequest;
use kube::Resource;
use kube::runtime::controller::Action;

use crate::act::act;
use crate::context::Context;
use crate::done::{Done, Next};
use crate::guarded::Guarded;
use crate::memory::Retry;
use crate::objects;
use crate::observe::observe;
use crate::undecodable;
use crate::write_error::WriteError;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A removal that Google refuses is tried again within 15 s at first.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Timers do not run while a machine sleeps: no request waits longer than this for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Visits a request.
///
/// # Errors
/// When the API server cannot be written to.
pub async fn reconcile(object: Arc<Guarded>, context: Arc<Context>) -> Result<Action, WriteError> {
    let request = match &object.0 {
        Ok(request) => context.memory.newest(Arc::new(request.clone())),
        Err(unreadable) => return undecodable::tell(&context, unreadable).await,
    };
    let observed = observe(&context, &request).await;
    let step = decide(&observed, &context.limits, context.rounds);
    if step.asks_google()
        && let Some(wait) = pause_left(&context, &request)
    {
        return Ok(Action::requeue(wait.min(LONGEST_WAIT)));
    }
    let done = act(&context, &request, step).await?;
    report(&context, done).await
}

/// Writes what is to be said, and says when to come back.
async fn report(context: &Context, done: Done) -> Result<Action, WriteError> {
    let Done {
        report,
        newest,
        next,
    } = done;
    if let Some(report) = report {
        let before = status::state(&newest);
        match objects::write_status(context, &newest, &report).await {
            Ok(_) if before != Some(report.state) => entered(context, &newest, &report),
            Ok(_) => {}
            Err(WriteError::Gone) => return Ok(Action::await_change()),
            Err(error) => return Err(error),
        }
    }
    Ok(come_back(context, &newest, next))
}

fn entered(context: &Context, request: &AccessRequest, report: &status::Report) {
    let since_first_seen = context.memory.see(request).first_seen.elapsed();
    context.metrics.entered(report.state, since_first_seen);
    let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
    let name = request.metadata.name.as_deref().unwrap_or_default();
    tracing::info!(
        request = format!("{namespace}/{name}"),
        uid = request.metadata.uid,
        state = report.state.as_str(),
        detail = report.message,
        "request is {}",
        report.state
    );
}

fn come_back(context: &Context, request: &AccessRequest, next: Next) -> Action {
    if !matches!(next, Next::Later(_)) {
        context.memory.change(request, |remembered| {
            remembered.failures = 0;
            remembered.retry = None;
        });
    }
    match next {
        Next::At(None) => Action::await_change(),
        Next::At(Some(time)) => {
            let wait = Timestamp::now().duration_until(time);
            let wait = Duration::try_from(wait).unwrap_or(Duration::ZERO);
            // A moment later rather than a moment too early, which would be one visit more.
            Action::requeue((wait + Duration::from_millis(5)).min(LONGEST_WAIT))
        }
        Next::Now => Action::requeue(Duration::ZERO),
        Next::Later(at_least) => {
            let wait = pause(context, request)
                .max(at_least.unwrap_or_default())
                .min(LONGEST_WAIT)
                .min(until_next_turn(request));
            context.memory.change(request, |remembered| {
                remembered.retry = Some(Retry {
                    at: Instant::now() + wait,
                    deleting: request.metadata.deletion_timestamp.is_some(),
                });
            });
            Action::requeue(wait)
        }
    }
}

/// How long until the request's window ends, or its start comes: that does not wait for Google.
fn until_next_turn(request: &AccessRequest) -> Duration {
    let now = Timestamp::now();
    let window = request
        .status
        .as_ref()
        .and_then(|status| status.grant.as_ref())
        .and_then(Window::recorded);
    let start = request
        .spec
        .start_time
        .as_deref()
        .and_then(|start| parse_time(start).ok());
    window
        .map(|window| window.end)
        .into_iter()
        .chain(start)
        .filter(|turn| *turn > now)
        .filter_map(|turn| Duration::try_from(turn.duration_since(now)).ok())
        .min()
        .unwrap_or(Duration::MAX)
}

/// How long Google is to be left alone after a failure. Saying in the status that something
/// failed brings the request back at once; that must not be another try. A deletion does not wait
/// for what failed before it.
fn pause_left(context: &Context, request: &AccessRequest) -> Option<Duration> {
    let retry = context.memory.see(request).retry?;
    let deleting = request.metadata.deletion_timestamp.is_some();
    let left = retry.at.saturating_duration_since(Instant::now());
    (retry.deleting == deleting && !left.is_zero()).then_some(left)
}

/// Doubles with each failure in a row, with jitter.
fn pause(context: &Context, request: &AccessRequest) -> Duration {
    let mut failures = 0;
    context.memory.change(request, |remembered| {
        failures = remembered.failures;
        remembered.failures += 1;
    });
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST_PAUSE);
    longest.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

/// When to come back after an error of the API server.
#[must_use]
pub fn after_error(object: &Guarded, error: &WriteError, context: &Context) -> Action {
    let meta = object.meta();
    tracing::warn!(
        request = format!(
            "{}/{}",
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default()
        ),
        %error,
        "a request could not be worked on for now"
    );
    context.metrics.reconcile_errors.inc();
    match &object.0 {
        Ok(request) => Action::requeue(pause(context, request)),
        Err(_) => Action::requeue(LONGEST_PAUSE),
    }
}
