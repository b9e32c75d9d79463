//! Cloud Asset.

use serde_json::{Value, json};

use crate::served::{Served, sentence};

fn resources(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().into_iter().flatten();
    results
        .filter_map(|one| {
            one["resource"]
                .as_str()
                .or(one["name"].as_str())
                .and_then(|name| name.rsplit("com/").next())
        })
        .collect()
}

#[tokio::test]
async fn policies_are_found_by_their_text_with_matching_bindings_only() {
    let google = Served::new().await;
    let found = google
        .ok("/v1/organizations/1:searchAllIamPolicies?query=policy:ops@example.com")
        .await;
    assert_eq!(resources(&found), ["folders/10", "projects/web-prod"]);
    let result = &found["results"][1];
    assert_eq!(result["policy"]["bindings"].as_array().unwrap().len(), 1);
    assert_eq!(
        result["policy"]["bindings"][0]["condition"]["title"],
        "eligible"
    );
    assert_eq!(
        (
            &result["project"],
            &result["folders"],
            &result["organization"]
        ),
        (
            &json!("projects/1001"),
            &json!(["folders/10"]),
            &json!("organizations/1")
        )
    );
    assert_eq!(
        result["assetType"],
        "cloudresourcemanager.googleapis.com/Project"
    );
    for (query, expected) in [
        ("policy:jitAccessConstraint", vec!["projects/web-prod"]),
        ("policy:roles/logging.viewer", vec!["folders/10"]),
        (
            "policy.role.permissions:compute.instances.delete",
            vec!["projects/web-prod"],
        ),
        (
            "policy:ops@example.com%20resource:web",
            vec!["projects/web-prod"],
        ),
        ("memberTypes:user", vec!["projects/web-prod"]),
        ("policy:carol*", vec![]),
        ("", vec!["folders/10", "projects/web-prod"]),
    ] {
        let found = google
            .ok(&format!(
                "/v1/organizations/1:searchAllIamPolicies?orderBy=&query={query}"
            ))
            .await;
        assert_eq!(resources(&found), expected, "{query}");
    }
    let only = google
        .ok("/v1/organizations/1:searchAllIamPolicies?assetTypes=.*Folder")
        .await;
    assert_eq!(resources(&only), ["folders/10"]);
    assert_eq!(
        resources(
            &google
                .ok("/v1/projects/data-prod:searchAllIamPolicies")
                .await
        ),
        [""; 0],
        "nothing is inherited"
    );
    assert_eq!(
        google
            .get("/v1/organizations/1:searchAllIamPolicies?query=nonsense:x")
            .await
            .0,
        400
    );
    assert_eq!(
        google
            .get("/v1/organizations/9:searchAllIamPolicies")
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn the_index_lags_behind_as_long_as_it_is_told() {
    let google = Served::new().await;
    google
        .put("/control/index", json!({"lagSeconds": 300}))
        .await;
    let binding = json!({"role": "roles/storage.admin", "members": ["user:bob@example.com"], "condition": {"title": "jit-access 1", "expression": "true"}});
    assert_eq!(
        google
            .set(
                "projects/data-prod",
                json!({"version": 3, "bindings": [binding]})
            )
            .await
            .0,
        200
    );
    let path = "/v1/organizations/1:searchAllIamPolicies?query=policy:%22jit-access%22";
    assert_eq!(resources(&google.ok(path).await), [""; 0]);
    google
        .put("/control/clock", json!({"offsetSeconds": 301}))
        .await;
    assert_eq!(resources(&google.ok(path).await), ["projects/data-prod"]);
}

#[tokio::test]
async fn resources_and_effective_policies() {
    let google = Served::new().await;
    let found = google.ok("/v1/organizations/1:searchAllResources?assetTypes=cloudresourcemanager.googleapis.com/Project&query=web").await;
    assert_eq!(resources(&found), ["projects/web-prod"]);
    assert_eq!(
        found["results"][0]["additionalAttributes"]["projectId"],
        "web-prod"
    );
    assert_eq!(
        resources(
            &google
                .ok("/v1/folders/10:searchAllResources?pageSize=2")
                .await
        )
        .len(),
        2
    );

    let name = "//cloudresourcemanager.googleapis.com/projects/web-prod";
    let effective = google
        .ok(&format!(
            "/v1/organizations/1/effectiveIamPolicies:batchGet?names={name}"
        ))
        .await;
    let attached: Vec<&Value> = effective["policyResults"][0]["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["attachedResource"])
        .collect();
    assert_eq!(
        attached,
        [name, "//cloudresourcemanager.googleapis.com/folders/10"]
    );
    let own = google
        .ok(&format!(
            "/v1/projects/web-prod/effectiveIamPolicies:batchGet?names={name}"
        ))
        .await;
    assert_eq!(
        own["policyResults"][0]["policies"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "up to the scope only"
    );
    let (status, body) = google
        .get(&format!(
            "/v1/projects/data-prod/effectiveIamPolicies:batchGet?names={name}"
        ))
        .await;
    assert_eq!(status, 400);
    assert!(sentence(&body).contains("within the scope projects/data-prod"));
}

#[tokio::test]
async fn an_overridden_post_is_a_get() {
    let google = Served::new().await;
    let request = google
        .request(
            reqwest::Method::POST,
            "/v1/organizations/1:searchAllIamPolicies",
        )
        .header("x-http-method-override", "GET")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("query=policy%3Aroles%2Flogging.viewer&pageSize=");
    let (status, body) = crate::served::answer(request).await;
    assert_eq!((status, resources(&body)), (200, vec!["folders/10"]));
}
