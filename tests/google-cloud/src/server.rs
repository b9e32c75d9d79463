//! The way of a call: decode, route, fault, act, log, answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State as Shared};
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::{Router, routing::any};
use serde_json::json;
use tokio::net::TcpListener;

use crate::answer::{Answer, Wire};
use crate::api::{self, Route};
use crate::connection::{CuttableListener, Scissors};
use crate::errors::{self, ApiError};
use crate::faults::{Hit, Phase, Target};
use crate::iap::{self, proxy::IapProxy};
use crate::policy::{bindings, rules};
use crate::request::Request;
use crate::request_log::Entry;
use crate::state::State;
use crate::world::World;
use crate::{conditions, control};

/// The largest body that is read, for whole worlds.
const LARGEST_BODY: usize = 64 << 20;

/// The simulator as its handlers share it.
#[derive(Debug, Clone, Default)]
pub struct Simulator(Arc<Mutex<State>>);

impl Simulator {
    /// The state, locked. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a world until the task is dropped.
///
/// # Errors
/// A world that does not fit together, or a listener that fails.
pub async fn serve(listener: TcpListener, world: World) -> anyhow::Result<()> {
    serve_apis(listener, simulate(&world)?).await
}

/// As [`serve`], with Identity-Aware Proxy before an application, at an address of its own.
///
/// # Errors
/// A world that does not fit together, or a listener that fails.
pub async fn serve_with_iap(
    listener: TcpListener,
    world: World,
    proxy: IapProxy,
) -> anyhow::Result<()> {
    let simulator = simulate(&world)?;
    simulator.lock().iap.upstream.clone_from(&proxy.upstream);
    tokio::try_join!(
        serve_apis(listener, simulator.clone()),
        iap::proxy::serve(proxy, simulator),
    )?;
    Ok(())
}

fn simulate(world: &World) -> anyhow::Result<Simulator> {
    let simulator = Simulator::default();
    let mut state = simulator.lock();
    state.replace_world(world).map_err(anyhow::Error::msg)?;
    state.iap.keys.rotate().map_err(anyhow::Error::msg)?;
    drop(state);
    Ok(simulator)
}

async fn serve_apis(listener: TcpListener, simulator: Simulator) -> anyhow::Result<()> {
    // The evaluator builds its tables on first use; the first access check should not pay for that.
    let _ = conditions::compile("true");
    let router = Router::new()
        .nest("/control", control::router())
        .fallback(any(google))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(simulator);
    axum::serve(
        CuttableListener(listener),
        router.into_make_service_with_connect_info::<Scissors>(),
    )
    .await?;
    Ok(())
}

/// What becomes of a call.
enum Outcome {
    Answer(Response<Body>),
    Hang(Hit),
    Cut,
}

async fn google(
    Shared(simulator): Shared<Simulator>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let request = match Request::read(&method, &uri, &headers, body) {
        Ok(request) => request,
        Err(error) => {
            return Wire::new(None, Err(error)).response(&simulator.lock().clock.http_date());
        }
    };
    // A task of its own: a server goes on with what it began when the client leaves.
    let task = tokio::spawn(perform(simulator.clone(), request));
    match task.await {
        Ok(Outcome::Answer(response)) => response,
        Ok(Outcome::Cut) => cut(&scissors).await,
        Ok(Outcome::Hang(mut hit)) => {
            // The channel carries nothing: it ends with the fault.
            while hit.removed.changed().await.is_ok() {}
            cut(&scissors).await
        }
        Err(_) => Wire::new(
            None,
            Err(ApiError::new(
                500,
                "The simulator failed on this call; its standard error says where.",
            )),
        )
        .response(&simulator.lock().clock.http_date()),
    }
}

async fn cut(scissors: &Scissors) -> Response<Body> {
    scissors.cut();
    std::future::pending().await
}

async fn perform(simulator: Simulator, request: Request) -> Outcome {
    let Some(route) = api::route(&request) else {
        let error = ApiError::not_found(format!(
            "Method not found: {} {}.",
            request.method, request.path
        ));
        let unknown = Route::new("unknown", &request.path, |_, _, _| {
            Err(ApiError::not_found(""))
        });
        let mut state = simulator.lock();
        log(&mut state, &request, &unknown, 404, None);
        let date = state.clock.http_date();
        return Outcome::Answer(Wire::new(Some(&request), Err(error)).response(&date));
    };
    let (hit, latency) = {
        let mut state = simulator.lock();
        (
            strike(&mut state, &request, &route),
            if route.is_metadata() {
                Duration::ZERO
            } else {
                state.latency
            },
        )
    };
    pause(latency / 2).await;
    if let Some(hit) = &hit {
        pause(Duration::from_millis(
            hit.fault.delay_milliseconds.unwrap_or(0),
        ))
        .await;
        if hit.fault.hang {
            log(&mut simulator.lock(), &request, &route, 0, Some(hit));
            return Outcome::Hang(hit.clone());
        }
        hold(&simulator, &route, hit, Phase::Before).await;
        if hit.fault.cut == Some(Phase::Before) {
            log(&mut simulator.lock(), &request, &route, 0, Some(hit));
            return Outcome::Cut;
        }
    }
    let mut wire = {
        let mut state = simulator.lock();
        let wire = Wire::new(
            Some(&request),
            act(&mut state, &request, &route, hit.as_ref()),
        );
        log(&mut state, &request, &route, wire.status, hit.as_ref());
        wire
    };
    if let Some(hit) = &hit {
        hold(&simulator, &route, hit, Phase::After).await;
        if hit.fault.cut == Some(Phase::After) {
            return Outcome::Cut;
        }
        if hit.fault.truncate {
            wire.truncate();
        }
    }
    pause(latency / 2).await;
    let date = simulator.lock().clock.http_date();
    Outcome::Answer(wire.response(&date))
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The fault for this call, if there is one.
fn strike(state: &mut State, request: &Request, route: &Route) -> Option<Hit> {
    let resource = state.canonical(&route.resource);
    let State {
        faults, policies, ..
    } = state;
    let changes_role = |role: &str| {
        if !route.method.ends_with(".setIamPolicy") {
            return false;
        }
        let sent = request.body["policy"]["bindings"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let before = policies
            .fields(&resource)
            .map(|fields| rules::holdings(bindings(fields)))
            .unwrap_or_default();
        let after = rules::holdings(sent);
        before
            .symmetric_difference(&after)
            .any(|(changed, _, _)| changed == role)
    };
    let target = Target {
        method: &route.method,
        resource: &resource,
        written: &route.resource,
    };
    faults.strike(target, changes_role)
}

async fn hold(simulator: &Simulator, route: &Route, hit: &Hit, phase: Phase) {
    if hit.fault.hold != Some(phase) {
        return;
    }
    let released = {
        let mut state = simulator.lock();
        let resource = state.canonical(&route.resource);
        state.held.add(&route.method, &resource, phase)
    };
    // An error means that the list of held calls is gone, and with it the simulator.
    let _ = released.await;
}

fn act(
    state: &mut State,
    request: &Request,
    route: &Route,
    hit: Option<&Hit>,
) -> Result<Answer, ApiError> {
    if let Some(fault) = hit.map(|hit| &hit.fault) {
        if let Some(status) = fault.status {
            let message = fault
                .message
                .clone()
                .unwrap_or_else(|| errors::default_message(status).to_owned());
            let error = ApiError::new(status, message);
            return Err(match fault.retry_after_seconds {
                Some(seconds) => error.retry_after(seconds),
                None => error,
            });
        }
        if fault.empty_answer {
            return Ok(Answer::Json(json!({})));
        }
    }
    (route.run)(state, request, &route.resource)
}

fn log(state: &mut State, request: &Request, route: &Route, status: u16, hit: Option<&Hit>) {
    let writes = route.method.ends_with(".setIamPolicy") || route.method.ends_with(".publish");
    let entry = Entry {
        seq: 0,
        time: state.clock.now_text(),
        method: route.method.clone(),
        resource: state.canonical(&route.resource),
        status,
        principal: request.principal.clone(),
        reason: request.reason.clone(),
        body: if writes {
            request.raw_body.clone()
        } else {
            Bytes::new()
        },
        fault: hit.map(|hit| hit.id.clone()),
    };
    state.log.push(entry);
}
