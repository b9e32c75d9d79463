//! Which bindings make nobody eligible.

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
        "A peer must approve roles/a: name reviewers. alice@example.com could ask here without reviewers for roles/b; with reviewers for roles/a."
    );
    let with_peer = find(&["roles/b"], Kind::PeerApproval, &lookup).unwrap_err();
    assert!(
        with_peer.message.contains("name no reviewers"),
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
        let refused =
            Eligible::find(requester, resource, &roles, Kind::SelfApproval, &lookup).unwrap_err();
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
