//! Cloud Asset v1: searches over an index that may lag behind, and effective policies.

use axum::http::Method;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::asset_query::{self, Term};
use super::{Path, Route, Run};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::hierarchy::{Kind, Resource};
use crate::paging::page;
use crate::policy::{bindings, members_of, role};
use crate::request::Request;
use crate::roles;
use crate::state::State;

/// Names that one call for effective policies may have.
const MOST_NAMES: usize = 20;

pub fn route(method: &Method, path: &Path<'_>, _: &Request) -> Option<Route> {
    if path.version != "v1" || method != Method::GET {
        return None;
    }
    let (scope, name, run): ([&str; 2], &str, Run) = match (&path.segments[..], path.verb) {
        ([kind, id], Some("searchAllIamPolicies")) => {
            ([kind, id], "searchAllIamPolicies", search_policies)
        }
        ([kind, id], Some("searchAllResources")) => {
            ([kind, id], "searchAllResources", search_resources)
        }
        ([kind, id, "effectiveIamPolicies"], Some("batchGet")) => {
            ([kind, id], "effectiveIamPolicies.batchGet", batch_get)
        }
        _ => return None,
    };
    Kind::of_collection(scope[0])?;
    Some(Route::new(name, scope.join("/"), run))
}

/// What is searched: resources in scope, of the wanted types, that match the terms about resources.
struct Search<'a> {
    resources: Vec<&'a Resource>,
    terms: Vec<Term>,
}

const RESOURCE_FIELDS: [&str; 9] = [
    "assetType",
    "displayName",
    "folders",
    "name",
    "organization",
    "parentFullResourceName",
    "project",
    "resource",
    "state",
];
const POLICY_FIELDS: [&str; 4] = ["memberTypes", "policy", "policy.role.permissions", "roles"];

fn search<'a>(
    state: &'a State,
    request: &Request,
    scope: &str,
    fields: &[&str],
) -> Result<Search<'a>, ApiError> {
    if request.param("orderBy").is_some() {
        return Err(ApiError::new(
            501,
            "orderBy is not simulated: results are in the order of their names.",
        ));
    }
    let types = request
        .params("assetTypes")
        .iter()
        .map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|_| ApiError::invalid(format!("Invalid asset type: {pattern}.")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let terms = asset_query::parse(&request.param("query").unwrap_or_default())?;
    if let Some(field) = terms
        .iter()
        .filter_map(|term| term.field.as_deref())
        .find(|field| !fields.contains(field))
    {
        return Err(ApiError::invalid(format!(
            "Query syntax error: the field {field} cannot be searched."
        )));
    }
    let scope = state
        .permitted(
            request,
            scope,
            &format!("cloudasset.assets.{}", verb(request)),
        )?
        .name();
    let resources = state
        .hierarchy
        .all()
        .filter(|resource| {
            state
                .hierarchy
                .ancestry(&resource.name())
                .iter()
                .any(|above| above.name() == scope)
        })
        .filter(|resource| {
            types.is_empty()
                || types
                    .iter()
                    .any(|kind| kind.is_match(resource.kind.asset_type()))
        })
        .filter(|resource| {
            let texts = texts(state, resource);
            terms.iter().all(|term| match term.field.as_deref() {
                Some(field) if RESOURCE_FIELDS.contains(&field) => term.matches(
                    texts
                        .iter()
                        .filter(|(name, _)| *name == field)
                        .map(|(_, text)| text.as_str()),
                ),
                _ => true,
            })
        })
        .collect();
    Ok(Search { resources, terms })
}

fn verb(request: &Request) -> &str {
    request.path.rsplit(':').next().unwrap_or_default()
}

/// The searchable texts of a resource, by field.
fn texts(state: &State, resource: &Resource) -> Vec<(&'static str, String)> {
    let mut texts = vec![
        ("name", resource.full_name()),
        ("resource", resource.full_name()),
        ("displayName", resource.display_name.clone()),
        ("assetType", resource.kind.asset_type().to_owned()),
        ("state", "ACTIVE".to_owned()),
    ];
    for above in state.hierarchy.ancestry(&resource.name()) {
        let field = match above.kind {
            Kind::Project => "project",
            Kind::Folder => "folders",
            Kind::Organization => "organization",
        };
        texts.push((field, above.number_name()));
        texts.push((field, above.number.clone()));
    }
    if let Some(parent) = resource
        .parent
        .as_deref()
        .and_then(|parent| state.hierarchy.find(parent))
    {
        texts.push(("parentFullResourceName", parent.full_name()));
    }
    texts
}

/// Where a resource is, as every result of Cloud Asset says it.
fn place(state: &State, resource: &Resource) -> Map<String, Value> {
    let line = state.hierarchy.ancestry(&resource.name());
    let names = |kind: Kind| {
        line.iter()
            .filter(move |above| above.kind == kind)
            .map(|above| above.number_name())
    };
    let mut place = Map::new();
    if let Some(project) = names(Kind::Project).next() {
        place.insert("project".to_owned(), json!(project));
    }
    let folders: Vec<String> = names(Kind::Folder).collect();
    if !folders.is_empty() {
        place.insert("folders".to_owned(), json!(folders));
    }
    if let Some(organization) = names(Kind::Organization).next() {
        place.insert("organization".to_owned(), json!(organization));
    }
    place.insert("assetType".to_owned(), json!(resource.kind.asset_type()));
    place
}

fn search_policies(state: &mut State, request: &Request, scope: &str) -> Result<Answer, ApiError> {
    let fields = [&RESOURCE_FIELDS[..], &POLICY_FIELDS[..]].concat();
    let Search { resources, terms } = search(state, request, scope, &fields)?;
    let now = state.clock.now();
    let mut found = Vec::new();
    for resource in resources {
        let Some(policy) = state.policies.indexed(&resource.name(), now) else {
            continue;
        };
        let Some(matching) = matching_bindings(state, bindings(policy), &terms) else {
            continue;
        };
        let mut result = place(state, resource);
        result.insert("resource".to_owned(), json!(resource.full_name()));
        result.insert("policy".to_owned(), json!({"bindings": matching}));
        found.push(Value::Object(result));
    }
    Ok(page(request, found, "results", 100, 500)?.into())
}

/// The bindings that some term about policies matches; none unless every such term matches one. Free text is such a
/// term too.
fn matching_bindings<'a>(
    state: &State,
    all: &'a [Value],
    terms: &[Term],
) -> Option<Vec<&'a Value>> {
    let about_policies: Vec<&Term> = terms
        .iter()
        .filter(|term| {
            term.field
                .as_deref()
                .is_none_or(|field| POLICY_FIELDS.contains(&field))
        })
        .collect();
    let every_term_matches = about_policies.iter().all(|term| {
        all.iter()
            .any(|binding| binding_matches(state, binding, term))
    });
    let matching: Vec<&Value> = all
        .iter()
        .filter(|binding| {
            about_policies.is_empty()
                || about_policies
                    .iter()
                    .any(|term| binding_matches(state, binding, term))
        })
        .collect();
    (every_term_matches && !matching.is_empty()).then_some(matching)
}

fn binding_matches(state: &State, binding: &Value, term: &Term) -> bool {
    let condition = ["title", "description", "expression"]
        .into_iter()
        .filter_map(|field| binding["condition"][field].as_str());
    match term.field.as_deref() {
        Some("roles") => term.matches([role(binding)].into_iter()),
        Some("memberTypes") => term.matches(
            members_of(binding)
                .filter_map(|member| member.split_once(':'))
                .map(|(kind, _)| kind),
        ),
        Some("policy.role.permissions") => roles::find(&state.custom_roles, role(binding))
            .is_some_and(|role| term.matches(role.permissions.iter().map(String::as_str))),
        _ => term.matches(members_of(binding).chain([role(binding)]).chain(condition)),
    }
}

fn search_resources(state: &mut State, request: &Request, scope: &str) -> Result<Answer, ApiError> {
    let Search { resources, terms } = search(state, request, scope, &RESOURCE_FIELDS)?;
    let free = |resource: &&Resource| {
        let texts = texts(state, resource);
        terms
            .iter()
            .filter(|term| term.field.is_none())
            .all(|term| term.matches(texts.iter().map(|(_, text)| text.as_str())))
    };
    let found = resources
        .into_iter()
        .filter(free)
        .map(|resource| {
            let mut result = place(state, resource);
            result.insert("name".to_owned(), json!(resource.full_name()));
            result.insert("displayName".to_owned(), json!(resource.display_name));
            result.insert("state".to_owned(), json!("ACTIVE"));
            result.insert("location".to_owned(), json!("global"));
            result.insert("createTime".to_owned(), json!(resource.create_time));
            if resource.kind == Kind::Project {
                result.insert(
                    "additionalAttributes".to_owned(),
                    json!({"projectId": resource.id}),
                );
            }
            if let Some(parent) = resource
                .parent
                .as_deref()
                .and_then(|parent| state.hierarchy.find(parent))
            {
                result.insert(
                    "parentFullResourceName".to_owned(),
                    json!(parent.full_name()),
                );
                result.insert(
                    "parentAssetType".to_owned(),
                    json!(parent.kind.asset_type()),
                );
            }
            Value::Object(result)
        })
        .collect();
    Ok(page(request, found, "results", 100, 500)?.into())
}

fn batch_get(state: &mut State, request: &Request, scope: &str) -> Result<Answer, ApiError> {
    let names = request.params("names");
    if names.is_empty() || names.len() > MOST_NAMES {
        return Err(ApiError::invalid(format!(
            "The number of names must be between 1 and {MOST_NAMES}."
        )));
    }
    let scope = state
        .permitted(request, scope, "cloudasset.assets.searchAllIamPolicies")?
        .name();
    let now = state.clock.now();
    let mut results = Vec::new();
    for name in names {
        let resource = state
            .hierarchy
            .find_full(&name)
            .map(Resource::name)
            .unwrap_or_default();
        let line = state.hierarchy.ancestry(&resource);
        let Some(end) = line.iter().position(|above| above.name() == scope) else {
            return Err(ApiError::invalid(format!(
                "The resource {name} does not exist within the scope {scope}."
            )));
        };
        let policies: Vec<Value> = line[..=end]
            .iter()
            .filter_map(|above| {
                let all = bindings(state.policies.indexed(&above.name(), now)?);
                (!all.is_empty()).then(
                    || json!({"attachedResource": above.full_name(), "policy": {"bindings": all}}),
                )
            })
            .collect();
        let mut result = json!({"fullResourceName": name});
        if !policies.is_empty() {
            result["policies"] = Value::Array(policies);
        }
        results.push(result);
    }
    Ok(json!({"policyResults": results}).into())
}
