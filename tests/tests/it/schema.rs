//! The schema on a real API server, through the real kubectl: what `kubectl apply` accepts, and what a
//! person reads who wrote something else.

mod examples;
mod presentation;

use anyhow::Result;
use jit_access_tests::control_plane::{ControlPlane, Options};
use jit_access_tests::install;
use jit_access_tests::kubectl::Kubectl;
use jit_access_tests::request::Request;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// A control plane with the resource installed, and kubectl as one of the people.
struct Cluster {
    _control_plane: ControlPlane,
    admin: Kubectl,
    alice: Kubectl,
}

impl Cluster {
    async fn start(emulated_version: Option<&str>) -> Result<Self> {
        let control_plane = ControlPlane::start(Options {
            emulated_version: emulated_version.map(str::to_owned),
            ..Options::default()
        })
        .await?;
        // Without the admission policy: what is accepted and refused here is so by the schema.
        install::schema_alone(&control_plane).await?;
        let kubeconfig =
            control_plane.kubeconfig_for("alice@example.com", Some(install::PEOPLE))?;
        Ok(Self {
            admin: Kubectl::new(&control_plane.admin_kubeconfig()?, "default"),
            alice: Kubectl::new(&kubeconfig, "default"),
            _control_plane: control_plane,
        })
    }

    /// The one that the tests of this file share; each uses names of its own.
    async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(None)).await
    }
}

/// A request of alice that is accepted.
fn request(name: &str) -> Request {
    Request::new(
        name,
        "alice@example.com",
        "projects/web-prod",
        "roles/viewer",
    )
}

#[tokio::test]
async fn good_requests_are_accepted_and_bad_ones_get_a_sentence() -> Result<()> {
    examples::check(&Cluster::shared().await?.alice).await
}

#[tokio::test]
async fn the_oldest_supported_version_accepts_and_refuses_the_same() -> Result<()> {
    let cluster = Cluster::start(Some("1.34")).await?;
    let version = cluster
        .admin
        .run(&["get", "--raw", "/version"])
        .await?
        .success()?;
    let version: Value = serde_json::from_str(&version)?;
    assert_eq!(version["emulationMinor"], "34", "{version}");
    examples::check(&cluster.alice).await
}

const NEVER_CHANGES: &str = "spec never changes: create a new AccessRequest";

#[tokio::test]
async fn a_spec_never_changes_in_any_way() -> Result<()> {
    let alice = &Cluster::shared().await?.alice;
    let original = request("immutable");
    alice.apply(&original).await?.success()?;

    for changed in [
        original.clone().justification("another one"),
        original.clone().role("roles/editor"),
        original.clone().field("duration", Value::Null),
        original.clone().start_time("2026-11-23T20:00:00Z"),
        original.clone().reviewers(&["bob@example.com"]),
        original.clone().condition("resource.name == 'x'"),
    ] {
        let sentence = alice.apply(&changed).await?.refusal()?;
        assert!(sentence.contains(NEVER_CHANGES), "{changed}: {sentence}");
    }

    let elsewhere = &original
        .clone()
        .field("resource", "projects/other-prod")
        .manifest()["spec"];
    for (patch, expected) in [
        // Once it is gone, another one could be added.
        (
            json!([{"op": "remove", "path": "/spec"}]),
            "spec: Required value",
        ),
        (
            json!([{"op": "remove", "path": "/spec"}, {"op": "add", "path": "/spec", "value": elsewhere}]),
            NEVER_CHANGES,
        ),
        // A null that says the same as nothing is a change too.
        (
            json!([{"op": "add", "path": "/spec/condition", "value": null}]),
            NEVER_CHANGES,
        ),
    ] {
        let arguments = [
            "patch",
            "areq",
            "immutable",
            "--type=json",
            "-p",
            &patch.to_string(),
        ];
        let sentence = alice.run(&arguments).await?.refusal()?;
        assert!(sentence.contains(expected), "{patch}: {sentence}");
    }

    // What is not the spec may change, and the object is what it was.
    alice
        .run(&["label", "areq", "immutable", "team=web"])
        .await?
        .success()?;
    let stored = alice
        .run(&["get", "areq", "immutable", "-o", "json"])
        .await?
        .success()?;
    let stored: Value = serde_json::from_str(&stored)?;
    assert_eq!(stored["spec"], original.manifest()["spec"]);
    assert_eq!(stored["metadata"]["generation"], 1);
    Ok(())
}
