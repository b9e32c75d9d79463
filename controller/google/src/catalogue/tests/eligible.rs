//! Whom a binding makes eligible.

use super::*;

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
