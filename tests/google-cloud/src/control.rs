//! The control API below `/control/`, with which tests and the demo arrange the world and look at it.

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::access::{self, Granting, Wanted};
use crate::clock::Clock;
use crate::faults::Fault;
use crate::iap::assertion::Mint;
use crate::server::Simulator;
use crate::world::World;

/// A refusal: status and sentence.
type Refusal = (StatusCode, Json<Value>);
type Answered = Result<Json<Value>, Refusal>;

fn refuse(status: StatusCode, sentence: impl Into<String>) -> Refusal {
    (status, Json(json!({"error": sentence.into()})))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let bytes: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(bytes).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            format!("the body cannot be read: {error}"),
        )
    })
}

/// The control API's routes.
pub fn router() -> Router<Simulator> {
    Router::new()
        .route("/health", get(async || Json(json!({"status": "ok"}))))
        .route("/world", put(put_world).post(post_world))
        .route("/policy", get(get_policy).put(put_policy))
        .route("/clock", get(get_clock).put(put_clock))
        .route("/latency", put(put_latency))
        .route("/index", put(put_index))
        .route("/faults", post(post_fault).delete(delete_faults))
        .route("/faults/{id}", delete(delete_fault))
        .route("/held", get(get_held))
        .route("/release", post(release))
        .route("/log", get(get_log).delete(delete_log))
        .route("/check", post(check))
        .route("/messages", get(get_messages))
        .route("/iap/assertion", post(post_assertion))
        .route("/iap/rotate", post(post_rotate))
        .route("/iap/upstream", post(post_upstream))
        .fallback(async || {
            refuse(
                StatusCode::NOT_FOUND,
                "the control API has no such path; README.md lists them",
            )
        })
}

async fn put_world(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let world: World = read(&body)?;
    simulator
        .lock()
        .replace_world(&world)
        .map_err(|sentence| refuse(StatusCode::BAD_REQUEST, sentence))?;
    Ok(Json(json!({})))
}

async fn post_world(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let world: World = read(&body)?;
    simulator
        .lock()
        .merge_world(&world)
        .map_err(|sentence| refuse(StatusCode::BAD_REQUEST, sentence))?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Named {
    resource: String,
}

fn missing(resource: &str) -> Refusal {
    refuse(
        StatusCode::NOT_FOUND,
        format!("there is no {resource}: add it to the world first"),
    )
}

async fn get_policy(Shared(simulator): Shared<Simulator>, Query(named): Query<Named>) -> Answered {
    let state = simulator.lock();
    let name = state
        .hierarchy
        .find(&named.resource)
        .ok_or_else(|| missing(&named.resource))?
        .name();
    Ok(Json(state.policies.get(&name).answer()))
}

async fn put_policy(
    Shared(simulator): Shared<Simulator>,
    Query(named): Query<Named>,
    body: Bytes,
) -> Answered {
    let fields: Map<String, Value> = read(&body)?;
    let mut state = simulator.lock();
    let name = state
        .hierarchy
        .find(&named.resource)
        .ok_or_else(|| missing(&named.resource))?
        .name();
    let now = state.clock.now();
    Ok(Json(state.policies.put(&name, fields, now).answer()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Offset {
    offset_seconds: i64,
}

fn clock_answer(clock: Clock) -> Json<Value> {
    Json(json!({"offsetSeconds": clock.offset_seconds, "now": clock.now_text()}))
}

async fn get_clock(Shared(simulator): Shared<Simulator>) -> Json<Value> {
    clock_answer(simulator.lock().clock)
}

async fn put_clock(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let offset: Offset = read(&body)?;
    if Timestamp::now()
        .checked_add(SignedDuration::from_secs(offset.offset_seconds))
        .is_err()
    {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "offsetSeconds leads out of the years that can be told",
        ));
    }
    let clock = Clock {
        offset_seconds: offset.offset_seconds,
    };
    simulator.lock().clock = clock;
    Ok(clock_answer(clock))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    milliseconds: u64,
}

async fn put_latency(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let latency: Latency = read(&body)?;
    simulator.lock().latency = std::time::Duration::from_millis(latency.milliseconds);
    Ok(Json(json!({"milliseconds": latency.milliseconds})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Lag {
    lag_seconds: u32,
}

async fn put_index(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let lag: Lag = read(&body)?;
    simulator.lock().policies.index_lag = SignedDuration::from_secs(i64::from(lag.lag_seconds));
    Ok(Json(json!({"lagSeconds": lag.lag_seconds})))
}

async fn post_fault(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let fault: Fault = read(&body)?;
    let id = simulator
        .lock()
        .faults
        .add(fault)
        .map_err(|sentence| refuse(StatusCode::BAD_REQUEST, sentence))?;
    Ok(Json(json!({"id": id})))
}

async fn delete_faults(Shared(simulator): Shared<Simulator>) -> Json<Value> {
    Json(json!({"removed": simulator.lock().faults.remove(None)}))
}

/// A fault that is used up is gone already: not an error.
async fn delete_fault(Shared(simulator): Shared<Simulator>, Path(id): Path<String>) -> Json<Value> {
    Json(json!({"removed": simulator.lock().faults.remove(Some(&id))}))
}

async fn get_held(Shared(simulator): Shared<Simulator>) -> Json<Value> {
    Json(simulator.lock().held.answer())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    id: Option<String>,
}

async fn release(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let which: Release = read(&body)?;
    Ok(Json(
        json!({"released": simulator.lock().held.release(which.id.as_deref())}),
    ))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn get_log(Shared(simulator): Shared<Simulator>, Query(query): Query<After>) -> Json<Value> {
    Json(simulator.lock().log.after(query.after))
}

async fn delete_log(Shared(simulator): Shared<Simulator>) -> Json<Value> {
    simulator.lock().log.clear();
    Json(json!({}))
}

#[derive(Deserialize)]
struct OfTopic {
    topic: String,
}

async fn get_messages(
    Shared(simulator): Shared<Simulator>,
    Query(query): Query<OfTopic>,
) -> Answered {
    let state = simulator.lock();
    let messages = state
        .topics
        .get(&query.topic)
        .ok_or_else(|| missing(&query.topic))?;
    Ok(Json(json!({"messages": messages})))
}

/// A question about access. The attributes default to those of the resource itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Check {
    principal: String,
    resource: String,
    role: Option<String>,
    permission: Option<String>,
    time: Option<Timestamp>,
    resource_name: Option<String>,
    resource_type: Option<String>,
    resource_service: Option<String>,
}

async fn check(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let check: Check = read(&body)?;
    let wanted = match (&check.role, &check.permission) {
        (Some(role), None) => Wanted::Role(role),
        (None, Some(permission)) => Wanted::Permission(permission),
        _ => {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "a check needs either a role or a permission",
            ));
        }
    };
    let state = simulator.lock();
    let resource = state
        .hierarchy
        .find(&check.resource)
        .ok_or_else(|| missing(&check.resource))?;
    let mut attributes =
        access::attributes_of(resource, check.time.unwrap_or_else(|| state.clock.now()));
    if let Some(name) = check.resource_name {
        if let Some((kind, service)) = access::type_and_service(&name) {
            attributes.kind = kind.to_owned();
            attributes.service = service.to_owned();
        }
        attributes.name = name;
    }
    attributes.kind = check.resource_type.unwrap_or(attributes.kind);
    attributes.service = check.resource_service.unwrap_or(attributes.service);
    let by = access::granting(
        &state,
        &check.principal,
        &resource.name(),
        wanted,
        &attributes,
    );
    let by: Vec<Value> = by.iter().map(Granting::answer).collect();
    Ok(Json(json!({"granted": !by.is_empty(), "by": by})))
}

async fn post_assertion(
    Shared(simulator): Shared<Simulator>,
    body: Bytes,
) -> Result<String, Refusal> {
    let mint: Mint = read(&body)?;
    mint.sign(&simulator.lock())
        .map_err(|sentence| refuse(StatusCode::INTERNAL_SERVER_ERROR, sentence))
}

async fn post_rotate(Shared(simulator): Shared<Simulator>) -> Answered {
    let mut state = simulator.lock();
    state
        .iap
        .keys
        .rotate()
        .map_err(|sentence| refuse(StatusCode::INTERNAL_SERVER_ERROR, sentence))?;
    Ok(Json(state.iap.keys.list()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upstream {
    upstream: String,
}

async fn post_upstream(Shared(simulator): Shared<Simulator>, body: Bytes) -> Answered {
    let named: Upstream = read(&body)?;
    if !named.upstream.starts_with("http://") {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "upstream must be http://HOST:PORT",
        ));
    }
    simulator.lock().iap.upstream = Some(named.upstream);
    Ok(Json(json!({})))
}
