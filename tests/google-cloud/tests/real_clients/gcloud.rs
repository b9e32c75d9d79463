//! The real `gcloud`, without credentials, all its endpoints being the simulator.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::served::Served;
use crate::{is_installed, skip, without_proxy};

const CONDITION: &str = r#"^|^title=jit-access 3|expression=request.time < timestamp("2030-01-01T00:00:00Z")|description=why"#;

/// `gcloud` with a configuration of its own.
struct Gcloud {
    config: TempDir,
    base: String,
}

impl Gcloud {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("gcloud");
        without_proxy(&mut command);
        command
            .env("CLOUDSDK_CONFIG", self.config.path())
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .env("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "true")
            .env("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "true")
            .env("CLOUDSDK_CORE_PROJECT", "web-prod")
            .env("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true");
        for api in [
            "CLOUDRESOURCEMANAGER",
            "CLOUDASSET",
            "IAM",
            "CLOUDIDENTITY",
            "PUBSUB",
        ] {
            command.env(
                format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}"),
                format!("{}/", self.base),
            );
        }
        command.args(arguments).output().unwrap()
    }

    /// A command that must succeed, with its JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format=json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn bindings(policy: &Value) -> usize {
    policy["bindings"].as_array().map_or(0, Vec::len)
}

fn converse(gcloud: &Gcloud) {
    let before = gcloud.json(&["projects", "get-iam-policy", "web-prod"]);
    assert_eq!(
        (&before["version"], bindings(&before)),
        (&json!(3), 2),
        "{before}"
    );

    let grant = [
        "--member=user:bob@example.com",
        "--role=roles/storage.admin",
        "--condition",
        CONDITION,
    ];
    let added = gcloud.json(
        &[
            &["projects", "add-iam-policy-binding", "web-prod"][..],
            &grant,
        ]
        .concat(),
    );
    assert_eq!(bindings(&added), 3, "{added}");
    let ours = added["bindings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|binding| binding["role"] == "roles/storage.admin")
        .unwrap();
    assert_eq!(
        ours["condition"]["expression"],
        r#"request.time < timestamp("2030-01-01T00:00:00Z")"#
    );
    assert_eq!(
        gcloud.json(&["projects", "get-iam-policy", "web-prod"]),
        added
    );

    let stale = gcloud.config.path().join("stale.json");
    // gcloud puts every field of the file into the update mask.
    let former = json!({"version": 3, "etag": before["etag"], "bindings": before["bindings"]});
    std::fs::write(&stale, former.to_string()).unwrap();
    let conflict = gcloud.run(&[
        "projects",
        "set-iam-policy",
        "web-prod",
        stale.to_str().unwrap(),
    ]);
    let errors = String::from_utf8_lossy(&conflict.stderr);
    assert!(
        !conflict.status.success() && errors.contains("concurrent policy changes"),
        "{errors}"
    );

    let removed = gcloud.json(
        &[
            &["projects", "remove-iam-policy-binding", "web-prod"][..],
            &grant,
        ]
        .concat(),
    );
    assert_eq!(bindings(&removed), 2, "{removed}");

    let folder = gcloud.json(&["resource-manager", "folders", "get-iam-policy", "10"]);
    assert_eq!(folder["bindings"][0]["role"], "roles/logging.viewer");
    let organization = gcloud.json(&["organizations", "get-iam-policy", "1"]);
    assert_eq!(organization["etag"], "ACAB", "never written");

    let search = [
        "asset",
        "search-all-iam-policies",
        "--scope=organizations/1",
        "--query=policy:ops@example.com",
        "--page-size=1",
    ];
    let found = gcloud.json(&search);
    let resources: Vec<&Value> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["resource"])
        .collect();
    assert_eq!(
        resources,
        [
            "//cloudresourcemanager.googleapis.com/folders/10",
            "//cloudresourcemanager.googleapis.com/projects/web-prod"
        ]
    );

    assert_eq!(
        gcloud.json(&["projects", "describe", "web-prod"])["projectNumber"],
        "1001"
    );
    assert_eq!(
        gcloud
            .json(&["projects", "get-ancestors", "web-prod"])
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        gcloud.json(&["projects", "list"]).as_array().unwrap().len(),
        2
    );
    let missing = gcloud.run(&["projects", "get-iam-policy", "no-such-project"]);
    let errors = String::from_utf8_lossy(&missing.stderr);
    assert!(errors.contains("does not have permission"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gcloud_reads_and_writes_policies() {
    if !is_installed("gcloud") {
        return skip(
            "gcloud_reads_and_writes_policies",
            "gcloud is not installed",
        );
    }
    let google = Served::new().await;
    let gcloud = Gcloud {
        config: TempDir::new().unwrap(),
        base: google.base.clone(),
    };
    let conversation = tokio::task::spawn_blocking(move || converse(&gcloud)).await;
    assert!(
        conversation.is_ok(),
        "the calls were: {:?}",
        google.log().await
    );
}
