//! Google refuses, is slow, or loses answers: nothing is lost, nothing is done twice, and what is
//! said tells what is wrong.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/compute.viewer";
const SOON: Duration = Duration::from_secs(20);

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

async fn fault(case: &Case<'_>, method: &str, resource: &str, more: Value) -> Result<String> {
    let mut fault = json!({"method": method, "resource": resource});
    if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
        fault.extend(more.clone());
    }
    case.bench.simulator.fault(&fault).await
}

async fn granted_once(case: &Case<'_>, person: &Person) -> Result<()> {
    case.submit(person, &case.request("disk", person, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    assert!(case.has_role(person, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn a_storm_of_conflicts() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"status": 409, "count": 6}),
    )
    .await?;
    granted_once(&case, &alice).await?;
    // Each conflict is a new reading: nobody writes over what he has not seen.
    assert_eq!(case.calls("getIamPolicy", &case.project).await?.len(), 7);
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 7);
    Ok(())
}

#[tokio::test]
async fn a_failed_precondition_is_a_conflict_too() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"status": 412, "count": 2}),
    )
    .await?;
    granted_once(&case, &alice).await
}

#[tokio::test]
async fn somebody_elses_change_between_read_and_write_is_kept() -> Result<()> {
    let (case, alice) = new().await?;
    let held = fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"hold": "before", "count": 1}),
    )
    .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    wait_until_held(&case).await?;
    case.bind(
        &case.project,
        "roles/storage.admin",
        "user:other@example.com",
        None,
    )
    .await?;
    case.bench.simulator.remove_fault(&held).await?;
    release(&case).await?;
    case.wait_for("disk", AccessState::Active).await?;
    let policy = case
        .bench
        .simulator
        .policy(&case.project)
        .await?
        .to_string();
    assert!(policy.contains("other@example.com"), "{policy}");
    Ok(())
}

async fn wait_until_held(case: &Case<'_>) -> Result<()> {
    eventually(SOON, async || {
        let held = case.bench.simulator.held().await?;
        Ok(held
            .iter()
            .any(|call| call.resource == case.project)
            .then_some(()))
    })
    .await
}

/// Lets the call of this case go on, and nobody else's.
async fn release(case: &Case<'_>) -> Result<()> {
    for call in case.bench.simulator.held().await? {
        if call.resource == case.project {
            case.bench.simulator.release(Some(&call.id)).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_marker_that_is_removed_between_decision_and_write_stops_the_grant() -> Result<()> {
    let (case, alice) = new().await?;
    let held = fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"hold": "before", "count": 1}),
    )
    .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    wait_until_held(&case).await?;
    case.bench
        .simulator
        .set_policy(&case.project, &json!({"bindings": []}))
        .await?;
    case.bench.simulator.remove_fault(&held).await?;
    release(&case).await?;
    case.wait_for("disk", AccessState::Ineligible).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_write_that_took_effect_without_an_answer_is_not_repeated() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"cut": "after", "count": 1}),
    )
    .await?;
    granted_once(&case, &alice).await?;
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_write() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"cut": "before", "count": 1}),
    )
    .await?;
    granted_once(&case, &alice).await
}

#[tokio::test]
async fn a_body_that_is_cut_off() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "getIamPolicy",
        &case.project,
        json!({"truncate": true, "count": 1}),
    )
    .await?;
    granted_once(&case, &alice).await
}

#[tokio::test]
async fn an_outage_is_said_and_waited_for() -> Result<()> {
    let (case, alice) = new().await?;
    let down = fault(&case, "getIamPolicy", &case.project, json!({"status": 503})).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let request = case.wait_for("disk", AccessState::Retrying).await?;
    let message = condition(&request, "Granted")?.message.clone();
    assert!(
        message.contains("503") || message.contains("unavailable"),
        "{message}"
    );
    assert!(condition(&request, "Reconciling")?.status == "True");
    case.bench.simulator.remove_fault(&down).await?;
    case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_waited_for_as_long_as_google_asks() -> Result<()> {
    let (case, alice) = new().await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"status": 429, "retryAfterSeconds": 1, "count": 1}),
    )
    .await?;
    granted_once(&case, &alice).await
}

#[tokio::test]
async fn groups_that_cannot_be_looked_up_refuse_nobody_and_admit_nobody() -> Result<()> {
    let (case, alice) = new().await?;
    let down = fault(
        &case,
        "searchTransitiveGroups",
        &alice.email,
        json!({"status": 500}),
    )
    .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Retrying).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    case.bench.simulator.remove_fault(&down).await?;
    case.wait_for("disk", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn an_ancestor_that_cannot_be_read_is_named_and_waited_for() -> Result<()> {
    let (case, alice) = new().await?;
    let folder = case.folder("organizations/1").await?;
    let project = case.project_in(&folder).await?;
    case.bind(&project, ADMIN, &alice.member(), Some(SELF))
        .await?;
    let denied = fault(&case, "getIamPolicy", &folder, json!({"status": 403})).await?;
    let request = Request::new("disk", &alice.email, &project, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(message.contains(&folder), "{message}");
    case.bench.simulator.remove_fault(&denied).await?;
    case.wait_for("disk", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn a_missing_permission_on_one_project_is_named_and_stops_no_other() -> Result<()> {
    let (case, alice) = new().await?;
    fault(&case, "setIamPolicy", &case.project, json!({"status": 403})).await?;
    let message = case
        .outcome(
            &alice,
            &case.request("disk", &alice, ADMIN),
            AccessState::Failed,
        )
        .await?;
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
async fn of_many_requests_only_the_one_that_google_refuses_fails() -> Result<()> {
    let (case, alice) = new().await?;
    let mut people = Vec::new();
    for n in 0..5 {
        let person = case.person(&format!("p{n}")).await?;
        let role = if n == 3 { VIEWER } else { ADMIN };
        case.eligible(&person, role).await?;
        people.push((person, role));
    }
    // The first write is held, so that the others wait for the next one together.
    let held = fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"hold": "before", "count": 1}),
    )
    .await?;
    case.submit(&alice, &case.request("first", &alice, ADMIN))
        .await?;
    wait_until_held(&case).await?;
    let message = "Role roles/compute.viewer is not supported for this resource.";
    let refused = json!({"role": VIEWER, "status": 400, "message": message});
    fault(&case, "setIamPolicy", &case.project, refused).await?;
    for (n, (person, role)) in people.iter().enumerate() {
        case.submit(person, &case.request(&format!("r{n}"), person, role))
            .await?;
    }
    case.bench.simulator.remove_fault(&held).await?;
    release(&case).await?;
    for n in [0, 1, 2, 4] {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    let refused = case.wait_for("r3", AccessState::Failed).await?;
    let message = &condition(&refused, "Granted")?.message;
    assert!(
        message.contains("not supported for this resource"),
        "{message}"
    );
    Ok(())
}

#[tokio::test]
async fn a_limit_on_roles_in_one_write_is_met_by_writing_them_one_by_one() -> Result<()> {
    let (case, alice) = new().await?;
    case.eligible(&alice, VIEWER).await?;
    // The write of both roles is refused; later ones, of one role each, are not.
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"status": 403, "count": 1}),
    )
    .await?;
    case.submit(&alice, &case.request("both", &alice, ADMIN).role(VIEWER))
        .await?;
    case.wait_for("both", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn granted_whole_or_not_at_all() -> Result<()> {
    let (case, alice) = new().await?;
    case.eligible(&alice, VIEWER).await?;
    fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"role": VIEWER, "status": 403}),
    )
    .await?;
    case.submit(&alice, &case.request("both", &alice, ADMIN).role(VIEWER))
        .await?;
    case.wait_for("both", AccessState::Failed).await?;
    eventually(SOON, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn a_removal_is_tried_until_the_binding_is_gone() -> Result<()> {
    let (case, alice) = new().await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    let refused = fault(&case, "setIamPolicy", &case.project, json!({"status": 403})).await?;
    case.delete(&alice, "disk").await?.success()?;
    eventually(SOON, async || {
        let request = case.requests().get("disk").await?;
        let message = condition(&request, "Granted")?.message.clone();
        Ok(message.contains("cannot be removed for now").then_some(()))
    })
    .await?;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    case.bench.simulator.remove_fault(&refused).await?;
    case.wait_until_gone("disk").await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn deleted_while_the_write_is_on_its_way() -> Result<()> {
    let (case, alice) = new().await?;
    let held = fault(
        &case,
        "setIamPolicy",
        &case.project,
        json!({"hold": "before", "count": 1}),
    )
    .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    wait_until_held(&case).await?;
    case.delete(&alice, "disk").await?.success()?;
    case.bench.simulator.remove_fault(&held).await?;
    release(&case).await?;
    case.wait_until_gone("disk").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_is_off_decides_no_window() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    bench.simulator.set_clock(300).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains("seconds behind Google's") && message.contains("synchronise"),
        "{message}"
    );
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    bench.simulator.set_clock(0).await?;
    case.wait_for("disk", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn google_is_left_alone_between_two_tries() -> Result<()> {
    let (case, alice) = new().await?;
    // Each answer is another text, so that each failure is another status.
    for n in 0..50 {
        let more = json!({"status": 429, "count": 1, "message": format!("failure {n}")});
        fault(&case, "setIamPolicy", &case.project, more).await?;
    }
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // The pauses are at least half of 0.25, 0.5, 1, 2 s …
    let tries = case.calls("setIamPolicy", &case.project).await?.len();
    assert!((2..=6).contains(&tries), "{tries} tries");
    Ok(())
}
