//! What is over is removed.

use super::*;

#[test]
fn the_whole_binding_when_its_end_is_over() {
    let shared = ours("roles/a", &[ALICE, "user:bob@example.com"], WINDOW);
    let mut policy = policy(json!([standing("roles/a", &[ALICE]), shared]));
    let before = policy.clone();
    assert_eq!(policy.remove_expired(at("2026-11-23T20:29:59.999Z")), []);
    assert_eq!(policy, before);

    let removed = policy.remove_expired(at("2026-11-23T20:30:00Z"));
    assert_eq!(
        removed,
        [Removed {
            uid: UID.to_owned(),
            role: "roles/a".to_owned(),
            members: vec![ALICE.to_owned(), "user:bob@example.com".to_owned()],
            expression: WINDOW.to_owned(),
        }]
    );
    assert_eq!(bindings(&policy), json!([standing("roles/a", &[ALICE])]));
}

#[test]
fn what_is_not_ours_or_has_no_end_that_can_be_read_stays() {
    let titled = |title: &str, expression: &str| {
        json!({"role": "roles/a", "members": [ALICE],
        "condition": {"title": title, "expression": expression}})
    };
    let mut policy = policy(json!([
        titled("JIT access activation", WINDOW),
        titled("until Monday", WINDOW),
        titled(&format!("{} ", title(UID)), WINDOW),
        titled(&title(&UID.to_uppercase()), WINDOW),
        titled(&title(UID), "true"),
        titled(&title(UID), &format!("({WINDOW}) || true")),
        titled(&title(UID), &format!("{WINDOW} &&")),
        {"role": 7, "condition": {"title": title(UID), "expression": WINDOW}},
        {"role": "roles/a", "members": [ALICE], "condition": {"expression": WINDOW}},
    ]));
    let before = policy.clone();
    assert_eq!(policy.remove_expired(at("2030-01-01T00:00:00Z")), []);
    assert_eq!(policy, before);
}
