//! What was found by attacking the controller: each of these once gave too much, left something
//! behind, or stopped the work for others.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessState, FINALIZER};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(20);

async fn active() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::watchful().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    Ok((case, alice))
}

#[tokio::test]
async fn fault_5_a_time_in_managed_fields_that_no_reader_takes_stops_nobody() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let (place, email);
    {
        let case = Case::new(&bench).await?;
        let alice = case.person("alice").await?;
        case.eligible(&alice, ADMIN).await?;
        case.submit(&alice, &case.request("odd", &alice, ADMIN))
            .await?;
        case.wait_for("odd", AccessState::Active).await?;
        let mut fields = alice
            .kubectl
            .run(&["get", "areq", "odd", "-o", "json", "--show-managed-fields"])
            .await?
            .success()?
            .parse::<Value>()?["metadata"]["managedFields"]
            .take();
        fields[0]["time"] = json!("9999-12-31T23:59:59Z");
        let patch = json!({"metadata": {"managedFields": fields}}).to_string();
        alice
            .kubectl
            .run(&["patch", "areq", "odd", "--type=merge", "--patch", &patch])
            .await?
            .success()?;
        (place, email) = (case.place(), alice.email);
    }
    bench.controller_mut()?.start_again().await?;
    let case = Case::at(&bench, &place).await?;
    let alice = case.known_person(&email)?;
    let fine = case.request("fine", &alice, ADMIN);
    alice.kubectl.apply(&fine).await?.success()?;
    eventually(SOON, async || {
        let grants = case.grants(&case.project).await?;
        Ok((grants.len() == 2).then_some(()))
    })
    .await?;
    case.delete(&alice, "odd").await?.success()?;
    eventually(SOON, async || {
        let left = case.grants(&case.project).await?;
        let listed = alice.kubectl.run(&["get", "areq", "-o", "name"]).await?;
        Ok((left.len() == 1 && !listed.success()?.contains("/odd")).then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_answer_without_etag_is_no_policy() -> Result<()> {
    let (case, alice) = active().await?;
    let empty = json!({"method": "getIamPolicy", "resource": case.project, "emptyAnswer": true});
    let fault = case.bench.simulator.fault(&empty).await?;
    case.submit(&alice, &case.request("second", &alice, ADMIN))
        .await?;
    case.wait_for("second", AccessState::Retrying).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let request = case.requests().get("disk").await?;
    assert_eq!(
        jit_access_tests::case::state(&request),
        Some(AccessState::Active)
    );
    case.bench.simulator.remove_fault(&fault).await?;
    case.wait_for("second", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn attack_16_an_altered_binding_is_removed_while_groups_cannot_be_looked_up() -> Result<()> {
    let (case, alice) = active().await?;
    let down = json!({"method": "searchTransitiveGroups", "resource": alice.email, "status": 503});
    let fault = case.bench.simulator.fault(&down).await?;
    let mut policy = case.bench.simulator.policy(&case.project).await?;
    for binding in policy["bindings"].as_array_mut().context("bindings")? {
        if binding["condition"]["title"] != "by a test" {
            binding["condition"]["expression"] =
                json!("request.time < timestamp(\"2099-01-01T00:00:00Z\")");
        }
    }
    case.bench
        .simulator
        .set_policy(&case.project, &policy)
        .await?;
    case.wait_for("disk", AccessState::Revoked).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    case.bench.simulator.remove_fault(&fault).await
}

#[tokio::test]
async fn a_removal_waits_for_nobodys_group_look_up() -> Result<()> {
    let (case, alice) = active().await?;
    let bob = case.person("bob").await?;
    case.eligible(&bob, ADMIN).await?;
    let hang = json!({"method": "searchTransitiveGroups", "resource": bob.email, "hang": true});
    let fault = case.bench.simulator.fault(&hang).await?;
    case.submit(&bob, &case.request("slow", &bob, ADMIN))
        .await?;
    eventually(SOON, async || {
        let calls = case.bench.simulator.held().await?;
        let reads = case.calls("getIamPolicy", &case.project).await?.len();
        Ok((reads > 1 || !calls.is_empty()).then_some(()))
    })
    .await?;
    case.delete(&alice, "disk").await?.success()?;
    case.wait_until_gone("disk").await?;
    let slow = case.requests().get("slow").await?;
    assert_ne!(
        jit_access_tests::case::state(&slow),
        Some(AccessState::Active)
    );
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    case.bench.simulator.remove_fault(&fault).await?;
    case.wait_for("slow", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn attack_24_running_access_gets_its_finalizer_back() -> Result<()> {
    let (case, _) = active().await?;
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    case.as_controller()
        .await?
        .patch("disk", &PatchParams::default(), &patch)
        .await?;
    eventually(SOON, async || {
        let request = case.requests().get("disk").await?;
        Ok(request
            .finalizers()
            .iter()
            .any(|name| name == FINALIZER)
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn attack_24_a_request_that_vanished_without_its_finalizer_leaves_no_binding() -> Result<()> {
    let (case, alice) = active().await?;
    // Both at once, so that no visit comes between.
    let patch = json!({"metadata": {"finalizers": null}}).to_string();
    case.delete(&alice, "disk").await?.success()?;
    let patched = alice
        .kubectl
        .run(&["patch", "areq", "disk", "--type=merge", "--patch", &patch])
        .await?;
    drop(patched);
    case.wait_until_gone("disk").await?;
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_resource_outside_the_scope_is_not_read() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    let folder = case.folder("organizations/1").await?;
    let _controller = bench
        .start_controller(&[&format!("--scope={folder}")])
        .await?;
    let denied = json!({"method": "getIamPolicy", "resource": "organizations/1", "status": 403});
    bench.simulator.fault(&denied).await?;
    let request = Request::new("above", &alice.email, "organizations/1", ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Ineligible)
        .await?;
    assert!(message.contains(&folder), "{message}");
    assert_eq!(
        case.calls("getIamPolicy", "organizations/1").await?.len(),
        0
    );
    Ok(())
}

#[tokio::test]
async fn attack_29_a_forged_window_does_not_hide_a_binding_from_its_removal() -> Result<()> {
    let (case, alice) = active().await?;
    let patch = json!({"status": {"grant": null, "conditions": null}});
    let request = case
        .as_controller()
        .await?
        .patch_status("disk", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    assert_eq!(request.finalizers(), [FINALIZER]);
    case.delete(&alice, "disk").await?.success()?;
    case.wait_until_gone("disk").await?;
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn attack_14_a_window_that_another_controller_recorded_is_not_decided_again() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let mut second = bench.start_controller(&[]).await?;
    second.process_mut().pause()?;
    let (place, window);
    {
        let case = Case::new(&bench).await?;
        let alice = case.person("alice").await?;
        case.bind(&case.project, ADMIN, &alice.member(), Some(SELF))
            .await?;
        let hold = json!({"method": "setIamPolicy", "resource": case.project, "hold": "after", "count": 1});
        bench.simulator.fault(&hold).await?;
        case.submit(&alice, &case.request("disk", &alice, ADMIN))
            .await?;
        window = eventually(SOON, async || {
            let request = case.requests().get("disk").await?;
            Ok(request.status.and_then(|status| status.grant))
        })
        .await?;
        // The other one would decide on another second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        place = case.place();
    }
    bench.controller_mut()?.kill_hard()?;
    bench.simulator.release(None).await?;
    second.process_mut().resume()?;
    let case = Case::at(&bench, &place).await?;
    let request = case.wait_for("disk", AccessState::Active).await?;
    let grant = request
        .status
        .clone()
        .and_then(|status| status.grant)
        .context("a grant")?;
    assert_eq!(
        (grant.start_time, grant.expire_time),
        (window.start_time, window.expire_time)
    );
    assert_eq!(condition(&request, "Granted")?.status, "True");
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    Ok(())
}
