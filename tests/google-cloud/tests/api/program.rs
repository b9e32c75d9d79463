//! The program itself, with the demo's world.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_google-cloud-simulator"));
    command
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn demo() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("worlds/demo.json")
}

#[tokio::test]
async fn it_says_where_it_listens_and_serves_the_demos_world() {
    let mut child = program().arg("--world").arg(demo()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .await
        .unwrap();
    let base = line.trim_end().strip_prefix("listening on ").unwrap();
    assert!(base.starts_with("http://127.0.0.1:"), "{line}");
    let project: Value = reqwest::get(format!("{base}/v3/projects/web-prod"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(project["projectId"], "web-prod");
}

#[tokio::test]
async fn it_says_where_identity_aware_proxy_listens() {
    let audience = "--iap-audience=/projects/1/global/backendServices/1";
    let mut child = program()
        .args(["--iap-listen=127.0.0.1:0", audience])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(
        first.starts_with("listening on http://127.0.0.1:"),
        "{first}"
    );
    let second = lines.next_line().await.unwrap().unwrap();
    let base = second.strip_prefix("iap listening on ").unwrap();
    let page = reqwest::get(format!("{base}/_gcp_iap/sign_in"))
        .await
        .unwrap();
    assert_eq!(page.status(), 200);

    let incomplete = program().arg("--iap-listen=127.0.0.1:0").output().await;
    let output = incomplete.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--iap-audience"));
}

/// The demo writes its policies back through the rules, so they must be acceptable as they are.
#[tokio::test]
async fn the_demos_policies_are_acceptable_to_google() {
    let world: Value = serde_json::from_slice(&std::fs::read(demo()).unwrap()).unwrap();
    let google = crate::served::Served::with(world.clone()).await;
    for resource in world["policies"].as_object().unwrap().keys() {
        let mut policy = google.policy(resource).await;
        policy["version"] = 3.into();
        let bindings = policy["bindings"].clone();
        let (status, written) = google.set(resource, policy).await;
        assert_eq!(status, 200, "{resource}: {written}");
        assert_eq!(written["bindings"], bindings, "{resource}");
    }
    for project in world["projects"].as_array().unwrap() {
        let id = project["id"].as_str().unwrap();
        assert!((6..=30).contains(&id.len()), "{id} is no project id");
    }
}

#[tokio::test]
async fn a_bad_start_ends_with_a_sentence() {
    let output = program()
        .args(["--world", "/no/such/file.json"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("the world /no/such/file.json cannot be read")
    );
    let output = program()
        .args(["--listen", "nowhere"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
}
