//! The one search for all groups, and what it answers.

use serde_json::json;

use super::{is_transitive, page, set};
use crate::tests::fake_google::{FakeGoogle, Reply};
use crate::tests::google;
use crate::{Kind, Source};

#[tokio::test]
async fn all_pages_are_read() {
    let fake = FakeGoogle::start(|n, _| match n {
        0 => page(&["Ops@Example.com", "dev@example.com"], "a/b+c="),
        1 => page(&[], "second"),
        _ => page(&["all@example.com", "dev@example.com"], ""),
    })
    .await;
    let found = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect("groups");
    assert_eq!(
        found.groups,
        set(&["all@example.com", "dev@example.com", "ops@example.com"])
    );
    assert_eq!(found.source, Source::Transitive);
    let calls = fake.calls();
    let tokens: Vec<_> = calls
        .iter()
        .map(|call| call.parameter("pageToken"))
        .collect();
    assert_eq!(
        tokens,
        [None, Some("a/b+c=".to_owned()), Some("second".to_owned())]
    );
    for call in calls {
        assert!(is_transitive(&call));
        assert_eq!(
            call.parameter("query").as_deref(),
            Some(
                "member_key_id == 'alice@example.com' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels"
            )
        );
        assert_eq!(call.parameter("pageSize").as_deref(), Some("1000"));
    }
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let fake = FakeGoogle::answering(page(&["a@example.com"], "again")).await;
    let error = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect_err("no end");
    assert_eq!(error.kind, Kind::Other);
    assert_eq!(fake.calls().len(), 20);
}

#[tokio::test]
async fn an_address_is_quoted() {
    let fake = FakeGoogle::answering(page(&[], "")).await;
    let address = r"o'brien\' || true || '@example.com";
    google(&fake)
        .await
        .groups_of(address)
        .await
        .expect("groups");
    assert_eq!(
        fake.calls()[0].parameter("query").as_deref(),
        Some(
            r"member_key_id == 'o\'brien\\\' || true || \'@example.com' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels"
        )
    );
}

#[tokio::test]
async fn groups_of_other_systems_are_no_addresses() {
    let fake = FakeGoogle::answering(Reply::json(json!({"memberships": [
        {"groupKey": {"id": "Admins", "namespace": "identitysources/1"}},
        {"groupKey": {"id": "a@example.com"}}
    ]})))
    .await;
    let found = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect("groups");
    assert_eq!(found.groups, set(&["a@example.com"]));
}
