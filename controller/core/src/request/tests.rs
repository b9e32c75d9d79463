use super::*;
use crate::samples::{CREATED, at, limits, spec};

fn refused(change: impl FnOnce(&mut AccessRequestSpec)) -> String {
    let mut spec = spec();
    change(&mut spec);
    let refusal = ValidRequest::check(&spec, at(CREATED), &limits()).unwrap_err();
    assert_eq!(refusal.state, AccessState::Failed);
    refusal.message
}

#[test]
fn a_sound_request_passes() {
    let valid = ValidRequest::check(&spec(), at(CREATED), &limits()).unwrap();
    assert_eq!(valid.duration, SignedDuration::from_mins(30));
    assert!(valid.reviewers.is_empty());
}

#[test]
fn an_absent_duration_is_the_default() {
    let spec = AccessRequestSpec {
        duration: None,
        ..spec()
    };
    let valid = ValidRequest::check(&spec, at(CREATED), &limits()).unwrap();
    assert_eq!(valid.duration, SignedDuration::from_hours(1));
}

#[test]
fn each_field_is_refused_with_its_name_and_a_sentence() {
    type Change = fn(&mut AccessRequestSpec);
    let cases: &[(Change, &str)] = &[
        (
            |spec| spec.requester = "Alice@example.com".into(),
            "spec.requester: \"Alice@example.com\" must be the e-mail address",
        ),
        (|spec| spec.requester = "alice".into(), "spec.requester"),
        (
            |spec| spec.requester = "group:ops@example.com".into(),
            "spec.requester",
        ),
        (
            |spec| spec.requester = "x@web.iam.gserviceaccount.com".into(),
            "is a service account",
        ),
        (
            |spec| spec.requester = format!("{}@example.com", "a".repeat(250)),
            "spec.requester",
        ),
        (
            |spec| spec.resource = "projects/Web".into(),
            "spec.resource",
        ),
        (
            |spec| spec.roles.clear(),
            "spec.roles: name at least one role",
        ),
        (
            |spec| spec.roles = vec!["roles/viewer".into(), "roles/viewer".into()],
            "roles/viewer is named twice",
        ),
        (
            |spec| spec.roles = (0..11).map(|n| format!("roles/r{n}")).collect(),
            "11 roles, but at most 10",
        ),
        (
            |spec| spec.roles = vec!["viewer".into()],
            "must be roles/NAME",
        ),
        (
            |spec| spec.roles = vec!["roles/../x".into()],
            "must be roles/NAME",
        ),
        (
            |spec| spec.roles = vec!["folders/1/roles/x".into()],
            "must be roles/NAME",
        ),
        (
            |spec| spec.justification = " \n\t".into(),
            "must say something",
        ),
        (
            |spec| spec.justification = String::new(),
            "1 to 1000 characters",
        ),
        (
            |spec| spec.justification = "ä".repeat(1_001),
            "1 to 1000 characters",
        ),
        (
            |spec| spec.justification = "a\u{202e}b".into(),
            "direction of text",
        ),
        (
            |spec| spec.justification = "a\u{1b}[2J".into(),
            "control characters",
        ),
        (
            |spec| spec.duration = Some("30".into()),
            "such as 30m or 1h30m",
        ),
        (
            |spec| spec.duration = Some("3h".into()),
            "3h is not between 1m and 2h",
        ),
        (
            |spec| spec.duration = Some("59s".into()),
            "59s is not between 1m and 2h",
        ),
        (|spec| spec.reviewers = Some(vec![]), "1 to 10 reviewers"),
        (
            |spec| spec.reviewers = Some(vec!["alice@example.com".into()]),
            "nobody approves their own request",
        ),
        (
            |spec| spec.reviewers = Some(vec!["bob@example.com".into(); 2]),
            "named twice",
        ),
        (
            |spec| spec.reviewers = Some(vec!["x@y.iam.gserviceaccount.com".into()]),
            "is a service account",
        ),
        (
            |spec| spec.start_time = Some("2026-11-23 20:00:00Z".into()),
            "spec.startTime",
        ),
        (
            |spec| spec.start_time = Some("2026-02-30T20:00:00Z".into()),
            "spec.startTime",
        ),
        (
            |spec| spec.start_time = Some("2026-12-23T20:00:00Z".into()),
            "at most 168h ahead",
        ),
        (
            |spec| spec.condition = Some("has({}.jitAccessConstraint)".into()),
            "spec.condition",
        ),
        (
            |spec| spec.condition = Some("a) || (true".into()),
            "spec.condition",
        ),
    ];
    for (change, expected) in cases {
        let message = refused(change);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn newline_and_tab_are_fine_in_a_justification() {
    let spec = AccessRequestSpec {
        justification: "INC-1:\n\tdisk full".to_owned(),
        ..spec()
    };
    assert!(ValidRequest::check(&spec, at(CREATED), &limits()).is_ok());
}

#[test]
fn the_pattern_must_match_all_of_the_justification_and_the_hint_is_told() {
    let mut limits = limits();
    limits.justification_pattern =
        crate::limits::JustificationPattern::parse("INC-[0-9]+").unwrap();
    let message = ValidRequest::check(&spec(), at(CREATED), &limits)
        .unwrap_err()
        .message;
    assert_eq!(message, "spec.justification: must match INC-[0-9]+");
    limits.justification_hint = "give the number of an incident, such as INC-4711".to_owned();
    let message = ValidRequest::check(&spec(), at(CREATED), &limits)
        .unwrap_err()
        .message;
    assert_eq!(
        message,
        "spec.justification: give the number of an incident, such as INC-4711"
    );
    let spec = AccessRequestSpec {
        justification: "INC-4711".to_owned(),
        ..spec()
    };
    assert!(ValidRequest::check(&spec, at(CREATED), &limits).is_ok());
}

#[test]
fn times_have_exactly_one_form() {
    assert_eq!(parse_time(CREATED).unwrap(), at(CREATED));
    assert_eq!(format_time(at("2026-11-23T20:00:00.9Z")), CREATED);
    for text in [
        "2026-11-23T20:00:00.0Z",
        "2026-11-23T20:00:00+00:00",
        "2026-11-23t20:00:00z",
        "2026-11-23T20:00:60Z",
        "2026-11-23T24:00:00Z",
        "1999-11-23T20:00:00Z",
        "9999-12-31T23:59:59Z",
        "",
    ] {
        assert!(parse_time(text).is_err(), "{text}");
    }
}
