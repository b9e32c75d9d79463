use super::*;
use crate::grant::plan;
use crate::samples::{lookup_of, request, spec, valid};
use jit_access_crds::AccessRequestSpec;

const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";
const ADMIN: &str = "roles/compute.admin";
const VIEWER: &str = "roles/compute.viewer";

fn peer(condition: &str) -> String {
    format!("{PEER} && {condition}")
}

fn approval(author: &str) -> Decision {
    Decision {
        kind: DecisionKind::Approved,
        author: author.to_owned(),
        via: None,
        comment: None,
    }
}

/// What bob's approval of alice's request gives: the planned expressions of each role.
fn approved(
    roles: &[&str],
    alice: &[(&str, &str)],
    bob: &[(&str, &str)],
) -> Option<Vec<(String, String)>> {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let eligible = Eligible::find(
        "alice@example.com",
        "projects/web-prod",
        &roles,
        Kind::PeerApproval,
        &lookup_of("alice@example.com", alice),
    )
    .unwrap();
    let approver = lookup_of("bob@example.com", bob);
    let approved = Approved::by_peer(&eligible, &approval("bob@example.com"), &approver)?;
    assert_eq!(approved.reason(), ApprovedReason::PeerApproved);
    assert_eq!(approved.by(), "Approved by bob@example.com");
    let request = valid(&AccessRequestSpec { roles, ..spec() });
    let plan = plan(&request, approved.eligible()).unwrap();
    let bindings = plan.bindings.into_iter();
    Some(bindings.map(|it| (it.role, it.expression)).collect())
}

fn granted(expressions: &[&str]) -> Option<Vec<(String, String)>> {
    let each = expressions
        .iter()
        .map(|expression| (ADMIN.to_owned(), (*expression).to_owned()));
    Some(each.collect())
}

#[test]
fn a_peer_with_the_same_entitlement_approves() {
    let same = [(ADMIN, PEER)];
    assert_eq!(approved(&[ADMIN], &same, &same), granted(&[""]));
}

#[test]
fn attack_9_a_peer_for_another_role_or_for_some_of_the_roles_does_not() {
    let both = [(ADMIN, PEER), (VIEWER, PEER)];
    assert_eq!(approved(&[ADMIN], &both, &[(VIEWER, PEER)]), None);
    assert_eq!(approved(&[ADMIN, VIEWER], &both, &[(ADMIN, PEER)]), None);
    assert_eq!(approved(&[ADMIN], &both, &[]), None);
    assert!(approved(&[ADMIN, VIEWER], &both, &both).is_some());
}

#[test]
fn who_may_have_it_alone_is_no_peer_for_it() {
    assert_eq!(approved(&[ADMIN], &[(ADMIN, PEER)], &[(ADMIN, SELF)]), None);
}

#[test]
fn attack_12_granted_is_what_the_approver_covers() {
    let (a, b) = (peer("a"), peer("b"));
    let alice = [(ADMIN, a.as_str()), (ADMIN, b.as_str())];
    assert_eq!(
        approved(&[ADMIN], &alice, &[(ADMIN, PEER)]),
        granted(&["(a)", "(b)"])
    );
    assert_eq!(
        approved(&[ADMIN], &alice, &[(ADMIN, &b)]),
        granted(&["(b)"])
    );
    assert_eq!(approved(&[ADMIN], &alice, &[(ADMIN, &peer("c"))]), None);
    // All of it is more than who holds a part of it can approve.
    assert_eq!(approved(&[ADMIN], &[(ADMIN, PEER)], &[(ADMIN, &a)]), None);
    // The wide one makes the narrow one superfluous only where both are covered.
    let wide = [(ADMIN, PEER), (ADMIN, a.as_str())];
    assert_eq!(approved(&[ADMIN], &wide, &[(ADMIN, &a)]), granted(&["(a)"]));
    assert_eq!(approved(&[ADMIN], &wide, &[(ADMIN, PEER)]), granted(&[""]));
    // A condition of one's own kind of the other kind does not count.
    assert_eq!(
        approved(&[ADMIN], &[(ADMIN, a.as_str())], &[(ADMIN, SELF)]),
        None
    );
}

#[test]
fn attack_2_nobody_approves_their_own_request_nor_in_anothers_name() {
    let alice = lookup_of("alice@example.com", &[(ADMIN, PEER)]);
    let roles = [ADMIN.to_owned()];
    let eligible = Eligible::find(
        "alice@example.com",
        "projects/web-prod",
        &roles,
        Kind::PeerApproval,
        &alice,
    )
    .unwrap();
    let bob = lookup_of("bob@example.com", &[(ADMIN, PEER)]);
    assert!(Approved::by_peer(&eligible, &approval("bob@example.com"), &bob).is_some());
    assert!(Approved::by_peer(&eligible, &approval("alice@example.com"), &alice).is_none());
    assert!(Approved::by_peer(&eligible, &approval("bob@example.com"), &alice).is_none());
    assert!(Approved::by_peer(&eligible, &approval("carol@example.com"), &bob).is_none());
    let denial = Decision {
        kind: DecisionKind::Denied,
        ..approval("bob@example.com")
    };
    assert!(Approved::by_peer(&eligible, &denial, &bob).is_none());
    assert!(
        Approved::by_requester(eligible).is_none(),
        "a peer's role alone"
    );
}

fn eligible(alice: &[(&str, &str)]) -> Eligible {
    let roles = [ADMIN.to_owned()];
    let lookup = lookup_of("alice@example.com", alice);
    Eligible::find(
        "alice@example.com",
        "projects/web-prod",
        &roles,
        Kind::PeerApproval,
        &lookup,
    )
    .unwrap()
}

fn reviewer(email: &str, bindings: &[(&str, &str)]) -> Reviewer {
    Reviewer {
        email: email.to_owned(),
        lookup: Ok(lookup_of(email, bindings)),
    }
}

fn unknown(email: &str) -> Reviewer {
    Reviewer {
        email: email.to_owned(),
        lookup: Err("Google is away".to_owned()),
    }
}

const BOB: &str = "bob@example.com";
const CAROL: &str = "carol@example.com";
const DAVE: &str = "dave@example.com";

#[test]
fn one_approval_that_counts_suffices() {
    let reviewers = [
        reviewer(BOB, &[]),
        reviewer(CAROL, &[(ADMIN, PEER)]),
        unknown(DAVE),
    ];
    let all = [approval(BOB), approval(CAROL), approval(DAVE)];
    match weigh(&eligible(&[(ADMIN, PEER)]), &reviewers, &all) {
        Peers::Approved(approved) => assert_eq!(approved.by(), "Approved by carol@example.com"),
        other => panic!("{other:?}"),
    }
    // Whether Dave's counts is not known: nobody else is waited for.
    match weigh(&eligible(&[(ADMIN, PEER)]), &reviewers, &[approval(DAVE)]) {
        Peers::Unknown(why) => assert!(why.contains("Google is away"), "{why}"),
        other => panic!("{other:?}"),
    }
    for one in [approval(BOB), approval("mallory@example.com")] {
        match weigh(&eligible(&[(ADMIN, PEER)]), &reviewers, &[one]) {
            Peers::Awaited(awaited) => {
                assert_eq!(awaited.able, [CAROL]);
                assert_eq!(awaited.unable, [BOB]);
                assert_eq!(
                    awaited.unknown,
                    [(DAVE.to_owned(), "Google is away".to_owned())]
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn attack_10_who_cannot_be_looked_up_approves_nothing() {
    let alice = eligible(&[(ADMIN, PEER)]);
    let decisions = [approval(BOB), approval(DAVE)];
    match weigh(&alice, &[reviewer(BOB, &[]), unknown(DAVE)], &decisions) {
        Peers::Unknown(why) => assert!(why.contains(DAVE) && why.contains("Google is away")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        weigh(&alice, &[reviewer(BOB, &[])], &decisions),
        Peers::Nobody
    ));
    assert!(matches!(weigh(&alice, &[], &decisions), Peers::Nobody));
}

#[test]
fn the_plan_is_what_one_or_the_other_could_approve() {
    let (a, b, c) = (peer("a"), peer("b"), peer("c"));
    let alice = eligible(&[(ADMIN, &a), (ADMIN, &b), (ADMIN, &c)]);
    let reviewers = [
        reviewer(BOB, &[(ADMIN, &b)]),
        reviewer(CAROL, &[(ADMIN, &a)]),
    ];
    match weigh(&alice, &reviewers, &[]) {
        Peers::Awaited(awaited) => {
            let plan = plan(&valid(&spec()), &awaited.eligible).unwrap();
            let expressions: Vec<_> = plan.bindings.iter().map(|it| &*it.expression).collect();
            assert_eq!(expressions, ["(b)", "(a)"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_message_says_who_must_act_and_how() {
    let reviewers = [
        reviewer(BOB, &[(ADMIN, PEER)]),
        reviewer(CAROL, &[]),
        unknown(DAVE),
        reviewer("erin@example.com", &[(ADMIN, PEER)]),
    ];
    match weigh(&eligible(&[(ADMIN, PEER)]), &reviewers, &[]) {
        Peers::Awaited(awaited) => assert_eq!(
            awaited.message(&request(spec())),
            "waits for the approval of bob@example.com or erin@example.com; bob@example.com approves with: kubectl annotate areq web-1-disk -n jit-requests approved-by.jit-access.dev/7c9e6679-bob=\"bob@example.com: looks right\"; the others do so with their own address; carol@example.com could not approve this and was not told; dave@example.com could not be looked up: Google is away"
        ),
        other => panic!("{other:?}"),
    }
}
