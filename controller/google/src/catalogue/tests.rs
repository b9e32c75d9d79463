//! What a snapshot says, by core's rules.

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

fn with_groups(policies: Vec<FoundPolicy>, groups: &[(&str, &[&str])]) -> Snapshot {
    let groups = groups.iter().map(|(group, people)| {
        let people = people.iter().map(|&email| email.to_owned()).collect();
        ((*group).to_owned(), Arc::new(people))
    });
    Snapshot::new(hierarchy(), policies, Titles::new(), groups.collect())
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

fn people(snapshot: &Snapshot, requester: &Person) -> Vec<String> {
    let reviewers = snapshot.reviewers(requester, "projects/web-prod", ADMIN, now());
    assert!(reviewers.unlisted_groups.is_empty(), "{reviewers:?}");
    reviewers.people.into_iter().collect()
}

#[test]
fn a_binding_counts_for_all_that_is_below_it() {
    let snapshot = snapshot(vec![
        policy(
            "folders/1",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        ),
        policy(
            "projects/web-prod",
            &[binding(ADMIN, &["user:alice@example.com"], PEER)],
        ),
    ]);
    assert_eq!(
        found(&snapshot, &alice(), ""),
        [
            "folders/1",
            "folders/2",
            "projects/web-prod",
            "projects/web-test"
        ]
    );
    assert_eq!(
        entitled(&snapshot, &alice(), "projects/web-prod"),
        [
            (
                ADMIN.to_owned(),
                Kind::PeerApproval,
                "projects/web-prod".to_owned()
            ),
            (
                VIEWER.to_owned(),
                Kind::SelfApproval,
                "folders/1".to_owned()
            ),
        ]
    );
    assert_eq!(entitled(&snapshot, &alice(), "projects/beside"), []);
    assert_eq!(
        found(&snapshot, &person("bob@example.com", &[]), ""),
        [""; 0]
    );
    assert_eq!(snapshot.size(), (6, 2));
    assert!(
        snapshot
            .look_up(&alice(), "projects/other", now())
            .is_none()
    );
}

#[test]
fn a_place_says_where_it_is_within_the_scope() {
    let mut resources = hierarchy();
    resources.push(resource("projects/far", "Far", "folders/99"));
    let snapshot = Snapshot::new(
        resources,
        vec![policy(
            "projects/unlisted",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        )],
        Titles::new(),
        Groups::new(),
    );
    let place = |name| snapshot.place(name).expect("a place");
    assert_eq!(
        place("projects/web-prod"),
        Place {
            name: "projects/web-prod".to_owned(),
            display_name: "Web shop".to_owned(),
            path: ["example.com", "Production", "Shops"]
                .map(str::to_owned)
                .into(),
        }
    );
    assert_eq!(place("projects/beside").display_name, "beside");
    assert_eq!(place("projects/far").path, [""; 0]);
    // The search for resources is a little behind.
    assert_eq!(place("projects/unlisted").display_name, "unlisted");
    assert_eq!(found(&snapshot, &alice(), "unl"), ["projects/unlisted"]);
    assert_eq!(snapshot.place("folders/99"), None);
}

#[test]
fn groups_and_people_are_known_in_any_case() {
    let snapshot = snapshot(vec![policy(
        "projects/web-prod",
        &[
            binding(VIEWER, &["group:Ops@Example.com"], SELF),
            binding(ADMIN, &["user:Alice@EXAMPLE.com"], "HAS({}.x) || true"),
            binding(
                "roles/a",
                &["user:Alice@EXAMPLE.com"],
                "has({}.JITACCESSCONSTRAINT)",
            ),
            binding(
                "roles/b",
                &[
                    "deleted:user:alice@example.com?uid=1",
                    "serviceAccount:alice@example.com",
                    "domain:example.com",
                ],
                SELF,
            ),
        ],
    )]);
    assert_eq!(found(&snapshot, &alice(), ""), ["projects/web-prod"]);
    let roles = |person: &Person| {
        entitled(&snapshot, person, "projects/web-prod")
            .into_iter()
            .map(|(role, _, _)| role)
            .collect::<Vec<_>>()
    };
    assert_eq!(roles(&alice()), ["roles/a"]);
    let bob = person("bob@example.com", &["OPS@example.com"]);
    assert_eq!(roles(&bob), [VIEWER]);
    assert_eq!(found(&snapshot, &bob, ""), ["projects/web-prod"]);
}

#[test]
fn grants_and_what_is_over_make_nobody_eligible() {
    let alice_member = &["user:alice@example.com"];
    let over = format!("{SELF} && request.time < timestamp(\"2026-11-23T20:00:00Z\")");
    let lasting = format!("{SELF} && request.time < timestamp(\"2026-11-23T20:00:01Z\")");
    let bindings = |last: &str| {
        vec![policy(
            "projects/web-prod",
            &[
                titled(
                    VIEWER,
                    alice_member,
                    "jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae7",
                    SELF,
                ),
                titled(VIEWER, alice_member, "JIT access activation", SELF),
                binding(
                    VIEWER,
                    alice_member,
                    "resource.name == \"jitAccessConstraint\"",
                ),
                json!({"role": ADMIN, "members": alice_member}),
                binding(VIEWER, alice_member, last),
            ],
        )]
    };
    let snapshot_of = |last| snapshot(bindings(last));
    let none = snapshot_of(&over);
    assert_eq!(found(&none, &alice(), ""), [""; 0]);
    assert_eq!(entitled(&none, &alice(), "projects/web-prod"), []);
    let some = snapshot_of(&lasting);
    assert_eq!(found(&some, &alice(), ""), ["projects/web-prod"]);
    assert_eq!(entitled(&some, &alice(), "projects/web-prod").len(), 1);
}

#[test]
fn a_marker_that_counts_for_nothing_opens_nothing_and_is_told() {
    let snapshot = snapshot(vec![policy(
        "projects/web-prod",
        &[
            binding(VIEWER, &["user:alice@example.com"], &format!("{SELF} || a")),
            binding(VIEWER, &["user:alice@example.com"], &format!("{SELF} && (")),
        ],
    )]);
    assert_eq!(found(&snapshot, &alice(), ""), [""; 0]);
    assert_eq!(snapshot.size(), (6, 0));
    let lookup = snapshot
        .look_up(&alice(), "projects/web-prod", now())
        .expect("a resource");
    assert_eq!(lookup.near_misses().len(), 2);
}

#[test]
fn what_begins_with_the_text_comes_first() {
    let everywhere = policy(
        "organizations/1",
        &[binding(VIEWER, &["user:alice@example.com"], SELF)],
    );
    let mut resources = hierarchy();
    resources.push(resource("projects/a-web", "Österreich", "organizations/1"));
    let snapshot = Snapshot::new(resources, vec![everywhere], Titles::new(), Groups::new());
    assert_eq!(
        found(&snapshot, &alice(), " WEB "),
        ["projects/web-prod", "projects/web-test", "projects/a-web"]
    );
    assert_eq!(found(&snapshot, &alice(), "öSTER"), ["projects/a-web"]);
    assert_eq!(
        found(&snapshot, &alice(), "projects/web-p"),
        ["projects/web-prod"]
    );
    assert_eq!(
        found(&snapshot, &alice(), "shop"),
        ["folders/2", "projects/web-prod", "projects/web-test"]
    );
    let few = snapshot.find_at(&alice(), "", 2, now());
    assert_eq!((few.places.len(), few.more), (2, 5));
    let none = snapshot.find_at(&alice(), "web", 0, now());
    assert_eq!((none.places.len(), none.more), (0, 3));
}

#[test]
fn a_project_may_be_named_by_its_number_and_one_that_is_deleted_is_none() {
    let mut resources = hierarchy();
    resources[0].number = Some("projects/123".to_owned());
    resources[1].is_deleted = true;
    let members = &["user:alice@example.com"];
    let snapshot = Snapshot::new(
        resources,
        vec![
            policy("projects/123", &[binding(VIEWER, members, SELF)]),
            policy("projects/web-test", &[binding(VIEWER, members, SELF)]),
        ],
        Titles::new(),
        Groups::new(),
    );
    assert_eq!(found(&snapshot, &alice(), ""), ["projects/web-prod"]);
    assert_eq!(snapshot.size(), (5, 1));
}

#[test]
fn parents_in_a_circle_end() {
    let snapshot = Snapshot::new(
        vec![
            resource("folders/1", "", "folders/2"),
            resource("folders/2", "", "folders/1"),
            resource("projects/web-prod", "", "projects/web-prod"),
        ],
        vec![policy(
            "folders/1",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        )],
        Titles::new(),
        Groups::new(),
    );
    assert!(found(&snapshot, &alice(), "").contains(&"folders/1".to_owned()));
    assert!(snapshot.place("projects/web-prod").is_some());
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

#[test]
fn reviewers_are_peers_whose_entitlement_covers_the_requesters() {
    let zone_b = format!("{PEER} && resource.name.startsWith(\"b\")");
    let same_zone = format!("resource.name.startsWith('b') && {PEER}");
    let zone_c = format!("{PEER} && resource.name.startsWith(\"c\")");
    let snapshot = snapshot(vec![
        policy(
            "projects/web-prod",
            &[
                binding(ADMIN, &["user:alice@example.com"], &zone_b),
                binding(ADMIN, &["user:Bob@example.com"], &same_zone),
                binding(ADMIN, &["user:carol@example.com"], &zone_c),
                binding(ADMIN, &["user:dave@example.com"], SELF),
                binding(VIEWER, &["user:erin@example.com"], PEER),
                binding(ADMIN, &["user:x@web.iam.gserviceaccount.com"], PEER),
            ],
        ),
        policy(
            "organizations/1",
            &[binding(ADMIN, &["user:frank@example.com"], PEER)],
        ),
        policy(
            "projects/beside",
            &[binding(ADMIN, &["user:grace@example.com"], PEER)],
        ),
    ]);
    // Frank has no condition, Bob an equal one.
    assert_eq!(
        people(&snapshot, &alice()),
        ["bob@example.com", "frank@example.com"]
    );
    // Nobody has Frank's whole.
    assert_eq!(
        people(&snapshot, &person("frank@example.com", &[])),
        [""; 0]
    );
    // Dave may not ask with a peer, Erin not for this role.
    for requester in ["dave@example.com", "erin@example.com", "nobody@example.com"] {
        assert_eq!(people(&snapshot, &person(requester, &[])), [""; 0]);
    }
}

#[test]
fn members_of_groups_are_reviewers_and_the_requester_never_is() {
    let policies = || {
        vec![policy(
            "folders/2",
            &[binding(
                ADMIN,
                &["group:SRE@example.com", "user:alice@example.com"],
                PEER,
            )],
        )]
    };
    let sre = &["alice@example.com", "bob@example.com", "carol@example.com"];
    let listed = with_groups(policies(), &[("sre@example.com", sre)]);
    assert_eq!(
        people(&listed, &alice()),
        ["bob@example.com", "carol@example.com"]
    );
    let bob = person("bob@example.com", &["sre@example.com"]);
    assert_eq!(
        people(&listed, &bob),
        ["alice@example.com", "carol@example.com"]
    );

    let unlisted = with_groups(policies(), &[]);
    let reviewers = unlisted.reviewers(&bob, "projects/web-prod", ADMIN, now());
    assert_eq!(reviewers.people, ["alice@example.com".to_owned()].into());
    assert_eq!(
        reviewers.unlisted_groups,
        ["sre@example.com".to_owned()].into()
    );
    assert_eq!(
        unlisted.peer_groups(),
        ["sre@example.com".to_owned()].into()
    );
}

#[test]
fn a_group_whose_members_could_not_approve_is_not_named() {
    let other = format!("{PEER} && resource.name.startsWith(\"c\")");
    let snapshot = snapshot(vec![policy(
        "projects/web-prod",
        &[
            binding(ADMIN, &["user:alice@example.com"], PEER),
            binding(ADMIN, &["group:others@example.com"], &other),
        ],
    )]);
    assert_eq!(people(&snapshot, &alice()), [""; 0]);
}

#[test]
fn a_reviewers_end_that_is_over_counts_no_more() {
    let until = format!("{PEER} && request.time < timestamp(\"2026-11-23T21:00:00Z\")");
    let snapshot = snapshot(vec![policy(
        "projects/web-prod",
        &[
            binding(ADMIN, &["user:alice@example.com"], PEER),
            binding(ADMIN, &["user:bob@example.com"], &until),
        ],
    )]);
    assert_eq!(people(&snapshot, &alice()), ["bob@example.com"]);
    let later: Timestamp = "2026-11-23T21:00:00Z".parse().expect("a time");
    let reviewers = snapshot.reviewers(&alice(), "projects/web-prod", ADMIN, later);
    assert_eq!(reviewers, Reviewers::default());
}

#[tokio::test]
async fn a_catalogue_of_a_snapshot_stays_as_it_is() {
    let catalogue = Catalogue::of(snapshot(Vec::new()));
    catalogue.refresh().await.expect("nothing to do");
    assert_eq!(catalogue.current().size(), (6, 0));
    assert!(catalogue.freshness().read.is_some());
}
