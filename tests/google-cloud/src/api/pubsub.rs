//! Pub/Sub v1: topics are made, and messages published to them are kept.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Path, Route};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::request::Request;
use crate::state::State;

/// Messages that are kept of one topic.
const MOST_MESSAGES: usize = 10_000;

pub fn route(method: &Method, path: &Path<'_>, _: &Request) -> Option<Route> {
    let ("v1", ["projects", project, "topics", topic]) = (path.version, &path.segments[..]) else {
        return None;
    };
    let name = format!("projects/{project}/topics/{topic}");
    match path.verb {
        Some("publish") if method == Method::POST => {
            Some(Route::new("projects.topics.publish", name, publish))
        }
        None if method == Method::PUT => Some(Route::new("projects.topics.create", name, create)),
        None if method == Method::GET => Some(Route::new("projects.topics.get", name, get)),
        _ => None,
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format!(
        "Resource not found (resource={}).",
        name.rsplit('/').next().unwrap_or(name)
    ))
}

fn create(state: &mut State, _: &Request, name: &str) -> Result<Answer, ApiError> {
    if state.topics.contains_key(name) {
        return Err(ApiError::new(
            409,
            format!("Resource already exists in the project (resource={name})."),
        ));
    }
    state.topics.insert(name.to_owned(), Vec::new());
    Ok(json!({"name": name}).into())
}

fn get(state: &mut State, _: &Request, name: &str) -> Result<Answer, ApiError> {
    if state.topics.contains_key(name) {
        Ok(json!({"name": name}).into())
    } else {
        Err(missing(name))
    }
}

fn publish(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let now = state.clock.now_text();
    let topic = state.topics.get_mut(name).ok_or_else(|| missing(name))?;
    let messages = request.body["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| ApiError::invalid("The value for message_count is too small. You passed 0 in the request, but the minimum value is 1."))?;
    for message in messages {
        let data = message["data"].as_str().unwrap_or_default();
        let has_attributes = message["attributes"]
            .as_object()
            .is_some_and(|attributes| !attributes.is_empty());
        if STANDARD.decode(data).is_err() {
            return Err(ApiError::invalid(
                "Invalid value at 'messages[0].data' (TYPE_BYTES), Base64 decoding failed.",
            ));
        }
        if data.is_empty() && !has_attributes {
            return Err(ApiError::invalid(
                "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.",
            ));
        }
    }
    let mut ids = Vec::new();
    for message in messages {
        let id = (topic.len() + 1).to_string();
        let mut kept = message.clone();
        kept["messageId"] = json!(id);
        kept["publishTime"] = json!(now);
        topic.push(kept);
        ids.push(json!(id));
    }
    let surplus = topic.len().saturating_sub(MOST_MESSAGES);
    topic.drain(..surplus);
    Ok(json!({"messageIds": Value::Array(ids)}).into())
}
