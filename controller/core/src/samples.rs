//! Requests and look-ups for the unit tests of this crate.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use jit_access_crds::{AccessRequest, AccessRequestSpec, AccessState, FINALIZER, GrantStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::decision::{Judged, Known, judge};
use crate::eligibility::{Attached, Lookup, Person, look_up};
use crate::iam_condition::Readings;
use crate::iam_policy::Policy;
use crate::limits::{JustificationPattern, Limits};
use crate::request::{Refusal, ValidRequest};
use crate::resource::ResourceName;
use crate::status::{Report, compose};

pub(crate) const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub(crate) const CREATED: &str = "2026-11-23T20:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many seconds after the request was created.
pub(crate) fn after(seconds: i64) -> Timestamp {
    at(CREATED) + SignedDuration::from_secs(seconds)
}

pub(crate) fn limits() -> Limits {
    Limits {
        scope: ResourceName::parse("organizations/1").unwrap(),
        min_duration: SignedDuration::from_mins(1),
        max_duration: SignedDuration::from_hours(2),
        default_duration: SignedDuration::from_hours(1),
        approval_timeout: SignedDuration::from_hours(1),
        max_schedule: SignedDuration::from_hours(168),
        max_roles: 10,
        max_open: 10,
        max_hourly: 30,
        justification_pattern: JustificationPattern::parse(".*").unwrap(),
        justification_hint: String::new(),
        retention: SignedDuration::from_hours(720),
    }
}

pub(crate) fn spec() -> AccessRequestSpec {
    AccessRequestSpec {
        requester: "alice@example.com".to_owned(),
        resource: "projects/web-prod".to_owned(),
        roles: vec!["roles/compute.admin".to_owned()],
        justification: "INC-4711: disk full on web-1".to_owned(),
        duration: Some("30m".to_owned()),
        reviewers: None,
        start_time: None,
        condition: None,
    }
}

pub(crate) fn request(spec: AccessRequestSpec) -> AccessRequest {
    let mut request = AccessRequest::new("web-1-disk", spec);
    request.metadata.namespace = Some("jit-requests".to_owned());
    request.metadata.uid = Some(UID.to_owned());
    request.metadata.generation = Some(1);
    request.metadata.creation_timestamp = Some(Time(at(CREATED)));
    request
}

/// The request after a report that was made so many seconds after its creation.
pub(crate) fn reported(mut request: AccessRequest, report: &Report, seconds: i64) -> AccessRequest {
    request.status = Some(compose(&request, report, after(seconds)));
    request
}

pub(crate) fn in_state(state: AccessState, seconds: i64) -> AccessRequest {
    reported(request(spec()), &Report::new(state, "so it is"), seconds)
}

pub(crate) fn with_finalizer(mut request: AccessRequest) -> AccessRequest {
    request.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    request
}

/// With a window from so many to so many seconds after the creation.
pub(crate) fn with_window(mut request: AccessRequest, from: i64, to: i64) -> AccessRequest {
    let grant = GrantStatus {
        start_time: crate::request::format_time(after(from)),
        expire_time: crate::request::format_time(after(to)),
        bindings: Vec::new(),
    };
    request.status.get_or_insert_default().grant = Some(grant);
    request
}

pub(crate) fn valid(spec: &AccessRequestSpec) -> ValidRequest {
    ValidRequest::check(spec, at(CREATED), &limits()).unwrap()
}

/// What alice may ask for on the project when its policy has these bindings: role and condition.
pub(crate) fn lookup(bindings: &[(&str, &str)]) -> Lookup {
    lookup_of("alice@example.com", bindings)
}

/// As [`lookup`], of another person.
pub(crate) fn lookup_of(person: &str, bindings: &[(&str, &str)]) -> Lookup {
    let bindings: Vec<_> = bindings
        .iter()
        .map(|(role, expression)| {
            json!({
                "role": role,
                "members": [format!("user:{person}")],
                "condition": {"title": "eligible", "expression": expression},
            })
        })
        .collect();
    let policy: Policy =
        serde_json::from_value(json!({"version": 3, "bindings": bindings})).unwrap();
    let person = Person {
        email: person.to_owned(),
        groups: BTreeSet::new(),
    };
    let chain = [Attached {
        resource: "projects/web-prod",
        policy: &policy,
    }];
    look_up(&person, &chain, at(CREATED), &mut Readings::default())
}

/// What becomes of a request of alice's that names no reviewer.
pub(crate) fn judged_alone(request: &ValidRequest, requester: &Lookup) -> Result<Judged, Refusal> {
    let known = Known {
        requester,
        reviewers: &[],
    };
    judge(request, known, &[])
}
