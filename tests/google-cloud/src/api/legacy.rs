//! Resource Manager v1 (projects, organizations) and v2 (folders), as far as `gcloud` uses them.

use axum::http::Method;
use serde_json::{Value, json};

use super::resource_manager::glob;
use super::{Path, Route};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::hierarchy::{Kind, Resource};
use crate::paging::page;
use crate::request::Request;
use crate::state::State;

pub fn route(method: &Method, path: &Path<'_>, _: &Request) -> Option<Route> {
    let get = method == Method::GET;
    match (path.version, &path.segments[..], path.verb) {
        ("v1", ["projects"], None) if get => Some(Route::new("projects.list", "", list_projects)),
        ("v1", ["projects", id], None) if get => Some(Route::new(
            "projects.get",
            format!("projects/{id}"),
            get_one,
        )),
        ("v1", ["projects", id], Some("getAncestry")) if method == Method::POST => Some(
            Route::new("projects.getAncestry", format!("projects/{id}"), ancestry),
        ),
        ("v1", ["organizations", id], None) if get => Some(Route::new(
            "organizations.get",
            format!("organizations/{id}"),
            get_one,
        )),
        ("v1", ["organizations"], Some("search")) if method == Method::POST => {
            Some(Route::new("organizations.search", "", search_organizations))
        }
        ("v2", ["folders"], None) if get => Some(Route::new("folders.list", "", list_folders)),
        ("v2", ["folders", id], None) if get => {
            Some(Route::new("folders.get", format!("folders/{id}"), get_one))
        }
        _ => None,
    }
}

fn answer(resource: &Resource) -> Value {
    let parent = resource.parent.as_deref();
    match resource.kind {
        Kind::Project => {
            let mut project = json!({
                "projectNumber": resource.number,
                "projectId": resource.id,
                "lifecycleState": "ACTIVE",
                "name": resource.display_name,
                "createTime": resource.create_time,
            });
            if let Some((collection, id)) = parent.and_then(|parent| parent.split_once('/')) {
                project["parent"] = json!({"type": collection.trim_end_matches('s'), "id": id});
            }
            project
        }
        Kind::Folder => json!({
            "name": resource.name(),
            "parent": parent,
            "displayName": resource.display_name,
            "lifecycleState": "ACTIVE",
            "createTime": resource.create_time,
        }),
        Kind::Organization => json!({
            "name": resource.name(),
            "displayName": resource.display_name,
            "lifecycleState": "ACTIVE",
            "creationTime": resource.create_time,
        }),
    }
}

fn get_one(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    let collection = name.split('/').next().unwrap_or_default();
    Ok(
        answer(state.permitted(request, name, &format!("resourcemanager.{collection}.get"))?)
            .into(),
    )
}

fn ancestry(state: &mut State, request: &Request, name: &str) -> Result<Answer, ApiError> {
    state.permitted(request, name, "resourcemanager.projects.get")?;
    let line: Vec<Value> = state
        .hierarchy
        .ancestry(name)
        .iter()
        .map(
            |resource| json!({"resourceId": {"type": resource.kind.singular(), "id": resource.id}}),
        )
        .collect();
    Ok(json!({"ancestor": line}).into())
}

fn list_projects(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let filter = request.param("filter").unwrap_or_default();
    let wanted = |resource: &Resource| {
        filter
            .split_whitespace()
            .filter(|term| *term != "AND")
            .all(|term| match term.split_once([':', '=']) {
                Some(("lifecycleState", value)) => value.eq_ignore_ascii_case("ACTIVE"),
                Some(("id" | "projectId", value)) => glob(value, &resource.id),
                Some(("name", value)) => glob(value, &resource.display_name),
                Some(("parent.type", value)) => resource
                    .parent
                    .as_deref()
                    .is_some_and(|p| p.starts_with(&format!("{value}s/"))),
                Some(("parent.id", value)) => resource
                    .parent
                    .as_deref()
                    .is_some_and(|p| p.ends_with(&format!("/{value}"))),
                _ => false,
            })
    };
    let found = visible(state, request, Kind::Project, wanted);
    Ok(page(request, found, "projects", 500, 5_000)?.into())
}

fn list_folders(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let parent = request
        .param("parent")
        .ok_or_else(|| ApiError::invalid("The parent is required."))?;
    let found = visible(state, request, Kind::Folder, |resource| {
        resource.parent.as_ref() == Some(&parent)
    });
    Ok(page(request, found, "folders", 100, 300)?.into())
}

fn search_organizations(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let found = visible(state, request, Kind::Organization, |_| true);
    Ok(page(request, found, "organizations", 50, 50)?.into())
}

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
        .map(answer)
        .collect()
}
