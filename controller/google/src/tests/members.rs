//! Who is in a group, and what a role is called.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    fake_google::{FakeGoogle, Reply, Request},
    google, settings,
};
use crate::{Google, GroupSource, Kind, Settings};

const GROUP: &str = "sre@example.com";

fn set(people: &[&str]) -> BTreeSet<String> {
    people.iter().map(|&email| email.to_owned()).collect()
}

/// The group's name that a call is about: `groups/sre` for `sre@example.com`.
fn group(request: &Request) -> String {
    let rest = request
        .path()
        .strip_prefix("/v1/groups/")
        .unwrap_or_default();
    rest.split('/').next().unwrap_or_default().to_owned()
}

fn lookup(request: &Request) -> Reply {
    let email = request.parameter("groupKey.id").expect("a group");
    let local = email.split('@').next().unwrap_or_default();
    Reply::json(json!({"name": format!("groups/{local}")}))
}

/// An edition without the transitive search; members are `KIND email`.
async fn without_premium(
    members: impl Fn(&str) -> Vec<String> + Send + Sync + 'static,
) -> FakeGoogle {
    FakeGoogle::start(move |_, request| {
        if request.path() == "/v1/groups:lookup" {
            return lookup(request);
        }
        if request.path().ends_with(":searchTransitiveMemberships") {
            return Reply::error(403, "PERMISSION_DENIED", "Error(3005): no license");
        }
        let memberships: Vec<Value> = members(&group(request))
            .iter()
            .filter_map(|member| member.split_once(' '))
            .map(|(kind, email)| json!({"preferredMemberKey": {"id": email}, "type": kind}))
            .collect();
        Reply::json(json!({"memberships": memberships}))
    })
    .await
}

#[tokio::test]
async fn all_pages_of_people_are_read() {
    let fake = FakeGoogle::start(|_, request| {
        let person =
            |email: &str| json!({"member": "users/1", "preferredMemberKey": [{"id": email}]});
        match (request.path(), request.parameter("pageToken").as_deref()) {
            ("/v1/groups:lookup", _) => lookup(request),
            (_, None) => Reply::json(
                json!({"memberships": [person("Bob@Example.com")], "nextPageToken": "2"}),
            ),
            _ => Reply::json(json!({"memberships": [
                person("carol@example.com"),
                person("x@web.iam.gserviceaccount.com"),
                {"member": "groups/2", "preferredMemberKey": [{"id": "nested@example.com"}]},
                {"member": "users/3"},
            ]})),
        }
    })
    .await;
    let people = google(&fake).await.members_of("SRE@example.com").await;
    assert_eq!(
        people.expect("people"),
        set(&["bob@example.com", "carol@example.com"])
    );
    let calls = fake.calls();
    assert_eq!(calls[0].parameter("groupKey.id").as_deref(), Some(GROUP));
    assert_eq!(
        calls[1].path(),
        "/v1/groups/sre/memberships:searchTransitiveMemberships"
    );
}

#[tokio::test]
async fn without_the_transitive_search_nested_groups_are_followed() {
    let fake = without_premium(|group| {
        let members: &[&str] = match group {
            "sre" => &[
                "USER bob@example.com",
                "GROUP Nested@example.com",
                "SERVICE_ACCOUNT x@web.iam.gserviceaccount.com",
                "OTHER y@example.com",
            ],
            "nested" => &["USER Carol@example.com", "GROUP sre@example.com"],
            _ => &[],
        };
        members.iter().map(|&member| member.to_owned()).collect()
    })
    .await;
    let people = google(&fake).await.members_of(GROUP).await;
    assert_eq!(
        people.expect("people"),
        set(&["bob@example.com", "carol@example.com"])
    );
    let direct = fake.calls();
    let direct = direct
        .iter()
        .filter(|call| call.path().ends_with("/memberships"));
    assert!(
        direct
            .clone()
            .all(|call| call.parameter("view").as_deref() == Some("FULL"))
    );
    assert_eq!(direct.count(), 2, "each group once");
}

#[tokio::test]
async fn a_part_of_a_group_is_never_given() {
    let deep = |group: &str| {
        let depth: usize = group.trim_start_matches("sre").parse().unwrap_or(0);
        vec![format!("GROUP sre{}@example.com", depth + 1)]
    };
    let wide = |group: &str| match group {
        "sre" => (0..60).map(|n| format!("GROUP g{n}@example.com")).collect(),
        _ => vec!["USER bob@example.com".to_owned()],
    };
    let crowd = |_: &str| {
        (0..1_001)
            .map(|n| format!("USER u{n}@example.com"))
            .collect()
    };
    for fake in [
        without_premium(deep).await,
        without_premium(wide).await,
        without_premium(crowd).await,
    ] {
        let error = google(&fake).await.members_of(GROUP).await;
        let error = error.expect_err("too many");
        assert_eq!(error.kind, Kind::Other);
        assert!(
            error
                .to_string()
                .contains("sre@example.com has more members"),
            "{error}"
        );
        assert!(fake.calls().len() < 50);
    }
}

#[tokio::test]
async fn a_group_that_may_not_be_seen_says_what_is_lacking() {
    let fake = FakeGoogle::answering(Reply::error(403, "PERMISSION_DENIED", "Error(2028)")).await;
    let error = google(&fake).await.members_of(GROUP).await;
    let error = error.expect_err("denied");
    assert_eq!(error.kind, Kind::Denied);
    let message = error.to_string();
    assert!(message.starts_with("Google refused to list the members of sre@example.com: our service account lacks the Groups Reader role"), "{message}");
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_groups_name_cannot_lead_elsewhere() {
    for name in ["groups/..", "groups/a/b", "groups/", "users/1", ""] {
        let fake = FakeGoogle::answering(Reply::json(json!({"name": name}))).await;
        let error = google(&fake).await.members_of(GROUP).await;
        assert_eq!(error.expect_err(name).kind, Kind::Malformed, "{name}");
        assert!(
            fake.calls()
                .iter()
                .all(|call| call.path() == "/v1/groups:lookup")
        );
    }
}

#[tokio::test]
async fn where_nobody_is_in_any_group_nobody_is_listed() {
    let fake = FakeGoogle::answering(Reply::Cut).await;
    let settings = Settings {
        groups: GroupSource::None,
        ..settings(fake.url())
    };
    let google = Google::connect(&settings).await.expect("a client");
    assert_eq!(google.members_of(GROUP).await.expect("nobody"), set(&[]));
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn a_role_has_a_title() {
    let titles = BTreeMap::from([
        ("/v1/roles/viewer", json!({"title": "Viewer"})),
        ("/v1/organizations/1/roles/incidentReader", json!({})),
    ]);
    let fake = FakeGoogle::start(move |_, request| match titles.get(request.path()) {
        Some(role) => Reply::json(role.clone()),
        None => Reply::error(403, "PERMISSION_DENIED", "no"),
    })
    .await;
    let google = google(&fake).await;
    let title = google.role_title("roles/viewer").await;
    assert_eq!(title.expect("a title"), "Viewer");
    let none = google
        .role_title("organizations/1/roles/incidentReader")
        .await;
    assert_eq!(none.expect("no title"), "");
    let error = google.role_title("projects/web/roles/x").await;
    let error = error.expect_err("denied").to_string();
    assert!(error.contains("lacks the permission iam.roles.get on projects/web/roles/x (roles/iam.roleViewer has it)"), "{error}");
    let calls = fake.calls().len();
    let error = google.role_title("roles/../projects").await;
    assert_eq!(error.expect_err("no role").kind, Kind::Invalid);
    assert_eq!(fake.calls().len(), calls);
}
