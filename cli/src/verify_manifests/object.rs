//! One AccessRequest in a file: its fields, and what whoever applies it may not bring.

use jiff::{SignedDuration, Timestamp};
use jit_access_core::limits::{JustificationPattern, Limits};
use jit_access_core::request::ValidRequest;
use jit_access_core::resource::ResourceName;
use jit_access_crds::{AccessRequest, crd};
use serde_json::Value;

use super::{Expected, Problem, annotations, decisions, has_decisions, steering};

/// The fields that a manifest brings; the API server and the controller write the others.
const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// The object's name with its namespace, and what is wrong with it.
pub fn problems(document: &Value, expected: &Expected) -> (String, Vec<Problem>) {
    let metadata = &document["metadata"];
    let namespace = metadata["namespace"].as_str();
    let namespace = namespace.or(expected.namespace.as_deref());
    let name = match (metadata["name"].as_str(), namespace) {
        (Some(name), Some(namespace)) => format!("{namespace}/{name}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => String::new(),
    };
    let mut problems = Vec::new();
    if name.is_empty() {
        problems.push(Problem::new(
            "metadata.name",
            "must be given, so that an agent finds the object again",
        ));
    }
    if let (Some(found), Some(wanted)) = (namespace, &expected.namespace)
        && found != wanted
    {
        problems.push(Problem::new(
            "metadata.namespace",
            format!("is {found}, but all of these are for {wanted}"),
        ));
    }
    if document["apiVersion"] != "jit-access.dev/v1alpha1" {
        problems.push(Problem::new(
            "apiVersion",
            "must be jit-access.dev/v1alpha1",
        ));
    }
    problems.extend(foreign("", document, &FIELDS));
    problems.extend(foreign("metadata.", metadata, &METADATA));
    problems.extend(unknown_fields(&document["spec"]));
    match serde_json::from_value::<AccessRequest>(document.clone()) {
        Ok(request) => problems.extend(of_request(&request, expected)),
        Err(why) => problems.push(Problem::new("", format!("is no AccessRequest: {why}"))),
    }
    (name, problems)
}

/// Fields that are not a manifest's: a finalizer, an owner, a status, or a misspelt one, which the
/// API server drops.
fn foreign(prefix: &str, object: &Value, known: &[&str]) -> Vec<Problem> {
    let fields = object
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    fields
        .filter(|field| !known.contains(&field.as_str()))
        .map(|field| {
            Problem::new(
                format!("{prefix}{field}"),
                format!(
                    "does not belong in a manifest, which has {}",
                    known.join(", ")
                ),
            )
        })
        .collect()
}

/// The API server drops a field that it does not know: a misspelt `reviewers` asks for self-approval.
fn unknown_fields(spec: &Value) -> Vec<Problem> {
    let definition = crd();
    let known = definition
        .spec
        .versions
        .first()
        .and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref())
        .and_then(|root| root.properties.as_ref()?.get("spec")?.properties.as_ref());
    let fields = spec.as_object().into_iter().flat_map(|spec| spec.keys());
    fields
        .filter(|field| known.is_none_or(|known| !known.contains_key(*field)))
        .map(|field| Problem::new(format!("spec.{field}"), "is no field of an AccessRequest"))
        .collect()
}

fn of_request(request: &AccessRequest, expected: &Expected) -> Vec<Problem> {
    let mut problems = Vec::new();
    // What an installation allows is known there only: the rules that hold in each are checked here.
    match every_installation() {
        Ok(limits) => {
            if let Err(refusal) = ValidRequest::check(&request.spec, Timestamp::now(), &limits) {
                problems.push(match refusal.message.split_once(": ") {
                    Some((field, why)) => Problem::new(field, why),
                    None => Problem::new("spec", refusal.message),
                });
            }
        }
        Err(why) => problems.push(Problem::new("spec", why)),
    }
    let agent = annotations::agent(request, expected);
    let agent = agent.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    problems.extend(annotations::problems(request));
    problems.extend(steering::problems(request));
    problems.extend(decisions::problems(request, agent.as_deref()));
    if let Some(why) = must_be_over(request, agent.is_some()) {
        problems.push(Problem::new("spec.startTime", why));
    }
    problems
}

/// What an agent applies and needs nobody's approval any more has a start: applied again months
/// later it is over. A person who applies a manifest without one asks for something now.
fn must_be_over(request: &AccessRequest, by_agent: bool) -> Option<&'static str> {
    if request.spec.start_time.is_some() {
        None
    } else if has_decisions(request) {
        Some(
            "must be given where decisions stand in the manifest: applied again later, it would be granted again",
        )
    } else if by_agent && request.spec.reviewers.is_none() {
        Some(
            "must be given where an agent applies what nobody needs to approve: applied again later, it would be granted again",
        )
    } else {
        None
    }
}

/// The widest limits.
fn every_installation() -> Result<Limits, String> {
    let longest = SignedDuration::from_hours(24 * 365 * 100);
    Ok(Limits {
        scope: ResourceName::parse("organizations/1")?,
        min_duration: SignedDuration::ZERO,
        max_duration: longest,
        default_duration: SignedDuration::from_hours(1),
        approval_timeout: longest,
        max_schedule: longest,
        max_roles: 10,
        max_open: usize::MAX,
        max_hourly: usize::MAX,
        justification_pattern: JustificationPattern::parse(".*")?,
        justification_hint: String::new(),
        retention: longest,
    })
}
