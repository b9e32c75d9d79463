//! Many people at once.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use jit_access_crds::{AccessRequest, AccessState, CREATED_BY_ANNOTATION};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, DELEGATE, SELF, state};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use jit_access_tests::{install, kubeconfig};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

#[tokio::test]
async fn two_hundred_people_at_once_on_one_project() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let people: Vec<String> = (0..200)
        .map(|n| format!("p{n}-{}@example.com", case.id))
        .collect();
    bench.simulator.add(&json!({"users": people})).await?;
    let members: Vec<String> = people.iter().map(|email| format!("user:{email}")).collect();
    let group = case
        .group(&members.iter().map(String::as_str).collect::<Vec<_>>())
        .await?;
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    bench.simulator.set_latency(50).await?;

    let (control_plane, namespace) = (&bench.control_plane, case.namespace.as_str());
    let clients = people.iter().map(|email| async move {
        let client = control_plane
            .client_as(email, Some(install::PEOPLE))
            .await?;
        let requests: Api<AccessRequest> = Api::namespaced(client, namespace);
        // Opens the connection.
        requests.get_opt("none").await?;
        Ok::<_, anyhow::Error>(requests)
    });
    let clients = try_join_all(clients).await?;
    try_join_all(
        people
            .iter()
            .zip(&clients)
            .enumerate()
            .map(|(n, (email, requests))| {
                let manifest =
                    Request::new(&format!("r{n}"), email, &case.project, ADMIN).manifest();
                async move {
                    let request: AccessRequest = serde_json::from_value(manifest)?;
                    requests.create(&PostParams::default(), &request).await?;
                    Ok::<_, anyhow::Error>(())
                }
            }),
    )
    .await?;
    for n in 0..people.len() {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    assert_eq!(case.grants(&case.project).await?.len(), 200);
    let writes = case.calls("setIamPolicy", &case.project).await?.len();
    assert!(writes <= 20, "{writes} writes");
    Ok(())
}

#[tokio::test]
async fn approving_one_of_a_thousand_waiting_requests_reads_what_that_one_needs() -> Result<()> {
    const WAITING: usize = 1_000;
    let bench = Bench::start(Setup::with_flags(&["--max-open=2000", "--max-hourly=5000"])).await?;
    let case = Case::new(&bench).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, ADMIN).await?;
    }
    case.delegate().await?;
    let agent = bench
        .control_plane
        .service_account("agents", "flux")
        .await?;
    let agent = kubeconfig::client(&bench.control_plane.kubeconfig_text(agent)).await?;
    let requests: Api<AccessRequest> = Api::namespaced(agent, &case.namespace);
    let asked = (0..WAITING).map(|n| {
        let request = case
            .request(&format!("r{n}"), &alice, ADMIN)
            .reviewers(&[&bob.email])
            .annotation(CREATED_BY_ANNOTATION, DELEGATE);
        let requests = &requests;
        async move {
            let request: AccessRequest = serde_json::from_value(request.manifest())?;
            requests.create(&PostParams::default(), &request).await?;
            Ok::<_, anyhow::Error>(())
        }
    });
    stream::iter(asked)
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await?;
    eventually(Duration::from_secs(120), async || {
        let all = case.requests().list(&ListParams::default()).await?;
        let is_waiting = |it: &&AccessRequest| state(it) == Some(AccessState::AwaitingApproval);
        Ok((all.iter().filter(is_waiting).count() == WAITING).then_some(()))
    })
    .await?;
    // So that what was read for the others serves no longer.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (_, before) = bench.simulator.calls_after(0).await?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob",
        case.uid8("r500").await?
    );
    bob.annotate("r500", &key, &bob.email).await?.success()?;
    case.wait_for("r500", AccessState::Active).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (calls, _) = bench.simulator.calls_after(before).await?;
    let mut made: Vec<String> = calls
        .iter()
        .map(|call| format!("{} {}", call.method, call.resource))
        .collect();
    made.sort();
    let project = &case.project;
    let mut needed = vec![
        format!("projects.getIamPolicy {project}"),
        format!("projects.setIamPolicy {project}"),
        "organizations.getIamPolicy organizations/1".to_owned(),
        format!("groups.memberships.searchTransitiveGroups {}", alice.email),
        format!("groups.memberships.searchTransitiveGroups {}", bob.email),
    ];
    needed.sort();
    assert_eq!(made, needed);
    Ok(())
}
