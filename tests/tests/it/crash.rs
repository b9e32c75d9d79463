//! The controller is killed between any two of its writes. A new one takes up what it finds: the
//! same window, one binding for each role, and nothing is left.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::api_proxy::{Moment, Pattern};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::Case;
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use kube::ResourceExt;
use serde_json::json;

use crate::interrupted::{Interrupted, SOON, crash, held_at_google};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/storage.objectViewer";
const LOGS: &str = "roles/logging.viewer";
const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Before => "before",
        Moment::After => "after",
    }
}

/// The write of a status that has a window.
fn window_of(name: &str) -> Pattern {
    Pattern::status().path(name).body("\"grant\":{")
}

fn later(seconds: i64) -> (jiff::Timestamp, String) {
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    (start, start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[tokio::test]
async fn fault_1_between_any_two_writes_to_the_api_server() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    for roles in [&[ADMIN][..], &[ADMIN, VIEWER, LOGS]] {
        for write in 0..3 {
            for moment in MOMENTS {
                let name = format!("crash-{}-{write}-{}", roles.len(), word(moment));
                // Finalizer, window, Granted: the writes of a grant, in this order.
                let pattern = Pattern::requests().path(&name);
                let mut held = bench.api_proxy()?.hold(pattern, write, moment);
                let disk = Interrupted::prepare(&bench, roles).await?;
                disk.submit(&bench, &disk.request(&name)).await?;
                let seen = held.reached(SOON).await?;
                let is_status = seen.path.contains("/status");
                assert_eq!(is_status, write > 0, "{name} {}", seen.path);

                let window = disk.window(&bench, &name).await?;
                crash(&mut bench, Some(held)).await?;
                disk.is_granted_once(&bench, &name, window.as_ref()).await?;
                assert_eq!(disk.policy_writes(&bench).await?, 1, "{name}");
                disk.leaves_nothing(&bench, &name).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_around_the_write_to_google() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    for roles in [&[ADMIN][..], &[ADMIN, VIEWER, LOGS]] {
        for moment in MOMENTS.map(word) {
            let name = format!("google-{}-{moment}", roles.len());
            let disk = Interrupted::prepare(&bench, roles).await?;
            disk.fault(&bench, json!({"hold": moment, "count": 1}))
                .await?;
            disk.submit(&bench, &disk.request(&name)).await?;
            held_at_google(&bench).await?;
            let window = disk.window(&bench, &name).await?;
            assert!(window.is_some(), "the window is recorded first");
            crash(&mut bench, None).await?;
            disk.is_granted_once(&bench, &name, window.as_ref()).await?;
            disk.leaves_nothing(&bench, &name).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_between_the_windows_of_two_requests_that_are_written_together() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER]).await?;
    // While the first one is written, the others wait for their turn, which they take together.
    disk.fault(&bench, json!({"hold": "before", "count": 1}))
        .await?;
    disk.submit(&bench, &disk.request("first")).await?;
    held_at_google(&bench).await?;
    let mut held = bench
        .api_proxy()?
        .hold(window_of("third"), 0, Moment::Before);
    let bob = disk.another_person(&bench, "bob").await?;
    for name in ["second", "third"] {
        bob.submit(&bench, &bob.request(name)).await?;
    }
    bench.simulator.release(None).await?;
    held.reached(SOON).await?;
    let second = eventually(SOON, async || bob.window(&bench, "second").await).await?;
    assert!(bob.window(&bench, "third").await?.is_none());
    let first = disk.window(&bench, "first").await?;

    crash(&mut bench, Some(held)).await?;
    disk.is_granted_once(&bench, "first", first.as_ref())
        .await?;
    bob.is_granted_once(&bench, "second", Some(&second)).await?;
    bob.is_granted_once(&bench, "third", None).await?;
    Ok(())
}

#[tokio::test]
async fn fault_1_while_roles_are_written_one_by_one() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    for moment in MOMENTS.map(word) {
        let name = format!("bisected-{moment}");
        let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER, LOGS]).await?;
        // All three together are refused; the first alone is written, the second is under way.
        disk.fault(&bench, json!({"status": 403, "count": 1}))
            .await?;
        disk.fault(&bench, json!({"hold": moment, "skip": 1, "count": 1}))
            .await?;
        disk.submit(&bench, &disk.request(&name)).await?;
        held_at_google(&bench).await?;
        let window = disk.window(&bench, &name).await?;
        assert!(window.is_some());
        crash(&mut bench, None).await?;
        disk.is_granted_once(&bench, &name, window.as_ref()).await?;
        disk.leaves_nothing(&bench, &name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_after_one_of_two_roles_was_written_and_the_other_refused() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    for moment in MOMENTS {
        let name = format!("half-{}", word(moment));
        let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER]).await?;
        disk.fault(&bench, json!({"role": VIEWER, "status": 403}))
            .await?;
        let failed = Pattern::status().path(&name).body("\"reason\":\"Failed\"");
        let mut held = bench.api_proxy()?.hold(failed, 0, moment);
        disk.submit(&bench, &disk.request(&name)).await?;
        held.reached(SOON).await?;
        let case = Case::at(&bench, &disk.place).await?;
        assert_eq!(case.grants(&case.project).await?.len(), 1, "{name}");

        crash(&mut bench, Some(held)).await?;
        disk.wait_for(&bench, &name, AccessState::Failed).await?;
        disk.no_binding_is_left(&bench).await?;
        let case = Case::at(&bench, &disk.place).await?;
        eventually(SOON, async || {
            let request = case.requests().get(&name).await?;
            Ok(request.finalizers().is_empty().then_some(()))
        })
        .await?;
        assert_eq!(case.grants(&case.project).await?.len(), 0, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_while_a_binding_is_removed() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    for moment in MOMENTS.map(word) {
        let name = format!("removal-{moment}");
        let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER]).await?;
        disk.submit(&bench, &disk.request(&name)).await?;
        disk.is_granted_once(&bench, &name, None).await?;
        disk.fault(&bench, json!({"hold": moment, "count": 1}))
            .await?;
        disk.delete(&bench, &name).await?;
        held_at_google(&bench).await?;
        crash(&mut bench, None).await?;
        let case = Case::at(&bench, &disk.place).await?;
        case.wait_until_gone(&name).await?;
        assert_eq!(case.grants(&case.project).await?.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_while_the_finalizer_of_what_was_removed_is_taken_off() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    for moment in MOMENTS {
        for ends_by_itself in [false, true] {
            let name = format!("let-go-{}-{ends_by_itself}", word(moment));
            let letting_go = Pattern::requests()
                .method("PATCH")
                .path(&name)
                .body("\"finalizers\":[]");
            let mut held = bench.api_proxy()?.hold(letting_go, 0, moment);
            let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
            let duration = if ends_by_itself { "4s" } else { "10m" };
            disk.submit(&bench, &disk.request(&name).duration(duration))
                .await?;
            disk.is_granted_once(&bench, &name, None).await?;
            if !ends_by_itself {
                disk.delete(&bench, &name).await?;
            }
            held.reached(SOON).await?;
            disk.no_binding_is_left(&bench).await?;

            crash(&mut bench, Some(held)).await?;
            let case = Case::at(&bench, &disk.place).await?;
            if ends_by_itself {
                eventually(SOON, async || {
                    let request = case.requests().get(&name).await?;
                    Ok(request.finalizers().is_empty().then_some(()))
                })
                .await?;
                case.wait_for(&name, AccessState::Expired).await?;
            } else {
                case.wait_until_gone(&name).await?;
            }
            // One that added it and one that removed it.
            assert_eq!(disk.policy_writes(&bench).await?, 2, "{name}");
            assert_eq!(case.grants(&case.project).await?.len(), 0, "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_before_the_start_of_what_is_scheduled() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    let (first, first_start) = later(6);
    let (_, second_start) = later(16);
    for (name, start) in [("passes", &first_start), ("comes", &second_start)] {
        let request: Request = disk.request(name).start_time(start);
        disk.submit(&bench, &request).await?;
    }
    for name in ["passes", "comes"] {
        disk.wait_for(&bench, name, AccessState::Scheduled).await?;
    }
    bench.controller_mut()?.kill_hard()?;
    // The first one's start passes with the controller dead.
    let wait = Duration::try_from(jiff::Timestamp::now().duration_until(first))?;
    tokio::time::sleep(wait + Duration::from_secs(1)).await;
    assert_eq!(disk.policy_writes(&bench).await?, 0);
    bench.controller_mut()?.start_again().await?;
    for (name, start) in [("passes", &first_start), ("comes", &second_start)] {
        let grant = disk.is_granted_once(&bench, name, None).await?;
        assert_eq!(&grant.start_time, start, "{name}");
    }
    assert_eq!(disk.policy_writes(&bench).await?, 2);
    Ok(())
}

#[tokio::test]
async fn fault_1_at_the_start_of_what_was_scheduled() -> Result<()> {
    let mut bench = Bench::with_proxy().await?;
    for moment in MOMENTS {
        let name = format!("starts-{}", word(moment));
        let mut held = bench.api_proxy()?.hold(window_of(&name), 0, moment);
        let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER]).await?;
        let (_, start) = later(5);
        disk.submit(&bench, &disk.request(&name).start_time(&start))
            .await?;
        disk.wait_for(&bench, &name, AccessState::Scheduled).await?;
        held.reached(SOON).await?;
        assert_eq!(disk.policy_writes(&bench).await?, 0);

        crash(&mut bench, Some(held)).await?;
        let grant = disk.is_granted_once(&bench, &name, None).await?;
        assert_eq!(grant.start_time, start, "{name}");
        assert_eq!(disk.policy_writes(&bench).await?, 1, "{name}");
        disk.leaves_nothing(&bench, &name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_31_a_write_of_the_dead_controller_that_arrives_late_is_removed() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    disk.fault(&bench, json!({"hold": "before", "count": 1}))
        .await?;
    disk.submit(&bench, &disk.request("late")).await?;
    held_at_google(&bench).await?;
    bench.controller_mut()?.kill_hard()?;
    disk.delete(&bench, "late").await?;
    let case_reads = async |bench: &Bench| -> Result<usize> {
        let case = Case::at(bench, &disk.place).await?;
        Ok(case.calls("getIamPolicy", &case.project).await?.len())
    };
    let before = case_reads(&bench).await?;
    bench.controller_mut()?.start_again().await?;
    // The new one looks for the binding and finds none, for it is still on its way.
    eventually(SOON, async || {
        Ok((case_reads(&bench).await? > before).then_some(()))
    })
    .await?;
    bench.simulator.release(None).await?;
    let case = Case::at(&bench, &disk.place).await?;
    case.wait_until_gone("late").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    // The one that arrived late, and its removal.
    assert_eq!(disk.policy_writes(&bench).await?, 2);
    Ok(())
}

#[tokio::test]
async fn fault_1_access_ends_with_the_controller_dead_and_is_tidied_up_later() -> Result<()> {
    let mut bench = Bench::start(Setup::with_flags(&["--round-interval=2s"])).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN]).await?;
    disk.submit(&bench, &disk.request("short").duration("4s"))
        .await?;
    disk.is_granted_once(&bench, "short", None).await?;
    bench.controller_mut()?.kill_hard()?;
    let project = &disk.place.project;
    eventually(SOON, async || {
        let holds = bench
            .simulator
            .has_role(&disk.email, project, ADMIN)
            .await?;
        Ok((!holds).then_some(()))
    })
    .await?;
    bench.controller_mut()?.start_again().await?;
    disk.wait_for(&bench, "short", AccessState::Expired).await?;
    disk.no_binding_is_left(&bench).await
}

#[tokio::test]
async fn attack_14_two_controllers_that_both_work_grant_once() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let _second = bench.start_controller(&[]).await?;
    let disk = Interrupted::prepare(&bench, &[ADMIN, VIEWER]).await?;
    for round in 0..5 {
        let name = format!("twice-{round}");
        disk.submit(&bench, &disk.request(&name)).await?;
        disk.is_granted_once(&bench, &name, None).await?;
        disk.leaves_nothing(&bench, &name).await?;
    }
    Ok(())
}
