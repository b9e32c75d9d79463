//! Who has which permission.

use reqwest::Method;
use serde_json::{Value, json};

use super::with;
use crate::served::{Served, answer, sentence};

#[tokio::test]
async fn a_missing_project_and_a_missing_right_are_the_same_403() {
    let google = Served::new().await;
    let (status, body) = google
        .post("/v3/projects/no-such:getIamPolicy", json!({}))
        .await;
    assert_eq!(
        (status, sentence(&body)),
        (403, "The caller does not have permission")
    );
    assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
    let as_bob = google
        .request(Method::POST, "/v3/projects/web-prod:getIamPolicy")
        .bearer_auth("bob@example.com")
        .json(&json!({}));
    assert_eq!(answer(as_bob).await.0, 403);
    google.set("projects/data-prod", json!({"bindings": [{"role": "roles/iam.securityReviewer", "members": ["user:bob@example.com"]}]})).await;
    let as_bob = google
        .request(Method::POST, "/v3/projects/data-prod:getIamPolicy")
        .bearer_auth("bob@example.com")
        .json(&json!({}));
    assert_eq!(answer(as_bob).await.0, 200);
    let unknown = google
        .request(Method::GET, "/v3/projects/web-prod")
        .bearer_auth("ya29.unknown");
    assert_eq!(answer(unknown).await.0, 401);
}

async fn permissions_of(
    google: &Served,
    account: &str,
    resource: &str,
    permissions: &[&str],
) -> Value {
    let request = google
        .request(Method::POST, &format!("/v3/{resource}:testIamPermissions"))
        .bearer_auth(account)
        .json(&json!({"permissions": permissions}));
    let (status, body) = answer(request).await;
    assert_eq!(status, 200, "{body}");
    body.get("permissions")
        .cloned()
        .unwrap_or_else(|| json!([]))
}

#[tokio::test]
async fn permissions_follow_groups_ancestors_and_conditions_at_the_simulated_time() {
    let google = Served::new().await;
    let asked = [
        "compute.instances.delete",
        "logging.logs.list",
        "compute.instances.get",
    ];
    let has = permissions_of(&google, "alice@example.com", "projects/web-prod", &asked).await;
    assert_eq!(
        has,
        json!(["logging.logs.list", "compute.instances.get"]),
        "by nested group on the folder, and by name"
    );

    let soon = r#"request.time < timestamp("2999-01-01T00:00:00Z")"#;
    let next = with(&google, "projects/web-prod", json!({"role": "roles/compute.admin", "members": ["user:alice@example.com"], "condition": {"title": "jit", "expression": soon}})).await;
    assert_eq!(google.set("projects/web-prod", next).await.0, 200);
    let has = permissions_of(&google, "alice@example.com", "projects/1001", &asked[..1]).await;
    assert_eq!(has, json!(["compute.instances.delete"]));
    assert_eq!(
        permissions_of(&google, "bob@example.com", "projects/1001", &asked[..1]).await,
        json!([])
    );
    let thousand_years = json!({"offsetSeconds": 1_000_i64 * 365 * 86_400});
    assert_eq!(google.put("/control/clock", thousand_years).await.0, 200);
    assert_eq!(
        permissions_of(&google, "alice@example.com", "projects/1001", &asked[..1]).await,
        json!([])
    );
    let (status, _) = google
        .post(
            "/v3/projects/web-prod:testIamPermissions",
            json!({"permissions": ["compute.*"]}),
        )
        .await;
    assert_eq!(status, 400);
    let (_, all) = google
        .post(
            "/v3/organizations/1:testIamPermissions",
            json!({"permissions": asked}),
        )
        .await;
    assert_eq!(
        all["permissions"],
        json!(asked),
        "the administrator may everything"
    );
}
