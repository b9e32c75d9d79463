//! The API server, etcd or the controller itself is away for a while: nothing is lost.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, condition};
use jit_access_tests::eventually::eventually;
use serde_json::json;

use crate::interrupted::{Interrupted, SOON, held_at_google};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

#[tokio::test]
async fn fault_3_the_api_server_cannot_be_reached_for_a_while() -> Result<()> {
    let bench = Bench::with_proxy().await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    bench.api_proxy()?.cut_off();
    disk.submit(&bench, &disk.request("disk")).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.api_proxy()?.reconnect();
    disk.is_granted_once(&bench, "disk", None).await?;
    disk.leaves_nothing(&bench, "disk").await
}

#[tokio::test]
async fn fault_3_the_api_server_restarts_and_etcd_goes_away_under_the_controller() -> Result<()> {
    let mut bench = Bench::start(Setup::with_flags(&["--round-interval=1s"])).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    disk.submit(&bench, &disk.request("before")).await?;
    let window = disk.is_granted_once(&bench, "before", None).await?;

    bench.control_plane.stop_api_server()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    bench.control_plane.start_api_server().await?;
    disk.submit(&bench, &disk.request("after-restart")).await?;
    disk.is_granted_once(&bench, "after-restart", None).await?;

    bench.control_plane.stop_etcd()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    bench.control_plane.start_etcd().await?;
    disk.submit(&bench, &disk.request("after-etcd")).await?;
    disk.is_granted_once(&bench, "after-etcd", None).await?;

    // What ran all the time runs still, as it was.
    disk.is_granted_once(&bench, "before", Some(&window))
        .await?;
    for name in ["before", "after-restart", "after-etcd"] {
        disk.delete(&bench, name).await?;
    }
    disk.no_binding_is_left(&bench).await
}

#[tokio::test]
async fn fault_3_a_watch_that_expired_is_begun_anew() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    for name in ["stays", "goes"] {
        disk.submit(&bench, &disk.request(name)).await?;
        disk.is_granted_once(&bench, name, None).await?;
    }
    bench.api_proxy()?.cut_off();
    // Changes that the controller does not see, and that the new API server has no memory of.
    disk.delete(&bench, "goes").await?;
    disk.submit(&bench, &disk.request("unseen")).await?;
    bench.control_plane.stop_api_server()?;
    bench.control_plane.start_api_server().await?;
    bench.api_proxy()?.reconnect();
    eventually(2 * SOON, async || {
        let log = bench.controller()?.log();
        Ok(log.contains("too old resource version").then_some(()))
    })
    .await?;

    let case = Case::at(&bench, &disk.place).await?;
    case.wait_until_gone("goes").await?;
    disk.is_granted_once(&bench, "unseen", None).await?;
    disk.submit(&bench, &disk.request("new")).await?;
    disk.is_granted_once(&bench, "new", None).await?;
    disk.is_granted_once(&bench, "stays", None).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn fault_3_suspended_over_an_expiry() -> Result<()> {
    let mut bench = Bench::start(Setup::with_flags(&["--round-interval=1s"])).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    disk.submit(&bench, &disk.request("disk").duration("6s"))
        .await?;
    disk.is_granted_once(&bench, "disk", None).await?;
    bench.controller_mut()?.process_mut().pause()?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    {
        // Google ended it; nobody tidied up.
        let case = Case::at(&bench, &disk.place).await?;
        let alice = case.known_person(&disk.email)?;
        assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
        assert_eq!(case.grants(&case.project).await?.len(), 1);
    }
    bench.controller_mut()?.process_mut().resume()?;
    disk.wait_for(&bench, "disk", AccessState::Expired).await?;
    disk.no_binding_is_left(&bench).await
}

#[tokio::test]
async fn fault_4_paused_between_reading_and_writing_while_the_request_is_deleted() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    let hold = json!({
        "method": "getIamPolicy", "resource": disk.place.project, "hold": "after", "count": 1,
    });
    bench.simulator.fault(&hold).await?;
    disk.submit(&bench, &disk.request("disk")).await?;
    held_at_google(&bench).await?;
    bench.controller_mut()?.process_mut().pause()?;
    disk.delete(&bench, "disk").await?;
    bench.simulator.release(None).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.controller_mut()?.process_mut().resume()?;
    let case = Case::at(&bench, &disk.place).await?;
    case.wait_until_gone("disk").await?;
    disk.no_binding_is_left(&bench).await
}

#[tokio::test]
async fn a_request_that_is_seen_too_late_timed_out_and_google_is_not_asked() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    disk.submit(&bench, &disk.request("disk")).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let _late = bench.start_controller(&["--approval-timeout=2s"]).await?;
    let request = disk.wait_for(&bench, "disk", AccessState::TimedOut).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(
        message.contains("first seen more than 2s after it was made; create it again"),
        "{message}"
    );
    assert_eq!(condition(&request, "Approved")?.reason, "TimedOut");
    assert_eq!(condition(&request, "Stalled")?.status, "True");
    let case = Case::at(&bench, &disk.place).await?;
    for method in ["getIamPolicy", "setIamPolicy"] {
        assert_eq!(
            case.calls(method, &case.project).await?.len(),
            0,
            "{method}"
        );
    }
    request.status.context("a status").map(drop)
}
