//! Only what is ours is removed.

use super::*;

#[test]
fn attack_15_only_our_member_and_only_under_our_exact_title() {
    let upper = title(&UID.to_uppercase());
    let kept = json!([
        standing("roles/a", &[ALICE]),
        {"role": "roles/a", "members": [ALICE], "condition": {"title": title(OTHER_UID), "expression": WINDOW}},
        {"role": "roles/a", "members": [ALICE], "condition": {"title": format!("{} ", title(UID)), "expression": WINDOW}},
        {"role": "roles/a", "members": [ALICE], "condition": {"title": upper, "expression": WINDOW}},
        {"role": "roles/a", "members": [ALICE], "condition": {"title": "JIT access activation", "expression": WINDOW}},
        ours("roles/a", &["user:bob@example.com", "group:alice@example.com"], WINDOW),
    ]);
    let mut policy = policy(kept.clone());
    let before = policy.clone();
    assert_eq!(policy.remove(UID, ALICE), []);
    assert_eq!(policy, before, "not even the version");

    policy.add(&[granted("roles/a", WINDOW)], true).unwrap();
    let removed = policy.remove(UID, ALICE);
    assert_eq!(removed.len(), 1);
    assert_eq!(
        (removed[0].uid.as_str(), removed[0].role.as_str()),
        (UID, "roles/a")
    );
    assert_eq!(bindings(&policy), kept);
}

#[test]
fn every_binding_of_the_request_altered_or_not() {
    let mut policy = policy(json!([
        ours("roles/a", &[ALICE], WINDOW),
        ours("roles/owner", &["user:Alice@EXAMPLE.com", ALICE], "true"),
        ours(
            "roles/b",
            &["deleted:user:alice@example.com?uid=123456"],
            WINDOW
        ),
        ours("roles/c", &["user:bob@example.com", ALICE], "no end"),
    ]));
    assert_eq!(policy.remove(UID, ALICE).len(), 4);
    assert_eq!(
        bindings(&policy),
        json!([ours("roles/c", &["user:bob@example.com"], "no end")])
    );
    assert_eq!(policy.version, Some(3));
}

#[test]
fn nothing_is_taken_for_a_uid_or_a_member_that_is_none() {
    let mut policy = policy(json!([
        {"role": "roles/a", "members": [ALICE, "user:"], "condition": {"title": "jit-access ", "expression": "true"}},
        ours("roles/a", &["group:ops@example.com"], WINDOW),
    ]));
    let before = policy.clone();
    assert_eq!(policy.remove("", ALICE), []);
    assert_eq!(policy.remove(UID, "group:ops@example.com"), []);
    assert_eq!(policy.remove(UID, "user:"), []);
    assert_eq!(policy, before);
}
