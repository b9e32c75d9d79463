//! Bindings of ours are added beside all that is there.

use super::*;

#[test]
fn attack_15_a_binding_of_its_own_beside_a_standing_one() {
    let before = [
        standing("roles/a", &["user:bob@example.com", ALICE]),
        json!({"role": "roles/a", "members": ["user:bob@example.com"], "condition": {
            "title": title(OTHER_UID), "expression": WINDOW}}),
    ];
    let mut policy = policy(json!(before));
    let added = policy.add(&[granted("roles/a", WINDOW)], true).unwrap();
    assert_eq!(
        added,
        Added {
            added: 1,
            replaced: 0,
            altered: 0
        }
    );
    assert_eq!(
        bindings(&policy),
        json!([before[0], before[1], ours("roles/a", &[ALICE], WINDOW)])
    );
    assert_eq!(
        (policy.version, policy.etag.as_deref()),
        (Some(3), Some("BwZg7ZfUfYQ="))
    );
}

#[test]
fn what_is_there_is_not_added_again() {
    let all = [
        granted("roles/a", WINDOW),
        granted("roles/a", "true"),
        granted("roles/b", WINDOW),
    ];
    let mut policy = policy(json!([]));
    assert_eq!(policy.add(&all, true).unwrap().added, 3);
    policy.version = Some(1);
    let before = policy.clone();
    let again = policy.add(&all, true).unwrap();
    assert!(!again.changed());
    assert_eq!(policy, before);
    // The same binding twice is one binding.
    assert!(
        !policy
            .add(&[all.clone(), all].concat(), true)
            .unwrap()
            .changed()
    );
}

#[test]
fn google_may_write_case_spaces_and_members_differently() {
    let rewritten = format!("({})", WINDOW.replace(" && ", "\n&&\n"));
    let mut policy = policy(json!([ours(
        "roles/a",
        &["user:carol@example.com", "user:Alice@Example.com"],
        &rewritten
    )]));
    assert!(
        !policy
            .add(&[granted("roles/a", WINDOW)], true)
            .unwrap()
            .changed()
    );
}

#[test]
fn one_of_ours_that_differs_is_replaced() {
    let longer = WINDOW.replace("20:30", "23:30");
    let mut described = ours("roles/a", &[ALICE], WINDOW);
    described["condition"]["description"] = json!("Approved by the-boss@example.com");
    for altered in [
        ours("roles/a", &[ALICE], &longer),
        ours("roles/a", &["deleted:user:alice@example.com?uid=1"], WINDOW),
        described,
    ] {
        let mut policy = policy(json!([standing("roles/z", &[ALICE]), altered]));
        let added = policy.add(&[granted("roles/a", WINDOW)], true).unwrap();
        assert_eq!(
            added,
            Added {
                added: 1,
                replaced: 1,
                altered: 0
            },
            "{altered}"
        );
        assert_eq!(
            bindings(&policy),
            json!([
                standing("roles/z", &[ALICE]),
                ours("roles/a", &[ALICE], WINDOW)
            ]),
            "{altered}"
        );
    }
}

#[test]
fn what_was_granted_and_more_is_cut_back_to_what_was_granted() {
    let mut policy = policy(json!([
        ours("roles/a", &[ALICE, "user:mallory@example.com"], "true"),
        ours("roles/a", &[ALICE], WINDOW),
        ours("roles/a", &[ALICE], WINDOW),
    ]));
    let added = policy.add(&[granted("roles/a", WINDOW)], true).unwrap();
    assert_eq!(
        added,
        Added {
            added: 0,
            replaced: 2,
            altered: 0
        }
    );
    assert_eq!(
        bindings(&policy),
        json!([
            ours("roles/a", &["user:mallory@example.com"], "true"),
            ours("roles/a", &[ALICE], WINDOW),
        ])
    );
}

#[test]
fn one_role_at_a_time_leaves_the_requests_other_roles_alone() {
    let mut policy = policy(json!([]));
    policy.add(&[granted("roles/a", WINDOW)], true).unwrap();
    policy.add(&[granted("roles/b", "true")], true).unwrap();
    let both = [
        ours("roles/a", &[ALICE], WINDOW),
        ours("roles/b", &[ALICE], "true"),
    ];
    assert_eq!(bindings(&policy), json!(both));
    assert_eq!(policy.remove_role(UID, ALICE, "roles/c"), []);
    assert_eq!(policy.remove_role(UID, ALICE, "roles/a").len(), 1);
    assert_eq!(bindings(&policy), json!([both[1]]));
}

#[test]
fn without_leave_to_replace_nothing_is_added_beside_an_altered_one() {
    let mut policy = policy(json!([ours("roles/a", &[ALICE], "true")]));
    let before = policy.clone();
    let added = policy.add(&[granted("roles/a", WINDOW)], false).unwrap();
    assert_eq!(
        added,
        Added {
            added: 0,
            replaced: 0,
            altered: 1
        }
    );
    assert!(!added.changed());
    assert_eq!(policy, before);
    // Another role or request in the same write is not held up.
    let all = [
        granted("roles/a", WINDOW),
        granted("roles/b", WINDOW),
        GrantBinding {
            title: title(OTHER_UID),
            ..granted("roles/a", WINDOW)
        },
    ];
    let added = policy.add(&all, false).unwrap();
    assert_eq!(
        added,
        Added {
            added: 2,
            replaced: 0,
            altered: 1
        }
    );
}

#[test]
fn what_could_not_be_found_again_is_not_added() {
    let mut policy = policy(json!([]));
    for odd in [
        GrantBinding {
            title: title(&UID.to_uppercase()),
            ..granted("roles/a", WINDOW)
        },
        GrantBinding {
            title: "JIT access activation".to_owned(),
            ..granted("roles/a", WINDOW)
        },
        GrantBinding {
            member: "alice@example.com".to_owned(),
            ..granted("roles/a", WINDOW)
        },
        GrantBinding {
            member: "group:ops@example.com".to_owned(),
            ..granted("roles/a", WINDOW)
        },
    ] {
        let refused = policy
            .add(&[granted("roles/b", WINDOW), odd], true)
            .unwrap_err();
        assert!(
            matches!(refused, AddRefused::NotRecognisable { .. }),
            "{refused}"
        );
        assert!(policy.entries.is_empty());
    }
}
