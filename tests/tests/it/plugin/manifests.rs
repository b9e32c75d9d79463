//! `kubectl jit verify-manifests`, which needs no cluster.

use std::path::PathBuf;

use anyhow::Result;
use jit_access_tests::folder::Folder;
use jit_access_tests::kubectl::Printed;
use jit_access_tests::programs;
use serde_json::{Value, json};

use super::{fits, plugin, run};

const AGENT: &str = "system:serviceaccount:flux-system:approvals";
const APPROVAL: &str = "metadata.annotations[approved-by.jit-access.dev/somebody]";

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
    let printed = verified(files, flags).await?;
    Ok((printed.code, printed.stdout))
}

async fn verified(files: &[&PathBuf], flags: &[&str]) -> Result<Printed> {
    let mut command = plugin("/nonexistent".as_ref())?;
    command.arg("verify-manifests").args(files).args(flags);
    let printed = run(command).await?;
    fits(&printed);
    Ok(printed)
}

#[tokio::test]
async fn good_files_pass_and_each_fault_of_bad_ones_is_named() -> Result<()> {
    let folder = Folder::new()?;
    let good = manifest("good", &format!("bob@example.com via {AGENT}: fine"));
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";
    let good = folder.write("good.yaml", &format!("{good}---\n{other}"))?;
    let printed = verified(&[&good], &[]).await?;
    assert_eq!((printed.code, printed.stdout.as_str()), (0, ""));
    // Lines break where they fit, which depends on how long the file's name is.
    let told = printed.stderr.split_whitespace().collect::<Vec<_>>();
    let told = told.join(" ");
    assert!(
        told.contains("document 2: ConfigMap other is no AccessRequest"),
        "{told}"
    );

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
    assert_eq!(report["ignored"][0]["object"], "ConfigMap other");
    let faults = report["faults"].as_array().cloned().unwrap_or_default();
    let expected = [
        (
            &bad,
            json!(["document 1", "gitops/by-eve", APPROVAL]),
            "eve@example.com is none of the reviewers",
        ),
        (
            &bad,
            json!(["document 2", "gitops/by-alice", APPROVAL]),
            "nobody approves their own request",
        ),
        (
            &bad,
            json!(["document 3", "gitops/unsigned", APPROVAL]),
            "bob@example.com cannot sign alone",
        ),
        (
            &broken,
            json!([null, null, null]),
            "is no YAML that can be read",
        ),
        (&missing, json!([null, null, null]), "cannot be read"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, (file, place, words)) in faults.iter().zip(expected) {
        assert_eq!(fault["file"], file.display().to_string());
        let found = json!([fault["document"], fault["object"], fault["field"]]);
        assert_eq!(found, place);
        let message = fault["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
    Ok(())
}

/// docs/approve-by-git.md leads to these, and its CI runs this command.
#[tokio::test]
async fn the_examples_for_git_are_what_ci_lets_pass() -> Result<()> {
    let examples = programs::repository().join("docs/examples");
    let git = examples.join("git/requests");
    let agent = "system:serviceaccount:jit-git:applier";
    let flags = ["--agent", agent, "-n", "web-requests"];
    let printed = verified(&[&git], &flags).await?;
    assert_eq!((printed.code, printed.stdout.as_str()), (0, ""));
    assert!(
        printed.stderr.contains("3 AccessRequests checked"),
        "{}",
        printed.stderr
    );
    let other = ["--agent", "system:serviceaccount:jit-git:other"];
    assert_eq!(verify(&[&git], &other).await?.0, 1);
    assert_eq!(verify(&[&git], &["-n", "jit-git"]).await?.0, 1);

    // Those that people apply themselves need no start time.
    let mut people: Vec<PathBuf> = std::fs::read_dir(&examples)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    people.retain(|path| path.is_file());
    let people: Vec<&PathBuf> = people.iter().collect();
    assert_eq!(verify(&people, &[]).await?, (0, String::new()));
    Ok(())
}

#[tokio::test]
async fn standard_input_is_read() -> Result<()> {
    let mut command = plugin("/nonexistent".as_ref())?;
    command.args(["verify-manifests", "-"]);
    let printed = run(command).await?;
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed.stderr.contains("0 AccessRequests checked"),
        "{}",
        printed.stderr
    );
    Ok(())
}
