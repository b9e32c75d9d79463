//! A write that fails is not made again at once, nor after its time, and what is the matter is said.

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, ORGANIZATION};
use jit_access_tests::case::{Case, Person, SELF};
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

#[tokio::test]
async fn fault_2_an_outage_is_waited_for_as_long_as_google_asks() -> Result<()> {
    for status in [500, 503] {
        let (case, alice) = new().await?;
        let effect = json!({"status": status, "retryAfterSeconds": 5, "count": 1});
        let _once = case.fault("setIamPolicy", effect).await?;
        case.submit(&alice, &case.request("disk", &alice, ADMIN))
            .await?;
        case.wait_for("disk", AccessState::Active).await?;
        let writes = case.calls("setIamPolicy", &case.project).await?;
        assert_eq!(writes.len(), 2);
        let at = |n: usize| writes[n].time.parse::<jiff::Timestamp>();
        let pause = at(1)?.duration_since(at(0)?);
        assert!(
            pause >= jiff::SignedDuration::from_secs(5),
            "{status}: after {pause:?}"
        );
    }
    Ok(())
}

/// Waits for the time-out of a write, which is 20 seconds.
#[tokio::test]
async fn fault_2_a_write_that_hangs_is_said() -> Result<()> {
    let (case, alice) = new().await?;
    let hang = case.fault("setIamPolicy", json!({"hang": true})).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(message.contains("did not answer within 20 s"), "{message}");
    hang.lift().await?;
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fault_2_after_the_window_nothing_is_written_and_nothing_was_granted() -> Result<()> {
    let (case, alice) = new().await?;
    let hang = json!({"hang": true, "count": 1});
    let _hang = case.fault("setIamPolicy", hang).await?;
    let request = case.request("disk", &alice, ADMIN).duration("8s");
    let message = case.outcome(&alice, &request, AccessState::Failed).await?;
    assert!(
        message.contains("could not be granted before its end"),
        "{message}"
    );
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 1);
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn fault_6_of_several_roles_the_refused_one_is_named() -> Result<()> {
    let mut case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let folder = case.folder(ORGANIZATION).await?;
    case.project = case.project_in(&folder).await.context("a project")?;
    for role in [ADMIN, "roles/editor"] {
        case.bind(&folder, role, &alice.member(), Some(SELF))
            .await?;
    }
    let request = case.request("both", &alice, ADMIN).role("roles/editor");
    let message = case.outcome(&alice, &request, AccessState::Failed).await?;
    assert!(
        message.contains("roles/editor") && !message.contains(ADMIN),
        "{message}"
    );
    Ok(())
}
