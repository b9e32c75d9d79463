//! What `kubectl get` and `kubectl explain` show.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Cluster, request};

#[tokio::test]
async fn a_list_shows_who_asks_for_what_and_what_became_of_it() -> Result<()> {
    let cluster = Cluster::shared().await?;
    let asked = request("shown")
        .role("roles/editor")
        .reviewers(&["bob@example.com"]);
    cluster.alice.apply(&asked).await?.success()?;
    let status = json!({"status": {
        "conditions": [
            {"type": "Eligible", "status": "True", "reason": "Entitled", "message": "", "lastTransitionTime": "2026-11-23T20:00:00Z"},
            {"type": "Granted", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": "2026-11-23T20:00:00Z"},
        ],
        "grant": {"startTime": "2026-11-23T20:00:00Z", "expireTime": "2096-11-23T20:30:00Z"},
    }});
    let patch = status.to_string();
    let arguments = [
        "patch",
        "areq",
        "shown",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    cluster.admin.run(&arguments).await?.success()?;
    // Nobody else writes it.
    let refusal = cluster.alice.run(&arguments).await?.refusal()?;
    assert!(refusal.contains("(Forbidden)"), "{refusal}");

    let words = |printed: &str| -> Vec<Vec<String>> {
        let columns = |line: &str| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        printed.lines().map(columns).collect()
    };
    let printed = cluster
        .alice
        .run(&["get", "areq", "shown"])
        .await?
        .success()?;
    let table = words(&printed);
    assert_eq!(
        table[0],
        [
            "NAME",
            "REQUESTER",
            "RESOURCE",
            "ROLES",
            "STATUS",
            "EXPIRES",
            "AGE"
        ]
    );
    let row = [
        "shown",
        "alice@example.com",
        "projects/web-prod",
        r#"["roles/viewer","roles/editor"]"#,
        "Active",
        "2096-11-23T20:30:00Z",
    ];
    assert_eq!(table[1][..6], row);

    let printed = cluster
        .alice
        .run(&["get", "areq", "shown", "-o", "wide"])
        .await?
        .success()?;
    let table = words(&printed);
    assert_eq!(table[0][7..], ["REVIEWERS", "JUSTIFICATION"]);
    assert_eq!(table[1][7..], [r#"["bob@example.com"]"#, "CASE-1: a test"]);

    let printed = cluster
        .alice
        .run(&["get", "jit", "-o", "name"])
        .await?
        .success()?;
    assert!(
        printed.contains("accessrequest.jit-access.dev/shown\n"),
        "{printed}"
    );

    let waited = cluster
        .alice
        .run(&[
            "wait",
            "--for=condition=Granted",
            "areq/shown",
            "--timeout=5s",
        ])
        .await?
        .success()?;
    assert_eq!(waited, "accessrequest.jit-access.dev/shown condition met\n");
    Ok(())
}

#[tokio::test]
async fn requests_are_found_by_requester_and_by_resource() -> Result<()> {
    let alice = &Cluster::shared().await?.alice;
    let one = request("found-1").field("requester", "finder@example.com");
    let two = request("found-2")
        .field("requester", "finder@example.com")
        .field("resource", "folders/777");
    alice.apply(&one).await?.success()?;
    alice.apply(&two).await?.success()?;

    let selector = "--field-selector=spec.requester=finder@example.com";
    let both = alice
        .run(&["get", "areq", selector, "-o", "name"])
        .await?
        .success()?;
    assert_eq!(
        both,
        "accessrequest.jit-access.dev/found-1\naccessrequest.jit-access.dev/found-2\n"
    );
    let selector = "--field-selector=spec.requester=finder@example.com,spec.resource=folders/777";
    let second = alice
        .run(&["get", "areq", selector, "-o", "name"])
        .await?
        .success()?;
    assert_eq!(second, "accessrequest.jit-access.dev/found-2\n");

    let refusal = alice
        .run(&["get", "areq", "--field-selector=spec.justification=x"])
        .await?
        .refusal()?;
    assert!(
        refusal.contains("field label not supported: spec.justification"),
        "{refusal}"
    );
    Ok(())
}

/// Every property below this schema, as `spec.roles`.
fn properties(schema: &Value, path: &str, found: &mut Vec<String>) {
    let inner = if schema["type"] == "array" {
        &schema["items"]
    } else {
        schema
    };
    for (name, property) in inner["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        found.push(path.clone());
        properties(property, &path, found);
    }
}

#[tokio::test]
async fn every_field_is_explained() -> Result<()> {
    let cluster = Cluster::shared().await?;
    let crd = cluster
        .admin
        .run(&["get", "crd", "accessrequests.jit-access.dev", "-o", "json"])
        .await?
        .success()?;
    let crd: Value = serde_json::from_str(&crd)?;
    let mut fields = Vec::new();
    properties(
        &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
        "accessrequests",
        &mut fields,
    );
    fields.retain(|field| {
        field.starts_with("accessrequests.spec") || field.starts_with("accessrequests.status")
    });
    assert!(fields.len() > 30, "{fields:?}");
    for field in fields {
        let printed = cluster.alice.run(&["explain", &field]).await?.success()?;
        let (_, after) = printed
            .split_once("DESCRIPTION:\n")
            .with_context(|| format!("{field}: {printed}"))?;
        let description = after.lines().next().unwrap_or_default().trim();
        assert!(
            description.len() > 5 && description != "<empty>",
            "{field} has no description: {printed}"
        );
    }
    Ok(())
}
