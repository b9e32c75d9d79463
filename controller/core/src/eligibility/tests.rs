use serde_json::{Value, json};

use super::*;
use crate::iam_condition::Readings;
use crate::iam_policy::title;

const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";
const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const ALICE: &str = "user:alice@example.com";
const PROJECT: &str = "projects/web-prod";
const NOW: &str = "2026-11-23T20:00:00Z";

/// Alice is in `ops`, which is in `all-ops`.
fn alice() -> Person {
    Person::new(
        "alice@example.com",
        ["ops@example.com", "All-Ops@example.com"],
    )
}

fn binding(role: &str, member: &str, expression: &str) -> Value {
    json!({"role": role, "members": [member], "condition": {"title": "jit", "expression": expression}})
}

fn titled(title: &str, expression: &str) -> Value {
    json!({"role": "roles/a", "members": [ALICE], "condition": {"title": title, "expression": expression}})
}

fn standing(role: &str, member: &str) -> Value {
    json!({"role": role, "members": [member]})
}

/// What Alice may ask for on the project, in a folder, in an organization.
fn look_up_in(project: Value, folder: Value, organization: Value) -> Lookup {
    let policies = [project, folder, organization]
        .map(|bindings| serde_json::from_value::<Policy>(json!({"bindings": bindings})).unwrap());
    let attached: Vec<_> = [PROJECT, "folders/2", "organizations/1"]
        .into_iter()
        .zip(&policies)
        .map(|(resource, policy)| Attached { resource, policy })
        .collect();
    look_up(
        &alice(),
        &attached,
        NOW.parse().unwrap(),
        &mut Readings::default(),
    )
}

fn look_up_on(bindings: Value) -> Lookup {
    look_up_in(bindings, json!([]), json!([]))
}

fn find(roles: &[&str], kind: Kind, lookup: &Lookup) -> Result<Eligible, Ineligible> {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    Eligible::find("alice@example.com", PROJECT, &roles, kind, lookup)
}

/// The only entitlement, which must be enough to ask for its role.
#[track_caller]
fn only(lookup: &Lookup) -> &Entitlement {
    let [entitlement] = lookup.entitlements() else {
        panic!("{lookup:?}")
    };
    let eligible = find(&[&entitlement.role], entitlement.kind, lookup).unwrap();
    let roles: Vec<_> = eligible.roles().collect();
    assert_eq!(
        roles,
        [(entitlement.role.as_str(), std::slice::from_ref(entitlement))]
    );
    entitlement
}

/// No entitlement at all, and so no way to ask; gives the findings.
#[track_caller]
fn none(lookup: &Lookup) -> &[Finding] {
    assert_eq!(lookup.entitlements(), [], "{lookup:?}");
    for kind in [Kind::SelfApproval, Kind::PeerApproval] {
        let refused = find(&["roles/a"], kind, lookup).unwrap_err();
        assert_eq!(
            refused.refused,
            [("roles/a".to_owned(), Reason::NotEntitled)]
        );
    }
    lookup.findings()
}

#[track_caller]
fn text(entitlement: &Entitlement) -> Option<&str> {
    entitlement.resource_condition.as_ref().map(Term::text)
}

mod eligible {
    use super::*;

    #[test]
    fn by_name_on_the_project() {
        let lookup = look_up_on(json!([binding("roles/a", ALICE, SELF)]));
        let entitlement = only(&lookup);
        assert_eq!(entitlement.kind, Kind::SelfApproval);
        assert_eq!(
            (
                entitlement.resource.as_str(),
                text(entitlement),
                entitlement.end
            ),
            (PROJECT, None, None)
        );
        assert_eq!(
            (lookup.findings(), lookup.standing().len()),
            ([].as_slice(), 0)
        );
    }

    #[test]
    fn by_a_binding_on_a_folder_above() {
        let lookup = look_up_in(
            json!([]),
            json!([binding("roles/a", ALICE, SELF)]),
            json!([]),
        );
        assert_eq!(only(&lookup).resource, "folders/2");
    }

    #[test]
    fn by_a_binding_on_the_organization_above() {
        let lookup = look_up_in(
            json!([]),
            json!([]),
            json!([binding("roles/a", ALICE, PEER)]),
        );
        assert_eq!(only(&lookup).resource, "organizations/1");
        assert_eq!(only(&lookup).kind, Kind::PeerApproval);
    }

    #[test]
    fn through_a_group() {
        only(&look_up_on(json!([binding(
            "roles/a",
            "group:ops@example.com",
            SELF
        )])));
    }

    #[test]
    fn through_a_nested_group_in_another_case() {
        only(&look_up_on(json!([binding(
            "roles/a",
            "group:ALL-ops@Example.com",
            SELF
        )])));
    }

    #[test]
    fn with_an_address_in_another_case() {
        only(&look_up_on(json!([binding(
            "roles/a",
            "user:Alice@EXAMPLE.com",
            SELF
        )])));
    }

    #[test]
    fn with_a_resource_condition() {
        let condition = r#"resource.name.startsWith("projects/web-prod/zones/\x65")"#;
        let lookup = look_up_on(json!([binding(
            "roles/a",
            ALICE,
            &format!("{SELF} && {condition}")
        )]));
        assert_eq!(text(only(&lookup)), Some(condition));
    }

    #[test]
    fn with_the_marker_in_another_case() {
        only(&look_up_on(json!([binding(
            "roles/a",
            ALICE,
            "has({}.JITACCESSconstraint)"
        )])));
    }

    #[test]
    fn with_the_marker_among_other_terms() {
        let lookup = look_up_on(json!([binding(
            "roles/a",
            ALICE,
            &format!("a && ((b) && {PEER}) && (c || d)")
        )]));
        let entitlement = only(&lookup);
        assert_eq!(entitlement.kind, Kind::PeerApproval);
        assert_eq!(text(entitlement), Some("a && (b) && (c || d)"));
    }

    #[test]
    fn until_an_end_that_is_to_come() {
        let lookup = look_up_on(json!([binding(
            "roles/a",
            ALICE,
            &format!(r#"{SELF} && request.time < timestamp("2026-11-23T20:00:01Z")"#)
        )]));
        let entitlement = only(&lookup);
        assert_eq!(
            entitlement.end,
            Some("2026-11-23T20:00:01Z".parse().unwrap())
        );
        assert_eq!(text(entitlement), None);
    }

    #[test]
    fn with_both_markers_by_self_approval_and_it_is_a_finding() {
        let lookup = look_up_on(json!([binding(
            "roles/a",
            ALICE,
            &format!("{PEER} && {SELF}")
        )]));
        assert_eq!(only(&lookup).kind, Kind::SelfApproval);
        let [finding] = lookup.findings() else {
            panic!("{lookup:?}")
        };
        assert!(finding.problem.contains("both markers"), "{finding}");
        assert!(find(&["roles/a"], Kind::PeerApproval, &lookup).is_err());
    }

    #[test]
    fn through_several_bindings_at_once() {
        let lookup = look_up_in(
            json!([
                binding("roles/a", ALICE, &format!("{SELF} && a")),
                binding("roles/a", ALICE, &format!("{PEER} && b")),
                binding("roles/b", ALICE, SELF),
            ]),
            json!([binding(
                "roles/a",
                "group:ops@example.com",
                &format!("{SELF} && c")
            )]),
            json!([]),
        );
        let eligible = find(
            &["roles/a", "roles/b", "roles/a"],
            Kind::SelfApproval,
            &lookup,
        )
        .unwrap();
        let roles: Vec<_> = eligible
            .roles()
            .map(|(role, entitlements)| (role, entitlements.iter().map(text).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            roles,
            [
                ("roles/a", vec![Some("a"), Some("c")]),
                ("roles/b", vec![None])
            ]
        );
        assert_eq!(
            (eligible.requester(), eligible.resource(), eligible.kind()),
            ("alice@example.com", PROJECT, Kind::SelfApproval)
        );
    }

    #[test]
    fn beside_bindings_that_cannot_be_read() {
        let lookup = look_up_on(json!([
            {"role": "roles/x", "members": 7},
            binding("roles/x", ALICE, &format!("{SELF} && (")),
            binding("roles/a", ALICE, SELF),
            binding("roles/x", ALICE, &format!("{SELF} && {}a", "!".repeat(600))),
            null,
        ]));
        only(&lookup);
        assert_eq!(lookup.findings().len(), 4);
    }
}

mod not_eligible {
    use super::*;

    #[test]
    fn attack_7_by_a_grant_of_ours() {
        let lookup = look_up_on(json!([titled(&title(UID), SELF)]));
        assert_eq!(none(&lookup), []);
    }

    #[test]
    fn attack_7_by_a_grant_of_ours_that_cannot_be_read() {
        let lookup = look_up_on(json!([
            titled(&title(UID), &format!("{SELF} && (")),
            titled(&title(UID), &format!("{SELF} || true"))
        ]));
        assert_eq!(none(&lookup), []);
    }

    #[test]
    fn by_a_grant_of_the_java_product() {
        let lookup = look_up_on(json!([titled("JIT access activation", SELF)]));
        assert_eq!(none(&lookup), []);
    }

    #[test]
    fn a_title_that_only_resembles_ours_is_somebody_elses_binding() {
        only(&look_up_on(json!([titled(
            &format!("{} ", title(UID)),
            SELF
        )])));
        only(&look_up_on(json!([titled(
            &title(&UID.to_uppercase()),
            SELF
        )])));
    }

    #[test]
    fn who_holds_the_role_permanently_by_name() {
        for inherited in [false, true] {
            let held = json!([standing("roles/a", "user:ALICE@example.com")]);
            let eligible = json!([
                binding("roles/a", ALICE, SELF),
                binding("roles/b", ALICE, SELF)
            ]);
            let lookup = if inherited {
                look_up_in(eligible, json!([]), held)
            } else {
                let all = [
                    eligible.as_array().unwrap().clone(),
                    held.as_array().unwrap().clone(),
                ]
                .concat();
                look_up_in(json!(all), json!([]), json!([]))
            };
            let refused = find(&["roles/b", "roles/a"], Kind::SelfApproval, &lookup).unwrap_err();
            assert_eq!(refused.refused, [("roles/a".to_owned(), Reason::Standing)]);
            assert!(
                refused.message.starts_with(
                    "alice@example.com already holds roles/a on projects/web-prod permanently: nothing would change, and the end would end nothing."
                ),
                "{refused}"
            );
            assert!(
                refused
                    .message
                    .ends_with("could ask here without reviewers for roles/b."),
                "{refused}"
            );
            find(&["roles/b"], Kind::SelfApproval, &lookup).unwrap();
        }
    }

    #[test]
    fn but_a_role_held_by_others_or_under_a_condition_is_not_held() {
        only(&look_up_on(json!([
            standing("roles/a", "group:ops@example.com"),
            standing("roles/a", "user:bob@example.com"),
            standing("roles/a", "deleted:user:alice@example.com?uid=1"),
            binding("roles/a", ALICE, "resource.type == 'x'"),
            binding("roles/a", ALICE, SELF),
        ])));
    }

    #[test]
    fn after_the_bindings_own_end() {
        let over = r#"request.time < timestamp("2026-11-23T20:00:00Z")"#;
        for expression in [
            format!("{SELF} && {over}"),
            format!("{over} && a && {PEER} && {SELF}"),
            format!("({SELF} || true) && {over}"),
            format!("{SELF} && request.time < timestamp('no time')"),
        ] {
            let lookup = look_up_on(json!([binding("roles/a", ALICE, &expression)]));
            assert_eq!(none(&lookup), [], "{expression}");
        }
    }

    #[test]
    fn by_a_condition_that_cannot_be_read() {
        let lookup = look_up_on(json!([binding("roles/a", ALICE, &format!("{SELF} && (a"))]));
        let [finding] = none(&lookup) else {
            panic!("{lookup:?}")
        };
        assert_eq!(
            (
                finding.resource.as_str(),
                finding.role.as_str(),
                finding.title.as_str()
            ),
            (PROJECT, "roles/a", "jit")
        );
        assert!(finding.problem.contains("cannot be read: "), "{finding}");
        assert_eq!(lookup.near_misses(), std::slice::from_ref(finding));
    }

    #[test]
    fn by_a_marker_that_is_no_top_level_term() {
        for expression in [
            format!("{SELF} || a"),
            format!("!{SELF}"),
            format!("a && ({PEER} || b)"),
            format!("f({SELF})"),
            format!("{SELF} && (b || {PEER})"),
        ] {
            let lookup = look_up_on(json!([binding("roles/a", ALICE, &expression)]));
            let [finding] = none(&lookup) else {
                panic!("{lookup:?}")
            };
            assert!(
                finding.problem.contains("not a top-level \"&&\" term"),
                "{finding}"
            );
        }
    }

    #[test]
    fn by_a_marker_in_a_comment_or_a_string() {
        let lookup = look_up_on(json!([
            binding("roles/a", ALICE, &format!("true // {SELF}")),
            binding("roles/a", ALICE, &format!("\"{SELF}\" == 'a'")),
        ]));
        assert_eq!(none(&lookup), []);
    }

    #[test]
    fn attack_12_by_the_other_kind() {
        let lookup = look_up_on(json!([
            binding("roles/a", ALICE, PEER),
            binding("roles/b", ALICE, SELF)
        ]));
        let alone = find(&["roles/a"], Kind::SelfApproval, &lookup).unwrap_err();
        assert_eq!(alone.refused, [("roles/a".to_owned(), Reason::OtherKind)]);
        assert_eq!(
            alone.message,
            "A peer must approve roles/a: name reviewers in spec.reviewers. alice@example.com could ask here without reviewers for roles/b; with reviewers for roles/a."
        );
        let with_peer = find(&["roles/b"], Kind::PeerApproval, &lookup).unwrap_err();
        assert!(
            with_peer.message.contains("leave out spec.reviewers"),
            "{with_peer}"
        );
        assert!(
            find(&["roles/a", "roles/b"], Kind::SelfApproval, &lookup).is_err(),
            "one bad role refuses all"
        );
    }

    #[test]
    fn as_another_kind_of_member() {
        for member in [
            "deleted:user:alice@example.com?uid=1",
            "deleted:group:ops@example.com?uid=1",
            "User:alice@example.com",
            "GROUP:ops@example.com",
            "alice@example.com",
            "group:alice@example.com",
            "user:ops@example.com",
            "serviceAccount:alice@example.com",
            "domain:example.com",
            "allUsers",
            "allAuthenticatedUsers",
            "user:alice@example.com ",
            "user:bob@example.com",
            "group:dev@example.com",
            "user:",
            "group:",
        ] {
            assert_eq!(
                none(&look_up_on(json!([binding("roles/a", member, SELF)]))),
                [],
                "{member}"
            );
        }
    }

    #[test]
    fn without_an_address() {
        let policy: Policy = serde_json::from_value(
            json!({"bindings": [binding("roles/a", "user:", SELF), standing("roles/b", "user:")]}),
        )
        .unwrap();
        let attached = [Attached {
            resource: PROJECT,
            policy: &policy,
        }];
        let nobody = Person::new("", [""]);
        let lookup = look_up(
            &nobody,
            &attached,
            NOW.parse().unwrap(),
            &mut Readings::default(),
        );
        assert_eq!(
            (lookup.entitlements().len(), lookup.standing().len()),
            (0, 0)
        );
    }

    #[test]
    fn without_a_marker_or_a_condition() {
        let lookup = look_up_on(json!([
            binding("roles/a", ALICE, "true"),
            binding("roles/a", ALICE, ""),
            binding("roles/a", ALICE, "has({}.otherConstraint)"),
            standing("roles/b", ALICE),
        ]));
        assert_eq!(lookup.entitlements(), []);
        assert_eq!(lookup.findings(), []);
    }

    #[test]
    fn by_the_look_up_of_somebody_or_something_else() {
        let lookup = look_up_on(json!([binding("roles/a", ALICE, SELF)]));
        let roles = ["roles/a".to_owned()];
        for (requester, resource) in [
            ("bob@example.com", PROJECT),
            ("alice@example.com", "projects/web-test"),
        ] {
            let refused = Eligible::find(requester, resource, &roles, Kind::SelfApproval, &lookup)
                .unwrap_err();
            assert!(
                refused.message.contains(requester) && refused.message.contains(resource),
                "{refused}"
            );
        }
        assert!(
            find(&[], Kind::SelfApproval, &lookup).is_err(),
            "no role is no request"
        );
    }
}

mod refusal {
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
}

mod worth_a_binding {
    use super::*;

    const EARLY: &str = r#"request.time < timestamp("2027-01-01T00:00:00Z")"#;
    const LATE: &str = r#"request.time < timestamp("2028-01-01T00:00:00Z")"#;

    /// Which of these entitlements are effective, by their places.
    fn places(expressions: &[String]) -> Vec<usize> {
        let bindings: Vec<Value> = expressions
            .iter()
            .map(|text| binding("roles/a", ALICE, text))
            .collect();
        let lookup = look_up_on(json!(bindings));
        let all = lookup.entitlements();
        assert_eq!(all.len(), expressions.len());
        effective(all)
            .into_iter()
            .map(|kept| {
                all.iter()
                    .position(|entitlement| std::ptr::eq(kept, entitlement))
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn one_without_resource_condition_makes_the_others_superfluous() {
        assert_eq!(
            places(&[
                format!("{SELF} && a"),
                SELF.to_owned(),
                format!("{SELF} && b && {LATE}")
            ]),
            [1]
        );
    }

    #[test]
    fn attack_12_but_not_those_of_the_other_kind() {
        assert_eq!(places(&[SELF.to_owned(), format!("{PEER} && a")]), [0, 1]);
        assert_eq!(places(&[PEER.to_owned(), format!("{SELF} && a")]), [0, 1]);
    }

    #[test]
    fn but_not_one_that_lasts_longer() {
        assert_eq!(
            places(&[format!("{SELF} && {EARLY}"), format!("{SELF} && a")]),
            [0, 1]
        );
        assert_eq!(
            places(&[
                format!("{SELF} && {EARLY}"),
                format!("{SELF} && a && {LATE}")
            ]),
            [0, 1]
        );
        assert_eq!(
            places(&[
                format!("{SELF} && {LATE}"),
                format!("{SELF} && a && {EARLY}")
            ]),
            [0]
        );
    }

    #[test]
    fn a_narrow_one_never_replaces_a_wide_one() {
        assert_eq!(
            places(&[format!("{SELF} && a"), format!("{SELF} && {EARLY}")]),
            [0, 1]
        );
    }

    #[test]
    fn equal_conditions_are_one_with_the_latest_end() {
        assert_eq!(
            places(&[
                format!("{SELF} && a == 'x' && {EARLY}"),
                format!("a == \"\\x78\" && {SELF} && {LATE}"),
                format!("{SELF} && (a)=='x' && {EARLY}"),
            ]),
            [1]
        );
        assert_eq!(
            places(&[format!("{SELF} && a"), format!("{SELF} && a")]),
            [0]
        );
        assert_eq!(
            places(&[format!("{SELF} && a"), format!("{SELF} && b")]),
            [0, 1]
        );
    }

    #[test]
    fn roles_are_told_apart() {
        let lookup = look_up_on(json!([
            binding("roles/a", ALICE, SELF),
            binding("roles/b", ALICE, &format!("{SELF} && a"))
        ]));
        assert_eq!(effective(lookup.entitlements()).len(), 2);
        assert_eq!(effective(&[]).len(), 0);
    }
}
