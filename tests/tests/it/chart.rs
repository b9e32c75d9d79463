//! The chart, through the real helm: what it renders, and which values it refuses with a sentence.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result};
use jit_access_tests::programs;
use serde_json::Value;

/// `helm template` with these values, as the release `jit-access` in the namespace `security`.
fn render(values: &[&str]) -> Result<Result<Vec<Value>, String>> {
    let mut helm = Command::new(programs::control_plane()?.join("helm"));
    helm.args(["template", "jit-access", "charts/jit-access"])
        .args(["--namespace", "security"])
        .current_dir(programs::repository());
    for value in values {
        helm.args(["--set-json", value]);
    }
    let output = helm.output().context("helm cannot be started")?;
    if !output.status.success() {
        return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout)?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    Ok(Ok(documents
        .into_iter()
        .filter(|it| !it.is_null())
        .collect()))
}

fn rendered(values: &[&str]) -> Result<Vec<Value>> {
    render(values)?.map_err(anyhow::Error::msg)
}

const SCOPE: &str = "scope=\"organizations/1\"";

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!(
        "{} {}/{}",
        text(&object["kind"]),
        text(&object["metadata"]["namespace"]),
        text(&object["metadata"]["name"])
    )
}

#[test]
fn all_that_an_installation_needs_is_there() -> Result<()> {
    let objects = rendered(&[SCOPE])?;
    let found: BTreeSet<String> = objects.iter().map(name).collect();
    let wanted: BTreeSet<String> = [
        "ClusterRole -/jit-access-controller",
        "ClusterRole -/jit-access-revoker",
        "ClusterRole -/jit-access-user",
        "ClusterRole -/jit-access-viewer",
        "ClusterRoleBinding -/jit-access-controller",
        "ConfigMap security/jit-access-namespaces",
        "CustomResourceDefinition -/accessrequests.jit-access.dev",
        "Namespace -/jit-requests",
        "Role jit-requests/jit-access-webui",
        "Role security/jit-access-controller",
        "RoleBinding jit-requests/jit-access-webui",
        "RoleBinding security/jit-access-controller",
        "ServiceAccount security/jit-access-controller",
        "ServiceAccount security/jit-access-webui",
        "ValidatingAdmissionPolicy -/jit-access-identity",
        "ValidatingAdmissionPolicyBinding -/jit-access-identity",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(found, wanted);
    // What must not go with the release, for requests would go with it or could not be written.
    for object in &objects {
        let keep = &object["metadata"]["annotations"]["helm.sh/resource-policy"];
        let kind = object["kind"].as_str().unwrap_or_default();
        let is_kept = ["ConfigMap", "CustomResourceDefinition", "Namespace"].contains(&kind);
        assert_eq!(keep == "keep", is_kept, "{}", name(object));
        let labels = &object["metadata"]["labels"];
        let aggregates = labels.as_object().into_iter().flatten();
        assert!(
            !aggregates
                .map(|(key, _)| key)
                .any(|key| key.contains("aggregate")),
            "{}",
            name(object)
        );
    }
    Ok(())
}

#[test]
fn namespaces_have_their_scope_and_their_delegates() -> Result<()> {
    let requests = r#"requests=[{"namespace": "jit-requests"}, {"namespace": "gitops", "scope": ["folders/7", "projects/web-prod"], "delegates": ["system:serviceaccount:flux-system:flux"]}]"#;
    let objects = rendered(&[SCOPE, requests])?;
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap");
    let data = &map.context("the ConfigMap")?["data"];
    assert_eq!(
        *data,
        serde_json::json!({
            "jit-requests.scope": "organizations/1",
            "jit-requests.delegates": "system:serviceaccount:security:jit-access-webui",
            "gitops.scope": "folders/7,projects/web-prod",
            "gitops.delegates": "system:serviceaccount:flux-system:flux",
        })
    );
    Ok(())
}

#[test]
fn bad_values_are_refused_with_a_sentence() -> Result<()> {
    for (values, words) in [
        (vec![], "/scope"),
        (vec!["scope=\"everything\""], "/scope"),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "security"}]"#,
                r#"webui={"namespace": "security"}"#,
            ],
            "security is the release's own namespace",
        ),
        (
            vec![SCOPE, r#"requests=[{"namespace": "gitops"}]"#],
            "jit-requests is none of the namespaces under requests",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests"}, {"namespace": "jit-requests"}]"#,
            ],
            "named twice",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests", "delegates": ["system:serviceaccount:jit-requests:agent"]}]"#,
            ],
            "lives in a namespace of requests",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests"}, {"namespace": "gitops", "delegates": ["system:serviceaccount:jit-requests:agent"]}]"#,
            ],
            "lives in a namespace of requests",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests", "delegates": ["system:serviceaccount:security:jit-access-controller"]}]"#,
            ],
            "the controller is no delegate",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests"}, {"namespace": "kube-system"}]"#,
            ],
            "the cluster's own namespace",
        ),
        (
            vec![SCOPE, "scopee=1"],
            "additional properties 'scopee' not allowed",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests", "delegates": ["alice@example.com"]}]"#,
            ],
            "/requests/0/delegates/0",
        ),
        (
            vec![
                SCOPE,
                r#"requests=[{"namespace": "jit-requests", "delegate": []}]"#,
            ],
            "additional properties 'delegate' not allowed",
        ),
    ] {
        let said = render(&values)?
            .err()
            .with_context(|| format!("{values:?}"))?;
        assert!(said.contains(words), "{values:?}: {said}");
    }
    Ok(())
}
