//! Who could approve.

use super::*;

fn with_groups(policies: Vec<FoundPolicy>, groups: &[(&str, &[&str])]) -> Snapshot {
    let groups = groups.iter().map(|(group, people)| {
        let people = people.iter().map(|&email| email.to_owned()).collect();
        ((*group).to_owned(), Arc::new(people))
    });
    Snapshot::new(hierarchy(), policies, Titles::new(), groups.collect())
}

fn people(snapshot: &Snapshot, requester: &Person) -> Vec<String> {
    let reviewers = snapshot.reviewers(requester, "projects/web-prod", ADMIN, now());
    assert!(reviewers.unlisted_groups.is_empty(), "{reviewers:?}");
    reviewers.people.into_iter().collect()
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
