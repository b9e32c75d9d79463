//! `kubectl jit verify-manifests`, which needs no cluster.

use std::path::PathBuf;

use anyhow::Result;
use jit_access_tests::folder::Folder;
use serde_json::{Value, json};

use super::{fits, plugin, run};

const AGENT: &str = "system:serviceaccount:flux-system:approvals";

/// A manifest of alice's for bob to approve, with this approval.
fn manifest(name: &str, approval: &str) -> String {
    format!(
        r#"apiVersion: jit-access.dev/v1alpha1
kind: AccessRequest
metadata:
  name: {name}
  namespace: gitops
  annotations:
    jit-access.dev/created-by: {AGENT}
    approved-by.jit-access.dev/somebody: "{approval}"
spec:
  requester: alice@example.com
  resource: projects/web-prod
  roles: [roles/compute.viewer]
  justification: "INC-1: a test"
  reviewers: [bob@example.com]
  startTime: "2026-11-23T20:00:00Z"
"#
    )
}

async fn verify(files: &[&PathBuf], flags: &[&str]) -> Result<(i32, String)> {
    let mut command = plugin("/nonexistent".as_ref())?;
    command.arg("verify-manifests").args(files).args(flags);
    let printed = run(command).await?;
    fits(&printed);
    Ok((printed.code, printed.stdout))
}

#[tokio::test]
async fn good_files_pass_and_each_fault_of_bad_ones_is_named() -> Result<()> {
    let folder = Folder::new()?;
    let good = manifest("good", &format!("bob@example.com via {AGENT}: fine"));
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";
    let good = folder.write("good.yaml", &format!("{good}---\n{other}"))?;
    assert_eq!(verify(&[&good], &[]).await?, (0, String::new()));

    let eve = manifest("by-eve", &format!("eve@example.com via {AGENT}"));
    let own = manifest("by-alice", &format!("alice@example.com via {AGENT}"));
    let alone = manifest("unsigned", "bob@example.com");
    let bad = folder.write("bad.yaml", &format!("{eve}---\n{own}---\n{alone}"))?;
    let broken = folder.write("broken.yaml", "a: [")?;
    let missing = folder.path().join("missing.yaml");
    let files = [&good, &bad, &broken, &missing];

    let (code, printed) = verify(&files, &[]).await?;
    assert_eq!(code, 1);
    let flowing = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flowing.matches("gitops/").count(), 3, "{printed}");
    assert!(!flowing.contains("good.yaml"), "{printed}");

    let (code, printed) = verify(&files, &["-o", "json"]).await?;
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&printed)?;
    assert_eq!(report["verified"], 4);
    let faults = report["faults"].as_array().cloned().unwrap_or_default();
    let expected = [
        (
            &bad,
            json!("gitops/by-eve"),
            "eve@example.com is none of the reviewers",
        ),
        (
            &bad,
            json!("gitops/by-alice"),
            "nobody approves their own request",
        ),
        (
            &bad,
            json!("gitops/unsigned"),
            "bob@example.com cannot sign alone",
        ),
        (&broken, Value::Null, "is no YAML that can be read"),
        (&missing, Value::Null, "cannot be read"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, (file, object, words)) in faults.iter().zip(expected) {
        assert_eq!(fault["file"], file.display().to_string());
        assert_eq!(fault["object"], object);
        let message = fault["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
    Ok(())
}
