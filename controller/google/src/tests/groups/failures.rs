//! Look-ups that fail, and what the error says.

use std::time::Duration;

use serde_json::json;

use super::{is_transitive, page, set};
use crate::tests::fake_google::{FakeGoogle, Reply};
use crate::tests::{google, google_within, impatient, limits};
use crate::{Kind, Limits};

#[tokio::test]
async fn no_right_to_see_groups_is_not_the_same_as_no_groups() {
    let fake = FakeGoogle::start(|_, request| {
        if is_transitive(request) {
            Reply::error(403, "PERMISSION_DENIED", "Error(2028): Permission denied")
        } else {
            page(&[], "")
        }
    })
    .await;
    let error = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect_err("denied");
    assert_eq!(error.kind, Kind::Denied);
    assert_eq!(
        error.to_string(),
        "Google refused to look up the groups of alice@example.com: our service account lacks the Groups Reader role of \
         Google Workspace or Cloud Identity; an administrator assigns it in the Admin console under Account, Admin \
         roles. Google said: \"Error(2028): Permission denied\"."
    );
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_disabled_api_is_named() {
    let body = json!({"error": {
        "code": 403, "status": "PERMISSION_DENIED", "message": "Cloud Identity API has not been used in project 1",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com"}]
    }});
    let fake = FakeGoogle::answering(Reply::Answer(403, vec![], body.to_string())).await;
    let error = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect_err("disabled");
    assert_eq!((error.kind, fake.calls().len()), (Kind::Denied, 1));
    assert!(
        error
            .message
            .contains(" is not enabled in the project that our service account belongs to"),
        "{error}"
    );
}

#[tokio::test]
async fn reads_are_repeated_and_half_answers_refused() {
    let fake = FakeGoogle::start(|n, _| match n {
        0 => Reply::Cut,
        1 => Reply::Hang,
        2 => Reply::Truncated(r#"{"memberships": []}"#.to_owned()),
        _ => page(&["a@example.com"], ""),
    })
    .await;
    let found = google_within(&fake, impatient())
        .await
        .groups_of("alice@example.com")
        .await
        .expect("groups");
    assert_eq!(found.groups, set(&["a@example.com"]));

    for body in [
        "",
        "[]",
        r#"{"memberships": [{"group": "groups/1"}]}"#,
        r#"{"memberships": [{}"#,
    ] {
        let fake = FakeGoogle::answering(Reply::Answer(200, vec![], body.to_owned())).await;
        let error = google(&fake)
            .await
            .groups_of("alice@example.com")
            .await
            .expect_err(body);
        assert_eq!(
            (error.kind, fake.calls().len()),
            (Kind::Malformed, 4),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_look_up_of_slow_answers_ends() {
    let fake = FakeGoogle::answering(Reply::Hang).await;
    let limits = Limits {
        groups_within: Duration::from_millis(500),
        ..limits()
    };
    let google = google_within(&fake, limits).await;
    let error = google
        .groups_of("alice@example.com")
        .await
        .expect_err("too slow");
    assert_eq!((error.kind, fake.calls().len()), (Kind::Timeout, 1));
    assert!(
        error
            .message
            .contains("could not be looked up within 0.5 s"),
        "{error}"
    );
}
