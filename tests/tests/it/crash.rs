//! The controller is killed between any two of its writes. A new one takes up what it finds: the
//! same window, one binding, and nothing is left.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::api_proxy::{Moment, Pattern};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person};
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(20);

async fn bench() -> Result<Bench> {
    Bench::start(Setup {
        api_proxy: true,
        controller_flags: vec!["--round-interval=2s".to_owned()],
        ..Setup::default()
    })
    .await
}

async fn one_grant(case: &Case<'_>, alice: &Person, name: &str) -> Result<()> {
    let request = case.wait_for(name, AccessState::Active).await?;
    let grants = case.grants(&case.project).await?;
    assert_eq!(grants.len(), 1);
    let grant = request
        .status
        .and_then(|status| status.grant)
        .context("a grant")?;
    let expression = grants[0]["condition"]["expression"]
        .as_str()
        .unwrap_or_default();
    assert!(expression.contains(&grant.start_time) && expression.contains(&grant.expire_time));
    assert!(case.has_role(alice, &case.project, ADMIN).await?);
    case.delete(alice, name).await?.success()?;
    case.wait_until_gone(name).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn between_any_two_writes_to_the_api_server() -> Result<()> {
    let mut bench = bench().await?;
    for write in 0..3 {
        for moment in [Moment::Before, Moment::After] {
            let name = format!(
                "crash-{write}-{}",
                if moment == Moment::Before {
                    "before"
                } else {
                    "after"
                }
            );
            // Finalizer, window, Granted: the writes of a grant, in this order.
            let mut held = bench
                .api_proxy()?
                .hold(Pattern::requests().path(&name), write, moment);
            {
                let case = Case::new(&bench).await?;
                let alice = case.person("alice").await?;
                case.eligible(&alice, ADMIN).await?;
                case.submit(&alice, &case.request(&name, &alice, ADMIN))
                    .await?;
                let seen = held.reached(SOON).await?;
                let is_status = seen.path.contains("/status");
                assert_eq!(is_status, write > 0, "{name} {}", seen.path);
            }
            bench.controller_mut()?.kill_hard()?;
            held.release();
            bench.controller_mut()?.start_again().await?;
            resumed(&bench, &name).await?;
        }
    }
    Ok(())
}

/// Finds the request again, wherever it is, and follows it to its end.
async fn resumed(bench: &Bench, name: &str) -> Result<()> {
    let all: kube::Api<jit_access_crds::AccessRequest> =
        kube::Api::all(bench.control_plane.admin().await?);
    let list = all.list(&kube::api::ListParams::default()).await?;
    let request = list
        .items
        .into_iter()
        .find(|request| request.metadata.name.as_deref() == Some(name));
    let request = request.with_context(|| format!("{name} is gone"))?;
    let namespace = request.metadata.namespace.clone().unwrap_or_default();
    let window = request
        .status
        .as_ref()
        .and_then(|status| status.grant.clone());
    let case = Case::existing(bench, &namespace, &request.spec.resource).await?;
    let alice = case.known_person(&request.spec.requester)?;
    let active = case.wait_for(name, AccessState::Active).await?;
    if let (Some(before), Some(after)) = (window, active.status.and_then(|status| status.grant)) {
        assert_eq!(
            (before.start_time, before.expire_time),
            (after.start_time, after.expire_time)
        );
    }
    one_grant(&case, &alice, name).await
}

#[tokio::test]
async fn around_the_write_to_google() -> Result<()> {
    let mut bench = bench().await?;
    for moment in ["before", "after"] {
        let name = format!("google-{moment}");
        {
            let case = Case::new(&bench).await?;
            let alice = case.person("alice").await?;
            case.eligible(&alice, ADMIN).await?;
            bench
                .simulator
                .fault(&json!({"method": "setIamPolicy", "resource": case.project, "hold": moment, "count": 1}))
                .await?;
            case.submit(&alice, &case.request(&name, &alice, ADMIN))
                .await?;
            jit_access_tests::eventually::eventually(SOON, async || {
                Ok((!bench.simulator.held().await?.is_empty()).then_some(()))
            })
            .await?;
        }
        bench.controller_mut()?.kill_hard()?;
        bench.simulator.release(None).await?;
        bench.controller_mut()?.start_again().await?;
        resumed(&bench, &name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn while_a_binding_is_removed() -> Result<()> {
    let mut bench = bench().await?;
    for moment in ["before", "after"] {
        let name = format!("removal-{moment}");
        let namespace;
        {
            let case = Case::new(&bench).await?;
            namespace = (case.namespace.clone(), case.project.clone());
            let alice = case.person("alice").await?;
            case.eligible(&alice, ADMIN).await?;
            case.submit(&alice, &case.request(&name, &alice, ADMIN))
                .await?;
            case.wait_for(&name, AccessState::Active).await?;
            bench
                .simulator
                .fault(&json!({"method": "setIamPolicy", "resource": case.project, "hold": moment, "count": 1}))
                .await?;
            case.delete(&alice, &name).await?.success()?;
            jit_access_tests::eventually::eventually(SOON, async || {
                Ok((!bench.simulator.held().await?.is_empty()).then_some(()))
            })
            .await?;
        }
        bench.controller_mut()?.kill_hard()?;
        bench.simulator.release(None).await?;
        bench.controller_mut()?.start_again().await?;
        let case = Case::existing(&bench, &namespace.0, &namespace.1).await?;
        case.wait_until_gone(&name).await?;
        assert_eq!(case.grants(&case.project).await?.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn access_ends_with_the_controller_dead_and_is_tidied_up_later() -> Result<()> {
    let mut bench = bench().await?;
    let (namespace, project, email);
    {
        let case = Case::new(&bench).await?;
        let alice = case.person("alice").await?;
        case.eligible(&alice, ADMIN).await?;
        case.submit(&alice, &case.request("short", &alice, ADMIN).duration("3s"))
            .await?;
        case.wait_for("short", AccessState::Active).await?;
        (namespace, project, email) = (
            case.namespace.clone(),
            case.project.clone(),
            alice.email.clone(),
        );
    }
    bench.controller_mut()?.kill_hard()?;
    jit_access_tests::eventually::eventually(SOON, async || {
        Ok((!bench.simulator.has_role(&email, &project, ADMIN).await?).then_some(()))
    })
    .await?;
    bench.controller_mut()?.start_again().await?;
    let case = Case::existing(&bench, &namespace, &project).await?;
    case.wait_for("short", AccessState::Expired).await?;
    jit_access_tests::eventually::eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_api_server_is_away_for_a_while() -> Result<()> {
    let bench = bench().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    bench.api_proxy()?.cut_off();
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.api_proxy()?.reconnect();
    one_grant(&case, &alice, "disk").await
}

#[tokio::test]
async fn two_controllers_that_both_work_grant_once() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let _second = bench.start_controller(&[]).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    for round in 0..5 {
        let name = format!("twice-{round}");
        case.submit(&alice, &case.request(&name, &alice, ADMIN))
            .await?;
        one_grant(&case, &alice, &name).await?;
    }
    Ok(())
}
