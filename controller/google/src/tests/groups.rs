//! Which groups a person is in.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{
    fake_google::{FakeGoogle, Reply, Request},
    google, google_within, impatient, limits, settings,
};
use crate::{Google, GroupSource, Kind, Limits, Settings, Source};

const NEEDS_PREMIUM: &str = "Error(3005): the caller's organization has no license for this";

fn page(groups: &[&str], next: &str) -> Reply {
    let memberships: Vec<Value> = groups
        .iter()
        .map(|group| json!({"group": "groups/1", "groupKey": {"id": group}, "relationType": "DIRECT"}))
        .collect();
    Reply::json(json!({"memberships": memberships, "nextPageToken": next}))
}

fn set(groups: &[&str]) -> BTreeSet<String> {
    groups.iter().map(|&group| group.to_owned()).collect()
}

fn is_transitive(request: &Request) -> bool {
    request.path() == "/v1/groups/-/memberships:searchTransitiveGroups"
}

/// Whose groups a call asks for.
fn member(request: &Request) -> String {
    let query = request.parameter("query").expect("a query");
    let (_, rest) = query.split_once("member_key_id == '").expect("a member");
    rest.split('\'').next().unwrap_or_default().to_owned()
}

/// An edition without the transitive search; `direct` says who is in which groups.
async fn without_premium(
    direct: impl Fn(&str) -> Vec<String> + Send + Sync + 'static,
) -> FakeGoogle {
    FakeGoogle::start(move |_, request| {
        if is_transitive(request) {
            return Reply::error(403, "PERMISSION_DENIED", NEEDS_PREMIUM);
        }
        let groups = direct(&member(request));
        page(&groups.iter().map(String::as_str).collect::<Vec<_>>(), "")
    })
    .await
}

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
async fn nested_groups_are_found_without_premium() {
    // A cycle (a, b, c), two ways to d, and the person in it more than once.
    let fake = without_premium(|member| {
        let groups: &[&str] = match member {
            "alice@example.com" => &["A@example.com", "d@example.com"],
            "a@example.com" => &["b@example.com", "d@example.com"],
            "b@example.com" => &["c@example.com"],
            "c@example.com" => &["a@example.com"],
            _ => &[],
        };
        groups.iter().map(|&group| group.to_owned()).collect()
    })
    .await;
    let google = google(&fake).await;
    let found = google.groups_of("alice@example.com").await.expect("groups");
    assert_eq!(
        found.groups,
        set(&[
            "a@example.com",
            "b@example.com",
            "c@example.com",
            "d@example.com"
        ])
    );
    assert_eq!(found.source, Source::WalkedDirect);
    // The refused search, the person, and each group once.
    assert_eq!(fake.calls().len(), 6);

    // What the edition lacks is not asked for again.
    google
        .clone()
        .groups_of("bob@example.com")
        .await
        .expect("groups");
    let asked: Vec<_> = fake.calls()[6..].iter().map(is_transitive).collect();
    assert_eq!(asked, [false]);
}

#[tokio::test]
async fn the_walk_has_bounds_and_says_so() {
    let deep = |levels: usize| {
        without_premium(move |member| {
            let level = member
                .strip_prefix("g")
                .and_then(|rest| rest.split('@').next()?.parse().ok());
            let above = level.map_or(1, |level: usize| level + 1);
            if above > levels {
                vec![]
            } else {
                vec![format!("g{above}@example.com")]
            }
        })
    };
    let wide = |groups: usize| {
        without_premium(move |member| match member {
            "alice@example.com" => (0..groups).map(|n| format!("g{n}@example.com")).collect(),
            _ => vec![],
        })
    };
    for (fake, groups) in [(deep(10).await, 10), (wide(200).await, 200)] {
        let found = google(&fake)
            .await
            .groups_of("alice@example.com")
            .await
            .expect("within the bounds");
        assert_eq!(found.groups.len(), groups);
    }
    for fake in [deep(11).await, wide(201).await] {
        let error = google(&fake)
            .await
            .groups_of("alice@example.com")
            .await
            .expect_err("over a bound");
        assert_eq!((error.kind, error.is_transient()), (Kind::Other, false));
        assert!(
            error
                .message
                .contains("nothing is decided on a part of them"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_on_the_way_up_is_an_error() {
    let fake = FakeGoogle::start(|_, request| match member(request).as_str() {
        _ if is_transitive(request) => Reply::error(403, "PERMISSION_DENIED", NEEDS_PREMIUM),
        "alice@example.com" => page(&["a@example.com", "b@example.com"], ""),
        "a@example.com" => page(&["c@example.com"], ""),
        _ => Reply::error(500, "INTERNAL", "Internal error encountered."),
    })
    .await;
    let error = google(&fake)
        .await
        .groups_of("alice@example.com")
        .await
        .expect_err("a failure");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(
        error
            .message
            .contains("look up the groups of b@example.com for now"),
        "{error}"
    );
    assert!(
        error
            .message
            .ends_with("an address that it does not know, and to one of another organization."),
        "{error}"
    );
}

#[tokio::test]
async fn a_group_of_another_organization_does_not_shut_a_person_out() {
    let fake = FakeGoogle::start(|_, request| match member(request).as_str() {
        _ if is_transitive(request) => {
            Reply::error(403, "PERMISSION_DENIED", "Error(2028): Permission denied")
        }
        "alice@example.com" => page(&["a@example.com"], ""),
        _ => page(&[], ""),
    })
    .await;
    let google = google(&fake).await;
    for _ in 0..2 {
        let found = google.groups_of("alice@example.com").await.expect("groups");
        assert_eq!(
            (found.groups, found.source),
            (set(&["a@example.com"]), Source::WalkedDirect)
        );
    }
    // That says nothing about the edition, so each look-up tries the one search first.
    assert_eq!(
        fake.calls()
            .iter()
            .filter(|call| is_transitive(call))
            .count(),
        2
    );
}

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
