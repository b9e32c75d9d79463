use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER_UID: &str = "0b0e1a5c-0000-4000-8000-000000000001";
const ALICE: &str = "user:alice@example.com";
const WINDOW: &str = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;

fn policy(bindings: Value) -> Policy {
    Policy {
        version: Some(1),
        etag: Some("BwZg7ZfUfYQ=".to_owned()),
        entries: serde_json::from_value(bindings).unwrap(),
        ..Policy::default()
    }
}

fn bindings(policy: &Policy) -> Value {
    serde_json::to_value(&policy.entries).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn granted(role: &str, expression: &str) -> GrantBinding {
    GrantBinding {
        resource: "projects/web-prod".to_owned(),
        role: role.to_owned(),
        member: ALICE.to_owned(),
        title: title(UID),
        description: "Self-approved, justification: test".to_owned(),
        expression: expression.to_owned(),
    }
}

fn ours(role: &str, members: &[&str], expression: &str) -> Value {
    json!({"role": role, "members": members, "condition": {
        "title": title(UID), "description": "Self-approved, justification: test", "expression": expression}})
}

fn standing(role: &str, members: &[&str]) -> Value {
    json!({"role": role, "members": members})
}

mod adding {
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
}

mod google_limits {
    use super::*;

    fn members(prefix: &str, count: usize) -> Vec<String> {
        (0..count)
            .map(|number| format!("{prefix}:m{number}@example.com"))
            .collect()
    }

    /// Adds one binding; the refusal must leave the policy as it was.
    fn add(policy: &mut Policy) -> Result<Added, String> {
        let before = policy.clone();
        policy
            .add(&[granted("roles/a", WINDOW)], true)
            .map_err(|refused| {
                assert_eq!(*policy, before);
                refused.to_string()
            })
    }

    #[test]
    fn fault_6_principals_count_as_often_as_they_appear() {
        let twice = members("user", 749);
        let mut policy = policy(json!([
            {"role": "roles/x", "members": twice}, {"role": "roles/y", "members": twice}]));
        policy.rest.insert("auditConfigs".to_owned(), json!([
            {"service": "allServices", "auditLogConfigs": [
                {"logType": "DATA_READ", "exemptedMembers": ["user:m1@example.com"]}, {"logType": "DATA_WRITE"}]}]));
        assert_eq!(add(&mut policy).unwrap().added, 1, "1,500 are allowed");

        let more = GrantBinding {
            title: title(OTHER_UID),
            ..granted("roles/a", WINDOW)
        };
        let refused = policy
            .add(std::slice::from_ref(&more), true)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("1,501 principals") && refused.contains("1,500"),
            "{refused}"
        );
        assert!(refused.contains("projects/web-prod"), "{refused}");
        // What is there already, and what takes an altered one's place, needs no room.
        assert!(!add(&mut policy).unwrap().changed());
        let replacing = policy.add(&[granted("roles/a", "true")], true).unwrap();
        assert_eq!(
            replacing,
            Added {
                added: 1,
                replaced: 1,
                altered: 0
            }
        );
    }

    #[test]
    fn fault_6_principals_of_unreadable_bindings_count_too() {
        let mut policy = policy(json!([{"role": 7, "members": members("user", 1_500)}]));
        assert!(add(&mut policy).unwrap_err().contains("1,501 principals"));
    }

    #[test]
    fn fault_6_groups_count_once_and_domains_each_time() {
        let groups = members("group", 249);
        let capitals: Vec<String> = groups
            .iter()
            .map(|group| {
                group
                    .replace("m", "M")
                    .replace("exaMple.coM", "example.com")
            })
            .collect();
        let mut policy = policy(json!([
            {"role": "roles/x", "members": groups}, {"role": "roles/y", "members": capitals},
            {"role": "roles/x", "members": ["domain:example.com"]}]));
        assert_eq!(add(&mut policy).unwrap().added, 1, "250 are allowed");
        let more: Binding =
            serde_json::from_value(standing("roles/z", &["domain:example.com"])).unwrap();
        policy.entries.push(more.into());
        policy.remove(UID, ALICE);
        let refused = add(&mut policy).unwrap_err();
        assert!(
            refused.contains("251 groups and domains") && refused.contains("250"),
            "{refused}"
        );
    }

    #[test]
    fn fault_6_conditions_of_one_role_and_person() {
        let conditional = |number: usize| {
            json!({"role": "roles/a", "members": ["user:ALICE@example.com"],
            "condition": {"title": format!("t{number}"), "expression": "true"}})
        };
        let mut all: Vec<Value> = (0..19).map(conditional).collect();
        all.push(standing("roles/a", &[ALICE]));
        all.push(
            json!({"role": "roles/b", "members": [ALICE], "condition": {"expression": "true"}}),
        );
        let mut policy = policy(json!(all));
        assert_eq!(add(&mut policy).unwrap().added, 1, "20 are allowed");

        let other = GrantBinding {
            title: title(OTHER_UID),
            ..granted("roles/a", WINDOW)
        };
        let refused = policy
            .add(std::slice::from_ref(&other), true)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("21 bindings of roles/a") && refused.contains("allows 20"),
            "{refused}"
        );
        assert!(refused.contains(ALICE), "{refused}");
        // Another person and another role have room.
        let bob = GrantBinding {
            member: "user:bob@example.com".to_owned(),
            ..other.clone()
        };
        let role = GrantBinding {
            role: "roles/b".to_owned(),
            ..other
        };
        assert_eq!(policy.add(&[bob, role], true).unwrap().added, 2);
    }
}

mod removing {
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
}

mod expiring {
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
}

mod watching {
    use super::*;

    fn observe(standing: Value, granted: &[GrantBinding]) -> Observation {
        policy(standing).observe(UID, ALICE, granted)
    }

    fn stray(role: &str, expression: &str) -> Stray {
        Stray {
            role: role.to_owned(),
            expression: expression.to_owned(),
        }
    }

    #[test]
    fn all_there() {
        let rewritten = WINDOW.replace(" && ", "  &&  ");
        for there in [
            json!([
                ours(
                    "roles/b",
                    &["user:bob@example.com", "user:ALICE@example.com"],
                    "true"
                ),
                ours("roles/a", &[ALICE], WINDOW)
            ]),
            json!([
                ours("roles/a", &[ALICE], &rewritten),
                ours("roles/b", &[ALICE], "(true)")
            ]),
            json!([
                ours("roles/a", &["deleted:user:alice@example.com?uid=1"], WINDOW),
                ours("roles/b", &[ALICE], "true")
            ]),
            json!([
                standing("roles/a", &[ALICE]),
                ours("roles/a", &[ALICE], WINDOW),
                ours("roles/b", &[ALICE], "true"),
                // The same once more changes nothing.
                ours("roles/b", &[ALICE], "true")
            ]),
        ] {
            let seen = observe(
                there,
                &[granted("roles/a", WINDOW), granted("roles/b", "true")],
            );
            assert_eq!(seen.bindings, [Found::Present, Found::Present]);
            assert!(seen.is_intact() && seen.is_present() && !seen.is_altered());
        }
    }

    #[test]
    fn vanished() {
        for gone in [
            json!([]),
            json!([ours("roles/a", &["user:bob@example.com"], WINDOW)]),
            json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": title(OTHER_UID), "expression": WINDOW}}]),
            json!([
                standing("roles/b", &[ALICE]),
                standing("roles/a", &["group:ops@example.com"])
            ]),
            json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": "own", "expression": "true"}}]),
        ] {
            let seen = observe(gone, &[granted("roles/a", WINDOW)]);
            assert_eq!(seen.bindings, [Found::Vanished]);
            assert!(!seen.is_intact() && !seen.is_present() && !seen.is_altered());
        }
    }

    #[test]
    fn attack_16_stripped_of_its_condition() {
        let seen = observe(
            json!([
                standing(
                    "roles/a",
                    &["user:bob@example.com", "user:Alice@example.com"]
                ),
                ours("roles/b", &[ALICE], WINDOW)
            ]),
            &[granted("roles/a", WINDOW), granted("roles/b", WINDOW)],
        );
        assert_eq!(seen.bindings, [Found::Unconditional, Found::Present]);
        assert_eq!(seen.additional, []);
    }

    #[test]
    fn attack_16_altered() {
        let longer = WINDOW.replace("20:30", "23:30");
        let seen = observe(
            json!([ours("roles/a", &[ALICE], &longer)]),
            &[granted("roles/a", WINDOW)],
        );
        assert_eq!(seen.bindings, [Found::Altered(stray("roles/a", &longer))]);
        assert_eq!(seen.additional, []);
        assert!(seen.is_altered() && seen.is_present());

        let seen = observe(
            json!([ours("roles/owner", &[ALICE], WINDOW)]),
            &[granted("roles/a", WINDOW)],
        );
        assert_eq!(
            seen.bindings,
            [Found::Altered(stray("roles/owner", WINDOW))]
        );

        // Its title without a condition worth the name.
        let seen = observe(
            json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": title(UID)}}]),
            &[granted("roles/a", WINDOW)],
        );
        assert_eq!(seen.bindings, [Found::Altered(stray("roles/a", ""))]);
    }

    #[test]
    fn attack_16_additional_bindings_under_our_title() {
        let seen = observe(
            json!([
                ours("roles/owner", &[ALICE], WINDOW),
                ours("roles/a", &[ALICE], "true"),
                ours("roles/a", &[ALICE], WINDOW)
            ]),
            &[granted("roles/a", WINDOW)],
        );
        assert_eq!(seen.bindings, [Found::Present]);
        assert_eq!(
            seen.additional,
            [stray("roles/owner", WINDOW), stray("roles/a", "true")]
        );
        assert!(seen.is_altered() && !seen.is_intact());
        // Nothing was granted, or not any more: whatever stands there is too much.
        let seen = observe(json!([ours("roles/a", &[ALICE], WINDOW)]), &[]);
        assert_eq!((seen.bindings.len(), seen.additional.len()), (0, 1));
    }

    #[test]
    fn attack_16_standing_access_is_not_hidden_by_another_alteration() {
        let seen = observe(
            json!([
                standing("roles/a", &[ALICE]),
                ours("roles/owner", &[ALICE], WINDOW)
            ]),
            &[granted("roles/a", WINDOW)],
        );
        assert_eq!(seen.bindings, [Found::Unconditional]);
        assert_eq!(seen.additional, [stray("roles/owner", WINDOW)]);
    }
}
