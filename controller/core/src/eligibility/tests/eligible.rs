//! Which bindings make a person eligible.

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
