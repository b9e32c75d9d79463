//! What the cluster itself does with requests: garbage collection, deletion of namespaces, and what an
//! administrator does when nothing else helps.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person};
use jit_access_tests::control_plane::Options;
use jit_access_tests::eventually::eventually;
use jit_access_tests::install;
use kube::Api;
use kube::api::{DeleteParams, PropagationPolicy};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(60);

/// With the cluster's own controllers.
async fn bench() -> Result<Bench> {
    Bench::start(Setup {
        control_plane: Options {
            controller_manager: true,
            ..Options::default()
        },
        ..Setup::default()
    })
    .await
}

async fn active(case: &Case<'_>, name: &str) -> Result<Person> {
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request(name, &alice, ADMIN))
        .await?;
    case.wait_for(name, AccessState::Active).await?;
    Ok(alice)
}

#[tokio::test]
async fn attack_21_the_garbage_collector_deletes_as_the_requester_asks() -> Result<()> {
    let bench = bench().await?;
    let case = Case::new(&bench).await?;
    let alice = active(&case, "first").await?;
    let client = bench
        .control_plane
        .client_as(&alice.email, Some(install::PEOPLE))
        .await?;
    let requests: Api<AccessRequest> = Api::namespaced(client, &case.namespace);
    for policy in [PropagationPolicy::Foreground, PropagationPolicy::Orphan] {
        case.submit(&alice, &case.request("disk", &alice, ADMIN))
            .await?;
        case.wait_for("disk", AccessState::Active).await?;
        let params = DeleteParams {
            propagation_policy: Some(policy),
            ..DeleteParams::default()
        };
        requests.delete("disk", &params).await?;
        case.wait_until_gone("disk").await?;
        assert_eq!(case.grants(&case.project).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_namespace_goes_though_the_list_of_namespaces_is_gone_once_there_is_an_empty_one()
-> Result<()> {
    let bench = bench().await?;
    let case = Case::new(&bench).await?;
    active(&case, "disk").await?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    admin
        .run(&["delete", "configmap", install::NAMESPACES])
        .await?
        .success()?;
    admin
        .run(&["delete", "namespace", &case.namespace, "--wait=false"])
        .await?
        .success()?;
    // It hangs, and says on what.
    eventually(SOON, async || {
        let found = admin
            .run(&["get", "namespace", &case.namespace, "-o", "json"])
            .await?
            .success()?;
        Ok(found.contains("no params found").then_some(()))
    })
    .await?;
    // The cure of docs/operate.md.
    admin
        .run(&["create", "configmap", install::NAMESPACES])
        .await?
        .success()?;
    eventually(Duration::from_secs(120), async || {
        let found = admin.run(&["get", "namespace", &case.namespace]).await?;
        Ok(found.stderr.contains("NotFound").then_some(()))
    })
    .await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn with_a_dead_controller_requests_are_freed_by_hand() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let (place, email);
    {
        let case = Case::new(&bench).await?;
        email = active(&case, "disk").await?.email;
        place = case.place();
    }
    bench.controller_mut()?.kill_hard()?;
    let case = Case::at(&bench, &place).await?;
    let alice = case.known_person(&email)?;
    case.delete(&alice, "disk").await?.success()?;
    let admin = bench.admin_kubectl(&case.namespace)?;
    let patch = "{\"metadata\": {\"finalizers\": null}}";
    let free = ["patch", "areq", "disk", "--type=merge", "-p", patch];
    let refusal = admin.run(&free).await?.refusal()?;
    assert!(refusal.contains("by the controller alone"), "{refusal}");
    // The cure of docs/operate.md.
    admin
        .run(&[
            "delete",
            "validatingadmissionpolicybinding",
            install::POLICY,
        ])
        .await?
        .success()?;
    eventually(SOON, async || {
        let tried = admin.run(&free).await?;
        Ok((tried.code == 0).then_some(()))
    })
    .await?;
    case.wait_until_gone("disk").await
}
