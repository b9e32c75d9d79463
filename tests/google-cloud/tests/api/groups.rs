//! Cloud Identity.

use serde_json::{Value, json};

use crate::served::{Served, sentence};

const LABEL: &str = "'cloudidentity.googleapis.com/groups.discussion_forum' in labels";

fn search(verb: &str, query: &str) -> String {
    let query = query
        .replace(' ', "%20")
        .replace('&', "%26")
        .replace('=', "%3D")
        .replace('\'', "%27");
    format!("/v1/groups/-/memberships:{verb}?query={query}&pageToken=")
}

fn groups(answer: &Value) -> Vec<(&str, Option<&str>)> {
    let memberships = answer["memberships"].as_array().into_iter().flatten();
    memberships
        .map(|one| {
            (
                one["groupKey"]["id"].as_str().unwrap(),
                one["relationType"].as_str(),
            )
        })
        .collect()
}

#[tokio::test]
async fn transitive_and_direct_groups_of_a_person() {
    let google = Served::new().await;
    let query = format!("member_key_id == 'Alice@example.com' && {LABEL}");
    let found = google.ok(&search("searchTransitiveGroups", &query)).await;
    assert_eq!(
        groups(&found),
        [
            ("ops@example.com", Some("INDIRECT")),
            ("sre@example.com", Some("DIRECT"))
        ]
    );
    let found = google
        .ok(&search(
            "searchDirectGroups",
            "member_key_id=='alice@example.com'",
        ))
        .await;
    assert_eq!(groups(&found), [("sre@example.com", None)]);
    let up = google
        .ok(&search(
            "searchDirectGroups",
            "member_key_id=='sre@example.com'",
        ))
        .await;
    assert_eq!(
        groups(&up),
        [("ops@example.com", None)],
        "a group is a member too"
    );
    let (status, _) = google
        .get(&search(
            "searchTransitiveGroups",
            "member_key_id == 'alice@example.com'",
        ))
        .await;
    assert_eq!(status, 400, "the label is required");
    assert_eq!(
        google
            .get(&search(
                "searchDirectGroups",
                "member_key_id=='stranger@example.com'"
            ))
            .await
            .0,
        500
    );
    let log = google.ok("/control/log").await;
    assert_eq!(log["entries"][0]["resource"], "alice@example.com");
    assert_eq!(
        log["entries"][0]["method"],
        "groups.memberships.searchTransitiveGroups"
    );
}

#[tokio::test]
async fn a_basic_edition_has_no_transitive_searches() {
    let google = Served::new().await;
    google
        .post("/control/world", json!({"premiumGroups": false}))
        .await;
    let query = format!("member_key_id == 'alice@example.com' && {LABEL}");
    let (status, body) = google.get(&search("searchTransitiveGroups", &query)).await;
    assert_eq!(status, 403);
    assert!(
        sentence(&body).contains("3005") && sentence(&body).contains("Premium"),
        "{body}"
    );
    assert_eq!(
        google
            .get(&search(
                "searchDirectGroups",
                "member_key_id=='alice@example.com'"
            ))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn members_of_a_group() {
    let google = Served::new().await;
    let name = google
        .ok("/v1/groups:lookup?groupKey.id=Ops@example.com")
        .await["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let basic = google.ok(&format!("/v1/{name}/memberships")).await;
    let ids: Vec<&Value> = basic["memberships"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["preferredMemberKey"]["id"])
        .collect();
    assert_eq!(ids, ["sre@example.com", "bob@example.com"]);
    assert_eq!(basic["memberships"][0].get("type"), None);
    let full = google
        .ok(&format!("/v1/{name}/memberships?view=FULL&pageSize=1"))
        .await;
    assert_eq!(full["memberships"][0]["type"], "GROUP");
    assert!(full["nextPageToken"].is_string());
    let all = google
        .ok(&format!(
            "/v1/{name}/memberships:searchTransitiveMemberships"
        ))
        .await;
    let all: Vec<(&str, &str)> = all["memberships"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["preferredMemberKey"][0]["id"].as_str().unwrap(),
                one["relationType"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("sre@example.com", "DIRECT"),
            ("alice@example.com", "INDIRECT"),
            ("bob@example.com", "DIRECT")
        ]
    );
    let check = |who: &str| {
        format!(
            "/v1/{name}/memberships:checkTransitiveMembership?query=member_key_id%3D%3D%27{who}%27"
        )
    };
    assert_eq!(
        google.ok(&check("alice@example.com")).await["hasMembership"],
        true
    );
    assert_eq!(
        google.ok(&check("carol@example.com")).await["hasMembership"],
        false
    );
    assert_eq!(
        google
            .get("/v1/groups:lookup?groupKey.id=none@example.com")
            .await
            .0,
        403
    );
    assert_eq!(google.get("/v1/groups/none/memberships").await.0, 403);
}
