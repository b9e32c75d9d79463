//! Who could approve: who is told, who is left out, and whose approval counts.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::case::{Case, PEER};
use jit_access_tests::eventually::eventually;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use super::{ADMIN, SOON, Two, VIEWER, approve, message};

#[tokio::test]
async fn attacks_9_10_and_19_nobody_who_could_approve() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    let dave = two.case.person("dave").await?;
    two.case.peer_eligible(&carol, VIEWER).await?;
    let elsewhere = two.case.project_in("organizations/1").await?;
    two.case
        .bind(&elsewhere, ADMIN, &dave.member(), Some(PEER))
        .await?;
    let reviewers = [carol.email.as_str(), dave.email.as_str()];
    let request = two.request().reviewers(&reviewers);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::Ineligible)
        .await?;
    assert!(said.contains("None of the reviewers"), "{said}");
    // Attack 19: nobody is told.
    assert!(events(&two.case, "ApprovalRequested").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn each_reviewer_who_could_approve_is_told_and_the_others_are_named() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    let dave = two.case.person("dave").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let reviewers = [&two.bob, &carol, &dave].map(|person| person.email.as_str());
    let request = two.request().reviewers(&reviewers);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let unable = format!("{} could not approve this and was not told", dave.email);
    assert!(said.contains(&unable), "{said}");
    let told = eventually(SOON, async || {
        let told = events(&two.case, "ApprovalRequested").await?;
        Ok((told.len() >= 2).then_some(told))
    })
    .await?;
    let mut asked: Vec<String> = told
        .into_iter()
        .filter_map(|event| event.related?.name)
        .collect();
    asked.sort();
    let mut wanted = vec![two.bob.email.clone(), carol.email.clone()];
    wanted.sort();
    assert_eq!(asked, wanted);
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let approved = eventually(SOON, async || {
        Ok(events(&two.case, "Approved").await?.pop())
    })
    .await?;
    let related = approved.related.context("who approved")?;
    assert_eq!(related.name.as_ref(), Some(&carol.email));
    Ok(())
}

#[tokio::test]
async fn attack_20_an_approver_who_lost_eligibility_does_not_count() -> Result<()> {
    let two = Two::new().await?;
    let (carol, request) = two.with_carol().await?;
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let simulator = &two.case.bench.simulator;
    let mut policy = simulator.policy(&two.case.project).await?;
    if let Some(bindings) = policy["bindings"].as_array_mut() {
        for binding in &mut *bindings {
            let members = binding["members"].as_array_mut().context("members")?;
            members.retain(|member| *member != two.bob.member());
        }
        bindings.retain(|binding| binding["members"] != json!([]));
    }
    simulator.set_policy(&two.case.project, &policy).await?;
    two.approve(&two.bob).await?;
    let unable = format!("{} could not approve this", two.bob.email);
    eventually(SOON, async || {
        let request = two.case.requests().get("disk").await?;
        Ok(message(&request)?.contains(&unable).then_some(()))
    })
    .await?;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn attack_10_a_reviewer_who_cannot_be_looked_up_is_left_out() -> Result<()> {
    let two = Two::new().await?;
    let (carol, request) = two.with_carol().await?;
    let down =
        json!({"method": "searchTransitiveGroups", "resource": two.bob.email, "status": 503});
    let fault = two.case.bench.simulator.fault(&down).await?;
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let left_out = format!("{} could not be looked up", two.bob.email);
    assert!(said.contains(&left_out), "{said}");
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    two.case.bench.simulator.remove_fault(&fault).await
}

#[tokio::test]
async fn fault_2_an_approval_counts_once_google_tells_of_the_approver_again() -> Result<()> {
    let two = Two::new().await?;
    let (_, request) = two.with_carol().await?;
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let simulator = &two.case.bench.simulator;
    let down =
        json!({"method": "searchTransitiveGroups", "resource": two.bob.email, "status": 503});
    let fault = simulator.fault(&down).await?;
    // What was read of Bob before serves no longer.
    tokio::time::sleep(Duration::from_secs(6)).await;
    two.approve(&two.bob).await?;
    let retrying = two.case.wait_for("disk", AccessState::Retrying).await?;
    let said = message(&retrying)?;
    let bob = format!("{} approved, and could not be looked up", two.bob.email);
    assert!(said.contains(&bob), "{said}");
    simulator.remove_fault(&fault).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

async fn events(case: &Case<'_>, reason: &str) -> Result<Vec<Event>> {
    let client = case.bench.control_plane.admin().await?;
    let events: Api<Event> = Api::namespaced(client, &case.namespace);
    let mut all = events.list(&ListParams::default()).await?.items;
    all.retain(|event| event.reason.as_deref() == Some(reason));
    Ok(all)
}
