//! Reads and writes of versions below 3.

use serde_json::json;

use super::grant;
use crate::served::{Served, sentence};

#[tokio::test]
async fn versions_below_3() {
    let google = Served::new().await;
    let (_, seen) = google
        .post("/v1/projects/web-prod:getIamPolicy", json!({}))
        .await;
    assert_eq!(seen["version"], 1);
    assert!(
        seen["bindings"][1]["role"]
            .as_str()
            .unwrap()
            .starts_with("roles/compute.admin_withcond_")
    );
    let (status, _) = google
        .post(
            "/v3/projects/web-prod:getIamPolicy",
            json!({"options": {"requestedPolicyVersion": 2}}),
        )
        .await;
    assert_eq!(status, 400);

    let plain = json!([{"role": "roles/viewer", "members": ["user:alice@example.com"]}]);
    let etag = google.policy("projects/web-prod").await["etag"].clone();
    let (status, body) = google
        .set(
            "projects/web-prod",
            json!({"version": 1, "etag": etag, "bindings": plain}),
        )
        .await;
    assert_eq!(status, 400);
    assert!(sentence(&body).starts_with(
        "Specified policy version (1) cannot be less than the existing policy version (3)."
    ));
    let (status, body) = google
        .set(
            "projects/data-prod",
            json!({"version": 1, "bindings": [grant("1", "true")]}),
        )
        .await;
    assert_eq!(status, 400, "{body}");
    // Documented, and why clients must never write without an etag.
    let (status, lost) = google
        .set(
            "projects/web-prod",
            json!({"version": 1, "bindings": plain}),
        )
        .await;
    assert_eq!(
        (status, &lost["version"], &lost["bindings"]),
        (200, &json!(1), &plain)
    );
}

#[tokio::test]
async fn a_world_may_refuse_reads_below_version_3() {
    let google = Served::new().await;
    google
        .post("/control/world", json!({"lowVersionReads": "refuse"}))
        .await;
    let (status, body) = google
        .post(
            "/v3/projects/web-prod:getIamPolicy",
            json!({"options": {"requestedPolicyVersion": 1}}),
        )
        .await;
    assert_eq!(status, 400);
    assert!(sentence(&body).starts_with(
        "Requested policy version (1) cannot be less than the existing policy version (3)."
    ));
    assert_eq!(
        google
            .post("/v3/folders/10:getIamPolicy", json!({}))
            .await
            .0,
        200,
        "it has no conditions"
    );
}
