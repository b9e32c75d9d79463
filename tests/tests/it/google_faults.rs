//! Google refuses, is slow, or loses the answer to a write: nothing is lost, nothing is done twice,
//! and what is said tells what is wrong.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use jit_access_tests::simulator::Call;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/compute.viewer";
const SOON: Duration = Duration::from_secs(30);

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

async fn submit(case: &Case<'_>, person: &Person) -> Result<()> {
    case.submit(person, &case.request("disk", person, ADMIN))
        .await
}

async fn is_granted_once(case: &Case<'_>, person: &Person) -> Result<()> {
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    assert!(case.has_role(person, &case.project, ADMIN).await?);
    Ok(())
}

async fn writes(case: &Case<'_>) -> Result<Vec<Call>> {
    case.calls("setIamPolicy", &case.project).await
}

/// Nobody writes over what he has not seen: before each write the policy was read since the one before.
/// (At times twice: when an ancestor's policy became too old meanwhile.)
async fn each_write_has_a_reading_of_its_own(case: &Case<'_>) -> Result<()> {
    let calls = case.calls("IamPolicy", &case.project).await?;
    let mut is_read = false;
    for call in &calls {
        let is_write = call.method.ends_with("setIamPolicy");
        assert!(is_read || !is_write, "{calls:?}");
        is_read = !is_write;
    }
    Ok(())
}

fn at(call: &Call) -> Result<jiff::Timestamp> {
    Ok(call.time.parse()?)
}

#[tokio::test]
async fn fault_2_a_storm_of_conflicts() -> Result<()> {
    let (case, alice) = new().await?;
    let _six = case
        .fault("setIamPolicy", json!({"status": 409, "count": 6}))
        .await?;
    submit(&case, &alice).await?;
    is_granted_once(&case, &alice).await?;
    assert_eq!(writes(&case).await?.len(), 7);
    each_write_has_a_reading_of_its_own(&case).await
}

#[tokio::test]
async fn fault_2_a_failed_precondition_is_a_conflict_too() -> Result<()> {
    let (case, alice) = new().await?;
    let _two = case
        .fault("setIamPolicy", json!({"status": 412, "count": 2}))
        .await?;
    submit(&case, &alice).await?;
    is_granted_once(&case, &alice).await?;
    assert_eq!(writes(&case).await?.len(), 3);
    each_write_has_a_reading_of_its_own(&case).await
}

#[tokio::test]
async fn somebody_elses_change_between_read_and_write_is_kept() -> Result<()> {
    let (case, alice) = new().await?;
    let held = case.hold("setIamPolicy").await?;
    submit(&case, &alice).await?;
    held.reached().await?;
    let other = "user:other@example.com";
    case.bind(&case.project, "roles/storage.admin", other, None)
        .await?;
    held.release().await?;
    is_granted_once(&case, &alice).await?;
    let policy = case.bench.simulator.policy(&case.project).await?;
    assert!(policy.to_string().contains(other), "{policy}");
    Ok(())
}

#[tokio::test]
async fn attack_20_a_marker_that_is_removed_between_decision_and_write_stops_the_grant()
-> Result<()> {
    let (case, alice) = new().await?;
    let held = case.hold("setIamPolicy").await?;
    submit(&case, &alice).await?;
    held.reached().await?;
    case.bench
        .simulator
        .set_policy(&case.project, &json!({"bindings": []}))
        .await?;
    held.release().await?;
    case.wait_for("disk", AccessState::Ineligible).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    // Refused by the etag, and not tried again.
    assert_eq!(writes(&case).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fault_2_a_write_that_took_effect_without_a_whole_answer_is_not_repeated() -> Result<()> {
    for lost in [
        json!({"cut": "after", "count": 1}),
        json!({"truncate": true, "count": 1}),
    ] {
        let (case, alice) = new().await?;
        let _once = case.fault("setIamPolicy", lost.clone()).await?;
        submit(&case, &alice).await?;
        is_granted_once(&case, &alice).await?;
        assert_eq!(writes(&case).await?.len(), 1, "{lost}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_a_connection_that_is_cut_before_the_write() -> Result<()> {
    let (case, alice) = new().await?;
    let _once = case
        .fault("setIamPolicy", json!({"cut": "before", "count": 1}))
        .await?;
    submit(&case, &alice).await?;
    is_granted_once(&case, &alice).await?;
    assert_eq!(writes(&case).await?.len(), 2);
    each_write_has_a_reading_of_its_own(&case).await
}

/// Waits for the time-out of a write, which is 20 seconds.
#[tokio::test]
async fn fault_2_a_write_that_hangs_and_arrives_late_is_no_second_grant() -> Result<()> {
    let (case, alice) = new().await?;
    let held = case.hold("setIamPolicy").await?;
    submit(&case, &alice).await?;
    held.reached().await?;
    // Nobody knows whether it was done: the policy is read again, and then written.
    is_granted_once(&case, &alice).await?;
    assert!(case.calls("getIamPolicy", &case.project).await?.len() > 1);
    held.release().await?;
    let late = eventually(SOON, async || {
        Ok(writes(&case).await?.into_iter().nth(1)) // The log has calls when they take effect.
    })
    .await?;
    assert_eq!(late.status, 409);
    is_granted_once(&case, &alice).await
}

/// Waits for the time-out of a write, which is 20 seconds, and as long again for what may be on its way.
#[tokio::test]
async fn attack_31_a_write_that_arrives_after_the_deletion_is_found_and_removed() -> Result<()> {
    let (case, alice) = new().await?;
    let held = case.hold("setIamPolicy").await?;
    submit(&case, &alice).await?;
    held.reached().await?;
    case.delete(&alice, "disk").await?.success()?;
    // After the time-out it is looked for, and not found.
    eventually(SOON, async || {
        let reads = case.calls("getIamPolicy", &case.project).await?.len();
        Ok((reads > 1).then_some(()))
    })
    .await?;
    // So that it is not another reading of the same search that finds it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    held.release().await?;
    eventually(SOON, async || {
        Ok((case.grants(&case.project).await?.len() == 1).then_some(()))
    })
    .await?;
    assert!(case.requests().get_opt("disk").await?.is_some());
    case.wait_until_gone("disk").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn fault_2_a_write_that_google_fails_at_is_made_again() -> Result<()> {
    for status in [500, 503] {
        let (case, alice) = new().await?;
        let _twice = case
            .fault("setIamPolicy", json!({"status": status, "count": 2}))
            .await?;
        submit(&case, &alice).await?;
        is_granted_once(&case, &alice).await?;
        assert_eq!(writes(&case).await?.len(), 3, "{status}");
        // It may have been done: before each further write it is looked.
        each_write_has_a_reading_of_its_own(&case).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_an_outage_of_writes_is_said_and_waited_for() -> Result<()> {
    for status in [500, 503] {
        let (case, alice) = new().await?;
        let down = case
            .fault("setIamPolicy", json!({"status": status}))
            .await?;
        let request = case.request("disk", &alice, ADMIN);
        let message = case
            .outcome(&alice, &request, AccessState::Retrying)
            .await?;
        let http = format!("HTTP {status}");
        assert!(
            message.contains(&case.project) && message.contains(&http),
            "{message}"
        );
        assert_eq!(case.grants(&case.project).await?.len(), 0);
        down.lift().await?;
        is_granted_once(&case, &alice).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_a_quota_that_is_used_up_is_waited_for_as_long_as_google_asks() -> Result<()> {
    let (case, alice) = new().await?;
    let _once = case
        .fault(
            "setIamPolicy",
            json!({"status": 429, "retryAfterSeconds": 5, "count": 1}),
        )
        .await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains("quota") && message.contains("wait 5 s"),
        "{message}"
    );
    is_granted_once(&case, &alice).await?;
    // The project is neither read nor written before the time is over.
    let calls = case.calls("IamPolicy", &case.project).await?;
    let refused = calls
        .iter()
        .position(|call| call.status == 429)
        .context("the refused write")?;
    let pause = at(&calls[refused + 1])?.duration_since(at(&calls[refused])?);
    assert!(
        pause >= jiff::SignedDuration::from_secs(5),
        "after {pause:?}"
    );
    assert_eq!(writes(&case).await?.len(), 2);
    each_write_has_a_reading_of_its_own(&case).await
}

#[tokio::test]
async fn fault_2_google_is_left_alone_between_two_tries() -> Result<()> {
    let (case, alice) = new().await?;
    // Each answer is another text, so that each failure is another status.
    for n in 0..50 {
        let effect = json!({"status": 429, "count": 1, "message": format!("failure {n}")});
        let _once = case.fault("setIamPolicy", effect).await?;
    }
    submit(&case, &alice).await?;
    let tries = eventually(SOON, async || {
        let tries = writes(&case).await?;
        Ok((tries.len() > 3).then_some(tries))
    })
    .await?;
    // The pauses are at least half of 0.25, 0.5, 1 s …
    for (n, least) in [125, 250, 500].into_iter().enumerate() {
        let pause = at(&tries[n + 1])?.duration_since(at(&tries[n])?);
        assert!(
            pause >= jiff::SignedDuration::from_millis(least),
            "pause {n}: {pause:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_a_missing_permission_on_one_project_is_named_and_stops_no_other() -> Result<()> {
    let (case, alice) = new().await?;
    let _denied = case.fault("setIamPolicy", json!({"status": 403})).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case.outcome(&alice, &request, AccessState::Failed).await?;
    assert!(
        message.contains("setIamPolicy") && message.contains(&case.project),
        "{message}"
    );
    let other = case.project_in("organizations/1").await?;
    case.bind(&other, ADMIN, &alice.member(), Some(SELF))
        .await?;
    let request = Request::new("other", &alice.email, &other, ADMIN);
    case.submit(&alice, &request).await?;
    case.wait_for("other", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn fault_2_a_limit_on_roles_in_one_write_is_met_by_writing_them_one_by_one() -> Result<()> {
    let (case, alice) = new().await?;
    case.eligible(&alice, VIEWER).await?;
    // The write of both roles is refused; later ones, of one role each, are not.
    let _once = case
        .fault("setIamPolicy", json!({"status": 403, "count": 1}))
        .await?;
    let request = case.request("both", &alice, ADMIN).role(VIEWER);
    case.submit(&alice, &request).await?;
    case.wait_for("both", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    // The refused one, the policy as it was, and each role alone.
    assert_eq!(writes(&case).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn fault_2_where_one_role_is_refused_the_request_is_granted_not_at_all() -> Result<()> {
    let (case, alice) = new().await?;
    case.eligible(&alice, VIEWER).await?;
    let _denied = case
        .fault("setIamPolicy", json!({"role": VIEWER, "status": 403}))
        .await?;
    let request = case.request("both", &alice, ADMIN).role(VIEWER);
    case.submit(&alice, &request).await?;
    case.wait_for("both", AccessState::Failed).await?;
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn attack_31_a_removal_is_tried_until_the_binding_is_gone() -> Result<()> {
    let (case, alice) = new().await?;
    submit(&case, &alice).await?;
    is_granted_once(&case, &alice).await?;
    let refused = case.fault("setIamPolicy", json!({"status": 403})).await?;
    case.delete(&alice, "disk").await?.success()?;
    eventually(SOON, async || {
        let request = case.requests().get("disk").await?;
        let message = condition(&request, "Granted")?.message.clone();
        Ok(message.contains("cannot be removed for now").then_some(()))
    })
    .await?;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    refused.lift().await?;
    case.wait_until_gone("disk").await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn attack_13_deleted_while_the_write_is_on_its_way() -> Result<()> {
    let (case, alice) = new().await?;
    let held = case.hold("setIamPolicy").await?;
    submit(&case, &alice).await?;
    held.reached().await?;
    case.delete(&alice, "disk").await?.success()?;
    held.release().await?;
    case.wait_until_gone("disk").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

/// As many tries as the window has time for; the window was recorded before the first.
#[tokio::test]
async fn fault_2_what_is_refused_until_the_end_fails_with_the_last_cause() -> Result<()> {
    let (case, alice) = new().await?;
    let effect = json!({"status": 429, "message": "Quota exceeded for quota metric 'Writes'."});
    let used_up = case.fault("setIamPolicy", effect).await?;
    let request = case.request("disk", &alice, ADMIN).duration("6s");
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(message.contains("Quota exceeded"), "{message}");
    let request = case.wait_for("disk", AccessState::Failed).await?;
    let message = &condition(&request, "Granted")?.message;
    let window = request.status.as_ref().and_then(|it| it.grant.as_ref());
    let end = &window.context("a window")?.expire_time;
    for words in [
        "could not be granted before its end",
        end,
        "the last try: Google refused to replace",
        "Quota exceeded for quota metric 'Writes'",
    ] {
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
    assert_eq!(condition(&request, "Stalled")?.status, "True");
    // Nothing holds the object, and nothing comes of it when Google is well again.
    eventually(SOON, async || {
        let request = case.requests().get("disk").await?;
        Ok(request.metadata.finalizers.is_none().then_some(()))
    })
    .await?;
    used_up.lift().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    case.wait_for("disk", AccessState::Failed).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}
