//! What a person may ask for, by the policies of a resource and its ancestors.

mod eligible;
mod not_eligible;
mod refusal;
mod worth_a_binding;

use serde_json::{Value, json};

use super::*;
use crate::iam_condition::Readings;
use crate::iam_policy::title;

const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";
const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const ALICE: &str = "user:alice@example.com";
const PROJECT: &str = "projects/web-prod";
const NOW: &str = "2026-11-23T20:00:00Z";

/// Alice is in `ops`, which is in `all-ops`.
fn alice() -> Person {
    Person::new(
        "alice@example.com",
        ["ops@example.com", "All-Ops@example.com"],
    )
}

fn binding(role: &str, member: &str, expression: &str) -> Value {
    json!({"role": role, "members": [member], "condition": {"title": "jit", "expression": expression}})
}

fn titled(title: &str, expression: &str) -> Value {
    json!({"role": "roles/a", "members": [ALICE], "condition": {"title": title, "expression": expression}})
}

fn standing(role: &str, member: &str) -> Value {
    json!({"role": role, "members": [member]})
}

/// What Alice may ask for on the project, in a folder, in an organization.
fn look_up_in(project: Value, folder: Value, organization: Value) -> Lookup {
    let policies = [project, folder, organization]
        .map(|bindings| serde_json::from_value::<Policy>(json!({"bindings": bindings})).unwrap());
    let attached: Vec<_> = [PROJECT, "folders/2", "organizations/1"]
        .into_iter()
        .zip(&policies)
        .map(|(resource, policy)| Attached { resource, policy })
        .collect();
    look_up(
        &alice(),
        &attached,
        NOW.parse().unwrap(),
        &mut Readings::default(),
    )
}

fn look_up_on(bindings: Value) -> Lookup {
    look_up_in(bindings, json!([]), json!([]))
}

fn find(roles: &[&str], kind: Kind, lookup: &Lookup) -> Result<Eligible, Ineligible> {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    Eligible::find("alice@example.com", PROJECT, &roles, kind, lookup)
}

/// The only entitlement, which must be enough to ask for its role.
#[track_caller]
fn only(lookup: &Lookup) -> &Entitlement {
    let [entitlement] = lookup.entitlements() else {
        panic!("{lookup:?}")
    };
    let eligible = find(&[&entitlement.role], entitlement.kind, lookup).unwrap();
    let roles: Vec<_> = eligible.roles().collect();
    assert_eq!(
        roles,
        [(entitlement.role.as_str(), std::slice::from_ref(entitlement))]
    );
    entitlement
}

/// No entitlement at all, and so no way to ask; gives the findings.
#[track_caller]
fn none(lookup: &Lookup) -> &[Finding] {
    assert_eq!(lookup.entitlements(), [], "{lookup:?}");
    for kind in [Kind::SelfApproval, Kind::PeerApproval] {
        let refused = find(&["roles/a"], kind, lookup).unwrap_err();
        assert_eq!(
            refused.refused,
            [("roles/a".to_owned(), Reason::NotEntitled)]
        );
    }
    lookup.findings()
}

#[track_caller]
fn text(entitlement: &Entitlement) -> Option<&str> {
    entitlement.resource_condition.as_ref().map(Term::text)
}
