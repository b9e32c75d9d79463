//! `getIamPolicy`, `setIamPolicy`, `testIamPermissions` of projects, folders and organizations, in the versions that
//! clients use: v3, v1 for projects and organizations, v2 for folders.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Path, Route, Run};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::hierarchy::Kind;
use crate::policy::{read, write};
use crate::request::Request;
use crate::state::State;

pub fn route(method: &Method, path: &Path<'_>, _: &Request) -> Option<Route> {
    let [collection, id] = path.segments[..] else {
        return None;
    };
    let kind = Kind::of_collection(collection)?;
    let served = match path.version {
        "v3" => true,
        "v2" => kind == Kind::Folder,
        "v1" => kind != Kind::Folder,
        _ => false,
    };
    if method != Method::POST || !served {
        return None;
    }
    let verb = path.verb?;
    let run: Run = match verb {
        "getIamPolicy" => get,
        "setIamPolicy" => set,
        "testIamPermissions" => test,
        _ => return None,
    };
    Some(Route::new(
        format!("{collection}.{verb}"),
        format!("{collection}/{id}"),
        run,
    ))
}

fn permission(name: &str, verb: &str) -> String {
    format!(
        "resourcemanager.{}.{verb}",
        name.split('/').next().unwrap_or_default()
    )
}

fn get(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let version = read::requested_version(&request.body)?;
    let resource = state
        .permitted(request, name, &permission(name, "getIamPolicy"))?
        .name();
    Ok(read::view(
        &state.policies.get(&resource),
        version,
        state.low_version_reads,
    )?
    .into())
}

fn set(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let resource = state.permitted(request, name, &permission(name, "setIamPolicy"))?;
    let name = resource.name();
    let fields = write::next(
        &request.body,
        &state.policies.get(&name),
        &state.around(resource),
    )?;
    let now = state.clock.now();
    Ok(state.policies.put(&name, fields, now).answer().into())
}

fn test(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let resource = state.hierarchy.find(name).ok_or_else(ApiError::denied)?;
    let mut held = Vec::new();
    for permission in request.body["permissions"].as_array().into_iter().flatten() {
        let permission = permission
            .as_str()
            .filter(|text| text.split('.').count() >= 3 && !text.contains('*'));
        let Some(permission) = permission else {
            return Err(ApiError::invalid(
                "Permission is not valid for this resource: it must be named service.resource.verb, without wildcards.",
            ));
        };
        if state.may(
            &request.principal,
            request.is_administrator(),
            resource,
            permission,
        ) {
            held.push(json!(permission));
        }
    }
    let answer = if held.is_empty() {
        json!({})
    } else {
        json!({"permissions": Value::Array(held)})
    };
    Ok(answer.into())
}
