//! From group to group, where an edition or our rights do not allow the one search.

use super::{is_transitive, page, set};
use crate::tests::fake_google::{FakeGoogle, Reply, Request};
use crate::tests::google;
use crate::{Kind, Source};

const NEEDS_PREMIUM: &str = "Error(3005): the caller's organization has no license for this";

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
