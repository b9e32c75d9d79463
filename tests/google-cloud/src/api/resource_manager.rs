//! Resource Manager v3: get, list and search.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Path, Route};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::hierarchy::{Kind, Resource};
use crate::paging::page;
use crate::request::Request;
use crate::state::State;

pub fn route(method: &Method, path: &Path<'_>, request: &Request) -> Option<Route> {
    if path.version != "v3" || method != Method::GET {
        return None;
    }
    match (&path.segments[..], path.verb) {
        ([collection, id], None) => {
            Kind::of_collection(collection)?;
            Some(Route::new(
                format!("{collection}.get"),
                format!("{collection}/{id}"),
                get,
            ))
        }
        (["projects"], None) => Some(Route::new(
            "projects.list",
            request.param("parent").unwrap_or_default(),
            list,
        )),
        (["projects"], Some("search")) => Some(Route::new("projects.search", "", search_projects)),
        (["organizations"], Some("search")) => {
            Some(Route::new("organizations.search", "", search_organizations))
        }
        _ => None,
    }
}

fn answer(resource: &Resource, parent: Option<String>) -> Value {
    let mut answer = json!({
        "name": resource.number_name(),
        "displayName": resource.display_name,
        "state": "ACTIVE",
        "createTime": resource.create_time,
        "updateTime": resource.create_time,
        "etag": "W/\"1f2e3d4c5b6a7988\"",
    });
    match resource.kind {
        Kind::Project => answer["projectId"] = json!(resource.id),
        Kind::Organization => {
            answer["directoryCustomerId"] = json!(format!("C{}", resource.number));
        }
        Kind::Folder => {}
    }
    if let Some(parent) = parent {
        answer["parent"] = json!(parent);
    }
    answer
}

fn get(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let collection = name.split('/').next().unwrap_or_default();
    let resource = state.permitted(request, name, &format!("resourcemanager.{collection}.get"))?;
    Ok(answer(resource, resource.parent.clone()).into())
}

fn list(state: &mut State, request: &Request, parent: &str) -> Result<Answer, ApiError> {
    let above = state
        .hierarchy
        .find(parent)
        .filter(|above| above.kind != Kind::Project);
    let Some(above) = above else {
        return Err(ApiError::invalid(
            "The parent must be folders/NUMBER or organizations/NUMBER.",
        ));
    };
    let collection = above.kind.collection();
    if !state.may(
        &request.principal,
        request.is_administrator(),
        above,
        &format!("resourcemanager.{collection}.get"),
    ) && !state.may(
        &request.principal,
        request.is_administrator(),
        above,
        "resourcemanager.projects.list",
    ) {
        return Err(ApiError::denied());
    }
    let above = above.name();
    let found = visible(state, request, Kind::Project, |resource| {
        resource.parent.as_ref() == Some(&above)
    });
    Ok(page(request, found, "projects", 100, 500)?.into())
}

fn search_projects(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let terms = terms(&request.param("query").unwrap_or_default())?;
    let found = visible(state, request, Kind::Project, |resource| {
        terms
            .iter()
            .all(|(field, value)| matches(resource, field, value))
    });
    Ok(page(request, found, "projects", 500, 500)?.into())
}

fn search_organizations(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let terms = terms(&request.param("query").unwrap_or_default())?;
    let found = visible(state, request, Kind::Organization, |resource| {
        terms.iter().all(|(field, value)| match field.as_str() {
            "domain" => glob(value, &resource.display_name),
            field => matches(resource, field, value),
        })
    });
    Ok(page(request, found, "organizations", 50, 50)?.into())
}

/// What the caller may see, as v3 answers it.
fn visible(
    state: &State,
    request: &Request,
    kind: Kind,
    wanted: impl Fn(&Resource) -> bool,
) -> Vec<Value> {
    let permission = format!("resourcemanager.{}.get", kind.collection());
    state
        .hierarchy
        .all()
        .filter(|resource| resource.kind == kind && wanted(resource))
        .filter(|resource| {
            state.may(
                &request.principal,
                request.is_administrator(),
                resource,
                &permission,
            )
        })
        .map(|resource| answer(resource, resource.parent.clone()))
        .collect()
}

/// `field:value` and `field=value` terms, all of which must match.
fn terms(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    query
        .split_whitespace()
        .filter(|term| *term != "AND")
        .map(|term| {
            term.split_once([':', '='])
                .map(|(field, value)| (field.to_owned(), value.trim_matches('"').to_owned()))
                .ok_or_else(|| {
                    ApiError::invalid(format!("Invalid query term {term}: a term is field:value."))
                })
        })
        .collect()
}

fn matches(resource: &Resource, field: &str, value: &str) -> bool {
    match field {
        "id" | "projectId" | "name" => {
            glob(value, &resource.id) || glob(value, &resource.number_name())
        }
        "displayName" => glob(value, &resource.display_name),
        "parent" => resource
            .parent
            .as_deref()
            .is_some_and(|parent| glob(value, parent)),
        "state" | "lifecycleState" => value.eq_ignore_ascii_case("ACTIVE"),
        _ => false,
    }
}

/// Equality without regard to case; a `*` at the end stands for anything.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}
