//! What a snapshot says, by core's rules.

mod eligible;
mod places;
mod reviewers;

use jiff::Timestamp;
use jit_access_core::eligibility::{Kind, Person};
use serde_json::{Value, json};

use super::*;

const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";
const VIEWER: &str = "roles/viewer";
const ADMIN: &str = "roles/admin";

fn now() -> Timestamp {
    "2026-11-23T20:00:00Z".parse().expect("a time")
}

fn resource(name: &str, display_name: &str, parent: &str) -> FoundResource {
    FoundResource {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        parent: (!parent.is_empty()).then(|| parent.to_owned()),
        ..FoundResource::default()
    }
}

fn binding(role: &str, members: &[&str], expression: &str) -> Value {
    titled(role, members, "", expression)
}

fn titled(role: &str, members: &[&str], title: &str, expression: &str) -> Value {
    json!({"role": role, "members": members, "condition": {"title": title, "expression": expression}})
}

fn policy(resource: &str, bindings: &[Value]) -> FoundPolicy {
    FoundPolicy {
        resource: resource.to_owned(),
        policy: serde_json::from_value(json!({"bindings": bindings})).expect("a policy"),
    }
}

/// An organization with two nested folders, two projects in them and one beside.
fn hierarchy() -> Vec<FoundResource> {
    vec![
        resource("projects/web-prod", "Web shop", "folders/2"),
        resource("projects/web-test", "Test of the web shop", "folders/2"),
        resource("folders/2", "Shops", "folders/1"),
        resource("folders/1", "Production", "organizations/1"),
        resource("projects/beside", "", "organizations/1"),
        resource("organizations/1", "example.com", ""),
    ]
}

fn snapshot(policies: Vec<FoundPolicy>) -> Snapshot {
    Snapshot::new(hierarchy(), policies, Titles::new(), Groups::new())
}

fn person(email: &str, groups: &[&str]) -> Person {
    Person::new(email, groups)
}

fn alice() -> Person {
    person("alice@example.com", &[])
}

fn found(snapshot: &Snapshot, person: &Person, text: &str) -> Vec<String> {
    let found = snapshot.find_at(person, text, 100, now());
    assert_eq!(found.more, 0);
    found.places.into_iter().map(|place| place.name).collect()
}

/// The roles that a person could ask for, each with where its binding stands.
fn entitled(snapshot: &Snapshot, person: &Person, resource: &str) -> Vec<(String, Kind, String)> {
    let lookup = snapshot
        .look_up(person, resource, now())
        .expect("a resource");
    let entitlements = lookup.entitlements().iter();
    entitlements
        .map(|it| (it.role.clone(), it.kind, it.resource.clone()))
        .collect()
}

#[test]
fn an_empty_catalogue_knows_nothing() {
    let empty = Snapshot::empty();
    assert_eq!(empty.size(), (0, 0));
    assert_eq!(empty.find(&alice(), "", 10), Found::default());
    assert_eq!(
        empty.reviewers(&alice(), "projects/web-prod", ADMIN, now()),
        Reviewers::default()
    );
    assert_eq!(empty.title(VIEWER), None);
}

#[tokio::test]
async fn a_catalogue_of_a_snapshot_stays_as_it_is() {
    let catalogue = Catalogue::of(snapshot(Vec::new()));
    catalogue.refresh().await.expect("nothing to do");
    assert_eq!(catalogue.current().size(), (6, 0));
    assert!(catalogue.freshness().read.is_some());
}
