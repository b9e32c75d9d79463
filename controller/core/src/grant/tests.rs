use super::*;
use crate::decision::Judged;
use crate::samples::{CREATED, UID, after, at, judged_alone, lookup, spec, valid};

const SELF: &str = "has({}.jitAccessConstraint)";

fn grant_of(
    bindings: &[(&str, &str)],
    spec: &jit_access_crds::AccessRequestSpec,
) -> Result<Grant, Refusal> {
    let request = valid(spec);
    let lookup = lookup(bindings);
    let approved = match judged_alone(&request, &lookup)? {
        Judged::Approved(approved, _) => *approved,
        other => panic!("{other:?}"),
    };
    let window = Window::decide(&request, at(CREATED), after(7));
    Grant::new(&request, UID, approved, window)
}

#[test]
fn a_binding_names_the_person_the_request_and_the_window() {
    let grant = grant_of(&[("roles/compute.admin", SELF)], &spec()).unwrap();
    assert_eq!(
        grant.bindings(),
        [GrantBinding {
            resource: "projects/web-prod".to_owned(),
            role: "roles/compute.admin".to_owned(),
            member: "user:alice@example.com".to_owned(),
            title: format!("jit-access {UID}"),
            description: "Self-approved, justification: INC-4711: disk full on web-1".to_owned(),
            expression: "request.time >= timestamp(\"2026-11-23T20:00:07Z\") && request.time < timestamp(\"2026-11-23T20:30:07Z\")".to_owned(),
        }]
    );
}

#[test]
fn resource_condition_and_narrowing_condition_are_both_kept() {
    let condition = "resource.name.startsWith(\"projects/web-prod/zones/europe\")";
    let spec = jit_access_crds::AccessRequestSpec {
        condition: Some("resource.type == \"compute.googleapis.com/Disk\"".to_owned()),
        ..spec()
    };
    let eligible = format!("{condition} && {SELF}");
    let grant = grant_of(&[("roles/compute.admin", &eligible)], &spec).unwrap();
    assert_eq!(
        grant.bindings()[0].expression,
        format!(
            "request.time >= timestamp(\"2026-11-23T20:00:07Z\") && request.time < timestamp(\"2026-11-23T20:30:07Z\") && ({condition}) && (resource.type == \"compute.googleapis.com/Disk\")"
        )
    );
}

#[test]
fn an_entitlement_that_ends_earlier_cuts_the_window() {
    let eligible = format!("{SELF} && request.time < timestamp(\"2026-11-23T20:10:00Z\")");
    let grant = grant_of(&[("roles/compute.admin", &eligible)], &spec()).unwrap();
    assert_eq!(grant.window().end, at("2026-11-23T20:10:00Z"));
    assert!(
        grant.bindings()[0]
            .expression
            .ends_with("request.time < timestamp(\"2026-11-23T20:10:00Z\")")
    );
    assert_eq!(grant.announced().expire_time, "2026-11-23T20:10:00Z");
}

#[test]
fn one_binding_for_each_role_and_resource_condition() {
    let spec = jit_access_crds::AccessRequestSpec {
        roles: vec!["roles/compute.admin".to_owned(), "roles/viewer".to_owned()],
        ..spec()
    };
    let first = format!("{SELF} && resource.name == \"a\"");
    let second = format!("{SELF} && resource.name == \"b\"");
    let grant = grant_of(
        &[
            ("roles/compute.admin", &first),
            ("roles/compute.admin", &second),
            ("roles/viewer", SELF),
        ],
        &spec,
    )
    .unwrap();
    let roles: Vec<&str> = grant
        .bindings()
        .iter()
        .map(|binding| binding.role.as_str())
        .collect();
    assert_eq!(
        roles,
        ["roles/compute.admin", "roles/compute.admin", "roles/viewer"]
    );
}

#[test]
fn a_description_is_one_line_and_not_too_long() {
    let spec = jit_access_crds::AccessRequestSpec {
        justification: format!("a\n\n\tb {}", "ü".repeat(900)),
        ..spec()
    };
    let grant = grant_of(&[("roles/compute.admin", SELF)], &spec).unwrap();
    let description = &grant.bindings()[0].description;
    assert_eq!(description.chars().count(), 256);
    assert!(description.starts_with("Self-approved, justification: a b üü"));
}

#[test]
fn a_condition_with_too_many_operators_is_said_when_looking_up() {
    let parts: Vec<String> = (0..12)
        .map(|n| format!("resource.name == \"{n}\""))
        .collect();
    let spec = jit_access_crds::AccessRequestSpec {
        condition: Some(parts.join(" || ")),
        ..spec()
    };
    let request = valid(&spec);
    let lookup = lookup(&[("roles/compute.admin", SELF)]);
    let refusal = judged_alone(&request, &lookup).unwrap_err();
    assert_eq!(refusal.state, jit_access_crds::AccessState::Failed);
    assert!(refusal.message.contains("12"), "{}", refusal.message);
}

#[test]
fn the_window_begins_in_whole_seconds_and_never_before_the_creation() {
    let request = valid(&spec());
    let window = Window::decide(&request, at(CREATED), at("2026-11-23T20:00:05.9Z"));
    assert_eq!(window.start, after(5));
    assert_eq!(window.end, after(5 + 1_800));
    let behind = Window::decide(&request, at(CREATED), after(-40));
    assert_eq!(behind.start, at(CREATED));
}

#[test]
fn a_recorded_window_must_fit_the_request() {
    let request = valid(&spec());
    let window = |from, to| Window {
        start: after(from),
        end: after(to),
    };
    for sound in [window(0, 1_800), window(-30, 1_770), window(500, 600)] {
        assert!(
            sound
                .verify(&request, request.duration, at(CREATED), after(500))
                .is_ok()
        );
    }
    for forged in [
        window(0, 1_801),
        window(-31, 100),
        window(0, 2_000_000_000),
        window(531, 600),
    ] {
        let refusal = forged
            .verify(&request, request.duration, at(CREATED), after(500))
            .unwrap_err();
        assert!(refusal.message.contains("the controller did not write it"));
    }
    let scheduled = valid(&jit_access_crds::AccessRequestSpec {
        start_time: Some("2026-11-23T21:00:00Z".to_owned()),
        ..spec()
    });
    assert!(
        window(3_600, 3_700)
            .verify(&scheduled, scheduled.duration, at(CREATED), after(10))
            .is_ok()
    );
    assert!(
        window(0, 100)
            .verify(&scheduled, scheduled.duration, at(CREATED), after(10))
            .is_err()
    );
}

#[test]
fn a_recorded_window_that_is_none_is_not_read() {
    for (start, expire) in [
        ("", ""),
        (CREATED, "9999-12-31T23:59:59Z"),
        (CREATED, CREATED),
    ] {
        let grant = GrantStatus {
            start_time: start.to_owned(),
            expire_time: expire.to_owned(),
            bindings: Vec::new(),
        };
        assert_eq!(Window::recorded(&grant), None);
    }
}
