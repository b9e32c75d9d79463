//! Writes that Google refuses, also for its limits.

use serde_json::{Value, json};

use super::grant;
use crate::served::{Served, sentence};

#[tokio::test]
async fn what_google_refuses() {
    let google = Served::new().await;
    let conditional = |role: &str, expression: &str| json!({"role": role, "members": ["user:bob@example.com"], "condition": {"title": "t", "expression": expression}});
    let twelve = vec!["true"; 13].join(" && ");
    let thirteen = format!("{twelve} && true");
    let deep = format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000));
    let chain = format!("resource{}", ".a".repeat(20_000));
    for (binding, expected) in [
        (
            json!({"role": "roles/viewer", "members": ["allUsers"]}),
            "The member allUsers cannot be granted",
        ),
        (
            json!({"role": "roles/viewer", "members": ["allAuthenticatedUsers"]}),
            "cannot be granted",
        ),
        (
            json!({"role": "roles/viewer", "members": ["bob@example.com"]}),
            "is of an unknown type",
        ),
        (
            json!({"role": "roles/viewer", "members": ["user:nobody@example.com"]}),
            "User nobody@example.com does not exist.",
        ),
        (
            json!({"role": "roles/viewer", "members": []}),
            "at least one member",
        ),
        (
            json!({"role": "roles/no.such", "members": ["user:bob@example.com"]}),
            "Role roles/no.such is not supported for this resource.",
        ),
        (
            json!({"role": "projects/web-prod/roles/own", "members": ["user:bob@example.com"]}),
            "is not supported for this resource.",
        ),
        (
            json!({"role": "roles/resourcemanager.organizationAdmin", "members": ["user:bob@example.com"]}),
            "is not supported for this resource.",
        ),
        (
            conditional("roles/owner", "true"),
            "Conditions can't be set on primitive roles",
        ),
        (
            conditional("roles/storage.admin", "request.time <"),
            "compilation failed",
        ),
        (
            conditional("roles/storage.admin", "user == 'bob'"),
            "undeclared reference to 'user'",
        ),
        (
            conditional("roles/storage.admin", &thirteen),
            "must not be more than 12",
        ),
        (conditional("roles/storage.admin", &deep), "deeper than 20"),
        (conditional("roles/storage.admin", &chain), "bytes long"),
    ] {
        let (status, body) = google
            .set(
                "projects/data-prod",
                json!({"version": 3, "bindings": [binding]}),
            )
            .await;
        assert_eq!(
            (status, body["error"]["status"].as_str()),
            (400, Some("INVALID_ARGUMENT")),
            "{binding}"
        );
        assert!(sentence(&body).contains(expected), "{body}");
    }
    let (status, body) = google
        .set(
            "projects/data-prod",
            json!({"version": 3, "bindings": [conditional("roles/storage.admin", &twelve)]}),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = google
        .set(
            "projects/data-prod",
            json!({"version": 3, "etag": "no base64!", "bindings": []}),
        )
        .await;
    assert_eq!(status, 400);
    assert!(sentence(&body).contains("Base64 decoding failed"));
}

#[tokio::test]
async fn limits_of_a_policy() {
    let google = Served::new().await;
    let accounts = |count: usize| -> Vec<String> {
        (0..count)
            .map(|n| format!("serviceAccount:s{n}@web-prod.iam.gserviceaccount.com"))
            .collect()
    };
    let binding = |count: usize| json!({"role": "roles/storage.admin", "members": accounts(count)});
    assert_eq!(
        google
            .set("projects/data-prod", json!({"bindings": [binding(1_500)]}))
            .await
            .0,
        200
    );
    let (status, body) = google
        .set("projects/data-prod", json!({"bindings": [binding(1_501)]}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        sentence(&body),
        "The number of members in the policy (1,501) is larger than the maximum allowed size 1,500."
    );

    let many: Vec<Value> = (0..21).map(|n| grant(&n.to_string(), "true")).collect();
    assert_eq!(
        google
            .set(
                "projects/data-prod",
                json!({"version": 3, "bindings": many[..20]})
            )
            .await
            .0,
        200
    );
    let (status, body) = google
        .set(
            "projects/data-prod",
            json!({"version": 3, "bindings": many}),
        )
        .await;
    assert_eq!(status, 400);
    assert!(
        sentence(&body).contains("(21) is larger than the maximum allowed 20"),
        "{body}"
    );

    let groups: serde_json::Map<String, Value> = (0..251)
        .map(|n| (format!("g{n}@example.com"), json!([])))
        .collect();
    google
        .post("/control/world", json!({"groups": groups}))
        .await;
    let of_groups = |count: usize| -> Value {
        json!({"bindings": [{"role": "roles/storage.admin", "members": (0..count).map(|n| format!("group:g{n}@example.com")).collect::<Vec<_>>()}]})
    };
    assert_eq!(
        google.set("projects/data-prod", of_groups(250)).await.0,
        200
    );
    assert!(
        sentence(&google.set("projects/data-prod", of_groups(251)).await.1)
            .contains("larger than the maximum allowed size 250")
    );
}
