//! Cloud Identity v1: groups and memberships.

use axum::http::Method;
use serde_json::{Value, json};

use super::group_query::GroupQuery;
use super::{Path, Route, Run};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::groups::{Relation, email_of};
use crate::paging::{fnv1a, page};
use crate::request::Request;
use crate::state::State;

/// The label of every Google group.
const LABEL: &str = "cloudidentity.googleapis.com/groups.discussion_forum";

pub fn route(method: &Method, path: &Path<'_>, request: &Request) -> Option<Route> {
    if path.version != "v1" || method != Method::GET {
        return None;
    }
    let account = || {
        let query = request.param("query").unwrap_or_default();
        GroupQuery::parse(&query)
            .ok()
            .and_then(|query| query.member)
            .unwrap_or_default()
    };
    match (&path.segments[..], path.verb) {
        (["groups"], Some("lookup")) => Some(Route::new(
            "groups.lookup",
            request
                .param("groupKey.id")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            lookup,
        )),
        (["groups", id, "memberships"], None) => Some(Route::new(
            "groups.memberships.list",
            format!("groups/{id}"),
            list,
        )),
        (["groups", _, "memberships"], Some("searchTransitiveMemberships")) => Some(Route::new(
            "groups.memberships.searchTransitiveMemberships",
            format!("groups/{}", path.segments[1]),
            transitive_memberships,
        )),
        (["groups", _, "memberships"], Some(verb)) => {
            let run: Run = match verb {
                "searchDirectGroups" => direct_groups,
                "searchTransitiveGroups" => transitive_groups,
                "checkTransitiveMembership" => check_transitive,
                _ => return None,
            };
            Some(Route::new(
                format!("groups.memberships.{verb}"),
                account(),
                run,
            ))
        }
        _ => None,
    }
}

/// The opaque id that Cloud Identity gives a group.
fn group_name(email: &str) -> String {
    format!("groups/0{:014x}", fnv1a(email.as_bytes()) >> 8)
}

fn membership_name(group: &str, member: &str) -> String {
    format!(
        "{}/memberships/{}",
        group_name(group),
        fnv1a(member.as_bytes())
    )
}

fn labels() -> Value {
    json!({LABEL: ""})
}

/// The e-mail of the group that the path names.
fn group_in_path(state: &State, request: &Request) -> Result<String, ApiError> {
    let id = request.path.split('/').nth(3).unwrap_or_default();
    let name = format!("groups/{id}");
    state
        .groups
        .emails()
        .find(|email| group_name(email) == name)
        .cloned()
        .ok_or_else(missing)
}

/// A group that does not exist and one that may not be seen are answered alike.
fn missing() -> ApiError {
    ApiError::new(
        403,
        "Error(2028): Permission denied for resource (or it may not exist).",
    )
}

/// The transitive methods exist in premium editions only.
fn premium(state: &State) -> Result<(), ApiError> {
    if state.basic_edition {
        return Err(ApiError::new(
            403,
            "Error(3005): Permission denied: this feature requires a Google Workspace Enterprise Standard, Enterprise \
             Plus, Enterprise for Education or Cloud Identity Premium account.",
        ));
    }
    Ok(())
}

/// The member whose e-mail a query names, with its prefix; none where no such account or group exists.
fn member(state: &State, request: &Request) -> Result<(GroupQuery, Option<String>), ApiError> {
    let query = GroupQuery::parse(&request.param("query").unwrap_or_default())?;
    let email = query
        .member
        .clone()
        .ok_or_else(|| ApiError::invalid("Error(4003): The query must name a member_key_id."))?;
    let user = format!("user:{email}");
    let account = format!("serviceAccount:{email}");
    let found = if state.groups.exists(&email) {
        Some(format!("group:{email}"))
    } else if state.accounts.contains(&user) {
        Some(user)
    } else {
        state.accounts.contains(&account).then_some(account)
    };
    Ok((query, found))
}

fn direct_groups(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let (_, member) = member(state, request)?;
    // Google answers 500 for an account that it does not know.
    let member = member.ok_or_else(|| ApiError::new(500, "Internal error encountered."))?;
    let found = state
        .groups
        .direct_groups(&member)
        .iter()
        .map(|group| {
            json!({
                "membership": membership_name(group, &member),
                "group": group_name(group),
                "groupKey": {"id": group},
                "displayName": email_local(group),
                "roles": [{"name": "MEMBER"}],
                "labels": labels(),
            })
        })
        .collect();
    Ok(page(request, found, "memberships", 200, 1_000)?.into())
}

fn transitive_groups(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    premium(state)?;
    let (query, member) = member(state, request)?;
    if query.labels.is_empty() {
        return Err(ApiError::invalid(format!(
            "Error(4003): The query must contain a label, for example '{LABEL}' in labels."
        )));
    }
    if query.labels.iter().any(|label| label != LABEL) {
        return Ok(json!({}).into());
    }
    let found = member
        .map(|member| state.groups.transitive_groups(&member))
        .unwrap_or_default()
        .iter()
        .map(|(group, relation)| {
            json!({
                "group": group_name(group),
                "groupKey": {"id": group},
                "displayName": email_local(group),
                "relationType": relation.word(),
                "roles": [{"role": "MEMBER"}],
                "labels": labels(),
            })
        })
        .collect();
    Ok(page(request, found, "memberships", 200, 1_000)?.into())
}

fn check_transitive(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    premium(state)?;
    let group = group_in_path(state, request)?;
    let (_, member) = member(state, request)?;
    let is_member = member.is_some_and(|member| {
        state
            .groups
            .transitive_members(&group)
            .contains_key(&member)
    });
    Ok(json!({"hasMembership": is_member}).into())
}

fn lookup(state: &mut State, _: &Request, email: &str) -> Result<Answer, ApiError> {
    if state.groups.exists(email) {
        Ok(json!({"name": group_name(email)}).into())
    } else {
        Err(missing())
    }
}

fn list(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let group = group_in_path(state, request)?;
    let full = matches!(request.param("view").as_deref(), Some("FULL" | "2"));
    let found = state
        .groups
        .direct_members(&group)
        .map(|member| {
            let mut membership = json!({"name": membership_name(&group, member), "preferredMemberKey": {"id": email_of(member)}});
            if full {
                membership["roles"] = json!([{"name": "MEMBER"}]);
                membership["type"] = json!(member_type(member));
            }
            membership
        })
        .collect();
    Ok(page(
        request,
        found,
        "memberships",
        200,
        if full { 500 } else { 1_000 },
    )?
    .into())
}

fn transitive_memberships(
    state: &mut State,
    request: &Request,
    _: &str,
) -> Result<Answer, ApiError> {
    premium(state)?;
    let group = group_in_path(state, request)?;
    let found = state
        .groups
        .transitive_members(&group)
        .iter()
        .map(|(member, relation)| relation_of(member, *relation))
        .collect();
    Ok(page(request, found, "memberships", 200, 1_000)?.into())
}

fn relation_of(member: &str, relation: Relation) -> Value {
    let email = email_of(member);
    let name = if member.starts_with("group:") {
        group_name(email)
    } else {
        format!("users/{}", fnv1a(email.as_bytes()))
    };
    json!({
        "member": name,
        "preferredMemberKey": [{"id": email}],
        "relationType": relation.word(),
        "roles": [{"role": "MEMBER"}],
    })
}

fn member_type(member: &str) -> &'static str {
    match member.split_once(':') {
        Some(("group", _)) => "GROUP",
        Some(("serviceAccount", _)) => "SERVICE_ACCOUNT",
        _ => "USER",
    }
}

fn email_local(email: &str) -> &str {
    email.split_once('@').map_or(email, |(local, _)| local)
}
