//! IAM v1: roles, grantable roles, and the linter's route.

use axum::http::Method;
use serde_json::Value;

use super::{Path, Route, lint};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::paging::page;
use crate::request::Request;
use crate::roles;
use crate::state::State;

pub fn route(method: &Method, path: &Path<'_>, _: &Request) -> Option<Route> {
    if path.version != "v1" {
        return None;
    }
    let (get, post) = (method == Method::GET, method == Method::POST);
    match (&path.segments[..], path.verb) {
        (["roles"], None) if get => Some(Route::new("roles.list", "", list)),
        (["roles", name], None) if get => {
            Some(Route::new("roles.get", format!("roles/{name}"), get_one))
        }
        ([collection @ ("projects" | "organizations"), id, "roles"], None) if get => {
            Some(Route::new(
                format!("{collection}.roles.list"),
                format!("{collection}/{id}"),
                list,
            ))
        }
        (
            [
                collection @ ("projects" | "organizations"),
                id,
                "roles",
                name,
            ],
            None,
        ) if get => Some(Route::new(
            format!("{collection}.roles.get"),
            format!("{collection}/{id}/roles/{name}"),
            get_one,
        )),
        (["roles"], Some("queryGrantableRoles")) if post => {
            Some(Route::new("roles.queryGrantableRoles", "", grantable))
        }
        (["iamPolicies"], Some("lintPolicy")) if post => {
            Some(Route::new("iamPolicies.lintPolicy", "", lint::run))
        }
        _ => None,
    }
}

fn get_one(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    if let Some((owner, _)) = name.split_once("/roles/") {
        state.permitted(request, owner, "iam.roles.get")?;
    }
    roles::find(&state.custom_roles, name)
        .map(|role| role.answer(true).into())
        .ok_or_else(|| ApiError::not_found(format!("The role named {name} was not found.")))
}

/// Whether a request wants the permissions too; `view` is a word or its number.
fn is_full(view: &Value) -> bool {
    view == "FULL" || view == 1 || view == "1"
}

fn list(state: &mut State, request: &Request, owner: &str) -> Result<Answer, ApiError> {
    let full = is_full(&Value::from(request.param("view")));
    let found: Vec<Value> = if owner.is_empty() {
        roles::predefined()
            .iter()
            .map(|role| role.answer(full))
            .collect()
    } else {
        let prefix = format!(
            "{}/roles/",
            state.permitted(request, owner, "iam.roles.list")?.name()
        );
        state
            .custom_roles
            .values()
            .filter(|role| role.name.starts_with(&prefix))
            .map(|role| role.answer(full))
            .collect()
    };
    Ok(page(request, found, "roles", 300, 1_000)?.into())
}

fn grantable(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let full_name = request.body["fullResourceName"]
        .as_str()
        .unwrap_or_default();
    let resource = state.hierarchy.find_full(full_name).ok_or_else(|| {
        ApiError::invalid(format!(
            "The full resource name {full_name} is unknown or not well-formed."
        ))
    })?;
    let full = is_full(&request.body["view"]);
    let all = roles::predefined()
        .into_iter()
        .chain(state.custom_roles.values().cloned());
    let found = all
        .filter(|role| {
            roles::is_grantable(&state.custom_roles, &state.hierarchy, resource, &role.name)
        })
        .map(|role| role.answer(full))
        .collect();
    // This method's size and token are in the body.
    let mut request = request.clone();
    for name in ["pageSize", "pageToken"] {
        match &request.body[name] {
            Value::Null => {}
            Value::String(text) => request.query.push((name.to_owned(), text.clone())),
            other => request.query.push((name.to_owned(), other.to_string())),
        }
    }
    Ok(page(&request, found, "roles", 300, 3_000)?.into())
}
