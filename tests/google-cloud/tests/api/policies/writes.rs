//! What a write changes, and what it leaves.

use serde_json::json;

use super::{grant, with};
use crate::served::{Served, sentence};

#[tokio::test]
async fn a_conditional_write_changes_the_etag_and_a_stale_one_is_a_conflict() {
    let google = Served::new().await;
    let before = google.policy("projects/web-prod").await;
    assert_eq!(before["version"], 3);
    let next = with(&google, "projects/web-prod", grant("1", "true")).await;
    let (status, written) = google.set("projects/web-prod", next.clone()).await;
    assert_eq!(status, 200, "{written}");
    assert_ne!(written["etag"], before["etag"]);
    assert_eq!(
        google.policy("projects/1001").await,
        written,
        "a project's number is the same resource"
    );
    assert_eq!(written["bindings"].as_array().unwrap().len(), 3);

    let (status, conflict) = google.set("projects/web-prod", next).await;
    assert_eq!(
        (status, conflict["error"]["status"].as_str()),
        (409, Some("ABORTED"))
    );
    assert!(sentence(&conflict).contains("There were concurrent policy changes."));
    assert!(
        sentence(&conflict).contains("did not match the current policy's ETag '\\007"),
        "{conflict}"
    );
    assert_eq!(conflict["error"]["errors"][0]["reason"], "aborted");
}

#[tokio::test]
async fn a_write_that_changes_nothing_changes_the_etag() {
    let google = Served::new().await;
    let policy = google.policy("projects/web-prod").await;
    let (_, written) = google.set("projects/web-prod", policy.clone()).await;
    assert_eq!(written["bindings"], policy["bindings"]);
    assert_ne!(written["etag"], policy["etag"]);
}

#[tokio::test]
async fn unknown_fields_and_audit_configs_survive_a_write_of_bindings() {
    let google = Served::new().await;
    let before = google.policy("projects/web-prod").await;
    let policy = json!({"version": 3, "etag": before["etag"], "bindings": [], "auditConfigs": []});
    let (_, written) = google.set("projects/web-prod", policy).await;
    assert_eq!(written["futureField"], json!({"kept": true}));
    assert_eq!(written["auditConfigs"], before["auditConfigs"]);
    assert_eq!(written.get("bindings"), None);
    assert_eq!(written["version"], 1, "without conditions the version is 1");
}

#[tokio::test]
async fn audit_configs_are_written_only_by_the_mask_and_named_by_word() {
    let google = Served::new().await;
    let audit = json!([{"service": "storage.googleapis.com", "auditLogConfigs": [{"logType": 2}]}]);
    let body =
        json!({"policy": {"version": 3, "auditConfigs": audit}, "updateMask": "auditConfigs"});
    let (status, written) = google
        .post(
            "/v3/projects/web-prod:setIamPolicy?%24alt=json%3Benum-encoding%3Dint",
            body,
        )
        .await;
    assert_eq!(status, 200, "{written}");
    assert_eq!(
        written["auditConfigs"], audit,
        "numbers for a client that asked for them"
    );
    assert_eq!(
        written["bindings"].as_array().unwrap().len(),
        2,
        "bindings are not in the mask"
    );
    let words = google.policy("projects/web-prod").await;
    assert_eq!(
        words["auditConfigs"][0]["auditLogConfigs"][0]["logType"],
        "DATA_WRITE"
    );
    let bad = json!({"policy": {"version": 3}, "updateMask": "owner"});
    assert_eq!(
        google
            .post("/v3/projects/web-prod:setIamPolicy", bad)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn equal_bindings_merge_members_once_and_in_lower_case() {
    let google = Served::new().await;
    let mut again = grant("1", "true");
    again["members"] = json!(["user:Alice@Example.com", "user:bob@example.com"]);
    let (_, written) = google
        .set(
            "projects/data-prod",
            json!({"version": 3, "bindings": [grant("1", "true"), again, grant("2", "true")]}),
        )
        .await;
    let bindings = written["bindings"].as_array().unwrap();
    assert_eq!(bindings.len(), 2, "{written}");
    assert_eq!(
        bindings[0]["members"],
        json!(["user:bob@example.com", "user:alice@example.com"])
    );
}
