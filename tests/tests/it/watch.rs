//! What happens to running access when others change Google's policy, and to what a foreign hand
//! writes into the status.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState, FINALIZER};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::eventually;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(20);

async fn active() -> Result<(Case<'static>, Person, AccessRequest)> {
    let case = Case::new(Bench::watchful().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let request = case.wait_for("disk", AccessState::Active).await?;
    Ok((case, alice, request))
}

async fn edit(case: &Case<'_>, change: impl FnOnce(&mut Vec<Value>)) -> Result<()> {
    let mut policy = case.bench.simulator.policy(&case.project).await?;
    change(policy["bindings"].as_array_mut().context("bindings")?);
    case.bench
        .simulator
        .set_policy(&case.project, &policy)
        .await
}

fn is_ours(binding: &Value) -> bool {
    binding["condition"]["title"]
        .as_str()
        .is_some_and(|title| title.starts_with("jit-access "))
}

async fn revoked(case: &Case<'_>, words: &str) -> Result<()> {
    let request = case.wait_for("disk", AccessState::Revoked).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(message.contains(words), "{message}");
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_binding_that_vanished_is_not_put_back() -> Result<()> {
    let (case, _, _) = active().await?;
    edit(&case, |bindings| {
        bindings.retain(|binding| !is_ours(binding));
    })
    .await?;
    revoked(&case, "somebody removed its binding").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_16_a_binding_that_was_altered_is_removed() -> Result<()> {
    let (case, alice, _) = active().await?;
    edit(&case, |bindings| {
        for binding in bindings.iter_mut().filter(|binding| is_ours(binding)) {
            binding["condition"]["expression"] =
                json!("request.time < timestamp(\"2099-01-01T00:00:00Z\")");
        }
    })
    .await?;
    revoked(&case, "somebody altered its binding").await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn attack_16_a_condition_that_another_tool_stripped_raises_the_alarm() -> Result<()> {
    let (case, alice, _) = active().await?;
    edit(&case, |bindings| {
        bindings.retain(|binding| !is_ours(binding));
        bindings.push(json!({"role": ADMIN, "members": [alice.member()]}));
    })
    .await?;
    revoked(&case, "without a condition").await?;
    // It may be somebody's intent: it stays, and is counted until it is gone.
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    let gauge = async || {
        let metrics = case.bench.controller()?.metrics().await?;
        Ok::<_, anyhow::Error>(metrics.get("jit_access_unconditional_bindings").copied())
    };
    assert!(gauge().await?.is_some_and(|count| count >= 1.0));
    let events = case
        .bench
        .admin_kubectl(&case.namespace)?
        .run(&["get", "events"])
        .await?
        .success()?;
    assert!(events.contains("UnconditionalBinding"), "{events}");
    edit(&case, |bindings| {
        bindings.retain(|binding| binding["condition"]["title"] == "by a test");
    })
    .await?;
    eventually(SOON, async || {
        Ok((gauge().await? == Some(0.0)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn attack_31_a_binding_that_comes_back_after_its_end_is_removed() -> Result<()> {
    let (case, alice, _) = active().await?;
    let ours: Vec<Value> = case.grants(&case.project).await?;
    edit(&case, |bindings| {
        bindings.retain(|binding| !is_ours(binding));
    })
    .await?;
    revoked(&case, "somebody removed its binding").await?;
    // A stale write of another tool.
    edit(&case, |bindings| bindings.extend(ours)).await?;
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn attack_31_a_binding_that_comes_back_after_its_request_was_deleted_is_removed() -> Result<()>
{
    let (case, alice, _) = active().await?;
    let ours: Vec<Value> = case.grants(&case.project).await?;
    case.delete(&alice, "disk").await?.success()?;
    case.wait_until_gone("disk").await?;
    edit(&case, |bindings| bindings.extend(ours)).await?;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn attack_20_lost_eligibility_ends_the_access_and_an_error_does_not() -> Result<()> {
    let (case, alice, _) = active().await?;
    let fault = json!({"method": "searchTransitiveGroups", "resource": alice.email, "status": 503});
    let fault = case.bench.simulator.fault(&fault).await?;
    edit(&case, |bindings| bindings.retain(is_ours)).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    case.bench.simulator.remove_fault(&fault).await?;
    revoked(&case, "not eligible any more").await
}

#[tokio::test]
async fn running_access_on_one_resource_is_read_once_a_round() -> Result<()> {
    let (case, alice, _) = active().await?;
    let bob = case.person("bob").await?;
    case.eligible(&bob, ADMIN).await?;
    for (name, person) in [("two", &alice), ("three", &bob), ("four", &bob)] {
        case.submit(person, &case.request(name, person, ADMIN))
            .await?;
        case.wait_for(name, AccessState::Active).await?;
    }
    let before = case.calls("getIamPolicy", &case.project).await?.len();
    let began = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let rounds = usize::try_from(began.elapsed().as_secs())? + 2;
    let reads = case.calls("getIamPolicy", &case.project).await?.len() - before;
    assert!(
        (2..=rounds).contains(&reads),
        "{reads} readings in {rounds} rounds"
    );
    Ok(())
}

#[tokio::test]
async fn a_finished_request_is_deleted_after_its_retention() -> Result<()> {
    let case = Case::new(Bench::watchful().await?).await?;
    let alice = case.person("alice").await?;
    case.submit(&alice, &case.request("none", &alice, ADMIN))
        .await?;
    case.wait_for("none", AccessState::Ineligible).await?;
    case.wait_until_gone("none").await
}

#[tokio::test]
async fn attack_29_a_window_in_the_status_by_a_foreign_hand_gives_nothing() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let window = json!({"startTime": "2026-01-01T00:00:00Z", "expireTime": "2099-01-01T00:00:00Z"});
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let granted = json!([{"type": "Granted", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": now}]);
    case.submit(&alice, &case.request("window", &alice, ADMIN))
        .await?;
    case.submit(&alice, &case.request("granted", &alice, "roles/owner"))
        .await?;
    let patch = |status: Value| Patch::Merge(json!({"status": status}));
    let params = PatchParams::default();
    let thief = case.as_controller().await?;
    thief
        .patch_status("window", &params, &patch(json!({"grant": window})))
        .await?;
    let forged = json!({"grant": {
        "startTime": window["startTime"], "expireTime": window["expireTime"],
        "bindings": [{"resource": case.project, "role": "roles/owner", "title": "jit-access x", "expression": "true"}],
    }, "conditions": granted});
    thief
        .patch_status("granted", &params, &patch(forged))
        .await?;
    let _controller = bench.start_controller(&[]).await?;
    let request = case.wait_for("window", AccessState::Failed).await?;
    assert!(
        condition(&request, "Granted")?
            .message
            .contains("the controller did not write it")
    );
    case.wait_for("granted", AccessState::Revoked).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn fault_5_an_object_that_cannot_be_read_hears_of_it_and_stops_nobody() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("odd", &alice, ADMIN))
        .await?;
    // A date-time that the API server stores and our reader refuses.
    let odd = json!({"status": {"conditions": [
        {"type": "Granted", "status": "False", "reason": "Pending", "message": "", "lastTransitionTime": "9999-12-31T23:59:59+00:00"},
    ]}});
    let kind = ApiResource::erase::<AccessRequest>(&());
    let client = case.as_controller().await?.into_client();
    let thief: Api<DynamicObject> = Api::namespaced_with(client, &case.namespace, &kind);
    thief
        .patch_status("odd", &PatchParams::default(), &Patch::Merge(odd))
        .await?;
    let controller = bench.start_controller(&[]).await?;
    case.submit(&alice, &case.request("fine", &alice, ADMIN))
        .await?;
    case.wait_for("fine", AccessState::Active).await?;
    eventually(SOON, async || {
        let printed = serde_json::to_string(&thief.get("odd").await?)?;
        Ok(printed.contains("this object cannot be read").then_some(()))
    })
    .await?;
    let metrics = controller.metrics().await?;
    assert!(metrics.contains_key("jit_access_undecodable_requests"));
    Ok(())
}

#[tokio::test]
async fn what_others_wrote_into_the_object_is_left_alone() -> Result<()> {
    let (case, _, _) = active().await?;
    let patch = json!({"metadata": {"finalizers": [FINALIZER, "example.com/other"], "labels": {"team": "web"}}});
    let thief = case.as_controller().await?;
    thief
        .patch("disk", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    edit(&case, |bindings| {
        bindings.retain(|binding| !is_ours(binding));
    })
    .await?;
    case.wait_for("disk", AccessState::Revoked).await?;
    eventually(SOON, async || {
        let request = case.requests().get("disk").await?;
        Ok((request.finalizers() == ["example.com/other"]).then_some(()))
    })
    .await?;
    let request = case.requests().get("disk").await?;
    assert_eq!(
        request.labels().get("team").map(String::as_str),
        Some("web")
    );
    let patch = json!({"metadata": {"finalizers": null}});
    thief
        .patch("disk", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_where_nothing_changes() -> Result<()> {
    let bench = Bench::start(Setup {
        api_proxy: true,
        ..Setup::with_flags(&["--round-interval=1s"])
    })
    .await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.bind(&case.project, ADMIN, &alice.member(), Some(SELF))
        .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let patterns = jit_access_tests::api_proxy::Pattern::requests();
    let writes = bench.api_proxy()?.writes_like(&patterns);
    // Finalizer, window, Granted.
    assert_eq!(writes.len(), 3, "{writes:?}");
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 1);
    let list = case.requests().list(&ListParams::default()).await?;
    assert_eq!(list.items.len(), 1);
    Ok(())
}
