//! What a refusal says.

use super::*;

#[test]
fn says_what_could_be_asked_for_here() {
    let mut all: Vec<Value> = (0..13)
        .map(|number| binding(&format!("roles/r{number:02}"), ALICE, SELF))
        .collect();
    all.push(binding("roles/peer", ALICE, PEER));
    all.push(binding("roles/peer", ALICE, &format!("{PEER} && a")));
    all.push(binding("roles/r00", ALICE, &format!("{SELF} && a")));
    let refused = find(&["roles/a"], Kind::SelfApproval, &look_up_on(json!(all))).unwrap_err();
    assert_eq!(
        refused.message,
        "No binding on projects/web-prod or above it makes alice@example.com eligible for roles/a. \
         alice@example.com could ask here without reviewers for roles/r00, roles/r01, roles/r02, roles/r03, roles/r04, \
         roles/r05, roles/r06, roles/r07, roles/r08, roles/r09 and 3 more; with reviewers for roles/peer."
    );
    assert_eq!(refused.to_string(), refused.message);
}

#[test]
fn says_when_there_is_nothing_to_ask_for() {
    let refused = find(&["roles/a"], Kind::SelfApproval, &look_up_on(json!([]))).unwrap_err();
    assert!(
        refused
            .message
            .contains("no role that alice@example.com could ask for here")
            && refused.message.contains("has({}.jitAccessConstraint)"),
        "{refused}"
    );
}

#[test]
fn says_which_marker_did_not_match_for_the_person_and_the_role() {
    let hint = |role: &str, member: &str| {
        let lookup = look_up_on(json!([binding(role, member, &format!("{SELF} || a"))]));
        assert_eq!(lookup.findings().len(), 1);
        find(&["roles/a"], Kind::SelfApproval, &lookup)
            .unwrap_err()
            .message
            .contains("Not counted:")
    };
    assert!(hint("roles/a", ALICE));
    assert!(hint("roles/a", "group:ops@example.com"));
    assert!(!hint("roles/a", "user:bob@example.com"));
    assert!(!hint("roles/b", ALICE));
}

#[test]
fn attack_17_stays_short_and_clean_whatever_the_policy_holds() {
    let hostile = format!("roles/\u{202e}\n{}", "x".repeat(100_000));
    let mut all: Vec<Value> = (0..50)
        .map(|number| binding(&format!("{hostile}{number}"), ALICE, SELF))
        .collect();
    all.extend((0..50).map(|_| {
        json!({"role": "roles/a", "members": [ALICE],
        "condition": {"title": hostile, "expression": format!("{SELF} || a")}})
    }));
    let refused = find(&["roles/a"], Kind::SelfApproval, &look_up_on(json!(all))).unwrap_err();
    assert!(refused.message.len() < 4_000, "{}", refused.message.len());
    assert!(!refused.message.contains(['\n', '\u{202e}']), "{refused}");
}
