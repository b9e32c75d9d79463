//! What a look-up tells of Google's clock.

use std::time::Duration;

use super::page;
use crate::tests::fake_google::{FakeGoogle, Reply};
use crate::tests::{google, limits, settings};
use crate::{Google, GroupSource, Limits, Settings, Source};

#[tokio::test]
async fn without_a_source_only_the_clock_is_asked_and_not_each_time() {
    let fake = FakeGoogle::answering(
        Reply::error(404, "NOT_FOUND", "no such page")
            .with_header("Date: Mon, 23 Nov 2026 20:00:00 GMT"),
    )
    .await;
    let settings = Settings {
        groups: GroupSource::None,
        ..settings(fake.url())
    };
    let google = Google::connect(&settings).await.expect("a client");
    assert_eq!(google.clock_offset(), None);
    let (alice, bob) = tokio::join!(
        google.groups_of("alice@example.com"),
        google.groups_of("bob@example.com")
    );
    for found in [alice.expect("an answer"), bob.expect("an answer")] {
        assert_eq!((found.groups.len(), found.source), (0, Source::None));
        let date = found.server_date.expect("a date").to_string();
        assert_eq!(date, "2026-11-23T20:00:00Z");
        assert_eq!(found.clock_offset, google.clock_offset());
    }
    let calls = fake.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].method.as_str(), calls[0].path()), ("HEAD", "/"));
    assert_eq!(calls[0].header("authorization"), None);
}

#[tokio::test]
async fn without_a_source_a_clock_that_cannot_be_read_is_an_error() {
    let fake = FakeGoogle::answering(Reply::Hang).await;
    let settings = Settings {
        groups: GroupSource::None,
        limits: Limits {
            read_timeout: Duration::from_millis(100),
            repeat_within: Duration::ZERO,
            ..limits()
        },
        ..settings(fake.url())
    };
    let google = Google::connect(&settings).await.expect("a client");
    let error = google
        .groups_of("alice@example.com")
        .await
        .expect_err("no clock");
    assert!(error.message.contains("read Google's clock"), "{error}");
}

#[tokio::test]
async fn googles_clock_is_told() {
    let fake =
        FakeGoogle::answering(page(&[], "").with_header("Date: Mon, 23 Nov 2026 20:00:00 GMT"))
            .await;
    let before = jiff::Timestamp::now();
    let found = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect("groups");
    let date = found.server_date.expect("a date");
    assert_eq!(date.to_string(), "2026-11-23T20:00:00Z");
    let (most, offset) = (
        date.duration_since(before),
        found.clock_offset.expect("an offset"),
    );
    assert!(
        offset <= most && most - offset < Duration::from_secs(60).try_into().expect("a minute")
    );
    // A header that is no date tells nothing, and is no error.
    let fake = FakeGoogle::answering(page(&[], "").with_header("Date: yesterday")).await;
    let found = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect("groups");
    assert_eq!((found.server_date, found.clock_offset), (None, None));
}
