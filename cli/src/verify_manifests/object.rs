//! One AccessRequest in a file: its fields, and what an agent that applies it may not bring.

use jiff::{SignedDuration, Timestamp};
use jit_access_core::limits::{JustificationPattern, Limits};
use jit_access_core::request::ValidRequest;
use jit_access_core::resource::ResourceName;
use jit_access_crds::{AccessRequest, crd};
use kube::ResourceExt;
use serde_json::Value;

use super::decisions;

/// The object's name, and a sentence for each fault.
pub fn faults(document: &Value) -> (Option<String>, Vec<String>) {
    let metadata = &document["metadata"];
    let name = metadata["name"]
        .as_str()
        .map(|name| match metadata["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        });
    let mut faults = Vec::new();
    if name.is_none() {
        faults.push(
            "metadata.name must be given, so that an agent finds the object again".to_owned(),
        );
    }
    if document["apiVersion"] != "jit-access.dev/v1alpha1" {
        faults.push("apiVersion must be jit-access.dev/v1alpha1".to_owned());
    }
    faults.extend(unknown_fields(&document["spec"]));
    match serde_json::from_value::<AccessRequest>(document.clone()) {
        Ok(request) => faults.extend(of_request(&request)),
        Err(why) => faults.push(format!("is no AccessRequest: {why}")),
    }
    (name, faults)
}

/// The API server drops a field that it does not know: a misspelt `reviewers` asks for self-approval.
fn unknown_fields(spec: &Value) -> Vec<String> {
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
        .map(|field| format!("spec.{field} is no field of an AccessRequest"))
        .collect()
}

fn of_request(request: &AccessRequest) -> Vec<String> {
    let mut faults = Vec::new();
    // What an installation allows is known there only: the rules that hold in each are checked here.
    match every_installation() {
        Ok(limits) => {
            if let Err(refusal) = ValidRequest::check(&request.spec, Timestamp::now(), &limits) {
                faults.push(refusal.message);
            }
        }
        Err(why) => faults.push(why),
    }
    if !request.finalizers().is_empty() {
        faults.push("metadata.finalizers are the controller's: leave them out".to_owned());
    }
    if !request.owner_references().is_empty() {
        faults.push("metadata.ownerReferences are not allowed: leave them out".to_owned());
    }
    if request.status.is_some() {
        faults.push("status is written by the controller alone: leave it out".to_owned());
    }
    faults.extend(decisions::faults(request));
    faults
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
