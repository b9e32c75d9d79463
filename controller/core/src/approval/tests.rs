use super::*;
use crate::grant::plan;
use crate::samples::{lookup_of, spec, valid};
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
