//! The files of `docs/examples/git/`, applied as an agent applies them, in the demo's world.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::{Case, state};
use jit_access_tests::eventually::eventually;
use jit_access_tests::kubectl::Kubectl;
use jit_access_tests::{install, programs};
use kube::Api;
use serde_json::Value;

const NAMESPACE: &str = "web-requests";
const SOON: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    programs::repository().join("docs/examples/git")
}

/// All requests, for access that begins in an hour.
fn requests() -> Result<String> {
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let start = start.strftime("startTime: \"%Y-%m-%dT%H:00:00Z\"");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder().join("requests"))? {
        let text = std::fs::read_to_string(entry?.path())?;
        let lines = text.lines().map(|line| match line.trim_start() {
            field if field.starts_with("startTime:") => format!("  {start}"),
            _ => line.to_owned(),
        });
        all.push(lines.collect::<Vec<_>>().join("\n"));
    }
    ensure!(all.len() == 3, "three examples");
    Ok(all.join("\n---\n"))
}

#[tokio::test]
async fn an_agent_applies_the_examples_again_and_again() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let world = programs::repository().join("tests/google-cloud/worlds/demo.json");
    let world: Value = serde_json::from_str(&std::fs::read_to_string(world)?)?;
    bench.simulator.add(&world).await?;
    let case = Case::new(&bench).await?;
    let admin = bench.admin_kubectl("default")?;
    admin
        .run(&["create", "namespace", NAMESPACE])
        .await?
        .success()?;
    let agent = "system:serviceaccount:jit-git:applier";
    case.set_up(NAMESPACE, ORGANIZATION, &[agent]).await?;
    let file = format!("--filename={}", folder().join("agent.yaml").display());
    admin
        .run(&["--namespace=", "apply", &file])
        .await?
        .success()?;
    let control_plane = &bench.control_plane;
    let identity = control_plane.service_account("jit-git", "applier").await?;
    let text = control_plane.kubeconfig_text(identity);
    let kubeconfig = control_plane.folder().write("applier.kubeconfig", &text)?;
    let agent = Kubectl::new(&kubeconfig, NAMESPACE);
    let apply = async || {
        // As Flux does with the annotation that the examples have.
        let arguments = [
            "apply",
            "--server-side",
            "--field-manager=kustomize-controller",
            "--filename=-",
        ];
        agent.run_with(&arguments, &requests()?).await?.success()
    };
    apply().await?;
    let requests: Api<AccessRequest> = Api::namespaced(control_plane.admin().await?, NAMESPACE);
    let becomes = async |name: &str, wanted: AccessState| {
        let mut last = None;
        let waited = eventually(SOON, async || {
            let request = requests.get(name).await?;
            let now = state(&request);
            last = request.status.clone();
            Ok((now == Some(wanted)).then_some(request))
        })
        .await;
        waited.with_context(|| format!("{name}: {last:?}"))
    };
    becomes("chg-4712-backup", AccessState::Scheduled).await?;
    becomes("chg-4714-count-machines", AccessState::Scheduled).await?;
    let waiting = becomes("inc-4713-node-pool", AccessState::AwaitingApproval).await?;

    let kubeconfig = control_plane.kubeconfig_for("bob@example.com", Some(install::PEOPLE))?;
    let bob = Kubectl::new(&kubeconfig, NAMESPACE);
    let uid = waiting.metadata.uid.context("a UID")?;
    let approval = format!(
        "approved-by.jit-access.dev/{}-bob=bob@example.com: go on",
        &uid[..8]
    );
    bob.run(&["annotate", "areq", "inc-4713-node-pool", &approval])
        .await?
        .success()?;
    becomes("inc-4713-node-pool", AccessState::Active).await?;
    // Again, as every few minutes: it changes nothing, and Bob's word stays.
    apply().await?;
    let request = requests.get("inc-4713-node-pool").await?;
    let annotations = request.metadata.annotations.unwrap_or_default();
    ensure!(
        annotations
            .keys()
            .any(|key| key.starts_with("approved-by."))
    );
    becomes("inc-4713-node-pool", AccessState::Active).await?;
    Ok(())
}
