//! `getIamPolicy`, `setIamPolicy`, `testIamPermissions`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::served::{Served, answer, sentence};

fn grant(uid: &str, expression: &str) -> Value {
    json!({
        "role": "roles/storage.admin",
        "members": ["user:bob@example.com"],
        "condition": {"title": format!("jit-access {uid}"), "expression": expression},
    })
}

/// The stored policy with one more binding.
async fn with(google: &Served, resource: &str, binding: Value) -> Value {
    let mut policy = google.policy(resource).await;
    policy["version"] = json!(3);
    match policy["bindings"].as_array_mut() {
        Some(bindings) => bindings.push(binding),
        None => policy["bindings"] = json!([binding]),
    }
    policy
}

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
