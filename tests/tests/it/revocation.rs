//! Access is ended, or withdrawn before it begins, by an annotation that says who and why.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::install;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(30);

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

async fn revoke(person: &Person, why: &str) -> Result<()> {
    let annotation = format!("revoked-by.jit-access.dev/alice={}{why}", person.email);
    person
        .kubectl
        .run(&["annotate", "areq", "disk", &annotation])
        .await?
        .success()
        .map(drop)
}

async fn revoked(case: &Case<'_>, words: &str) -> Result<()> {
    let request = case.wait_for("disk", AccessState::Revoked).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(message.contains(words), "{message}");
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn running_access_ends() -> Result<()> {
    let (case, alice) = new().await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    revoke(&alice, ": the disk is empty again").await?;
    revoked(&case, ": the disk is empty again").await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn attack_17_a_revocation_in_hostile_words_counts_and_its_event_is_written() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    // What only gets in while the admission policy is not there ends access all the same.
    install::remove_guard(&bench.admin_kubectl(install::NAMESPACE)?).await?;
    // By a name that is no address, with direction characters, a line break and colours, and longer
    // than an Event takes once all of it is escaped.
    let why = format!("\u{202e}\n\u{1b}[31m{}", "\u{202e}".repeat(400));
    let annotation = format!("revoked-by.jit-access.dev/x=kubernetes-admin: {why}");
    alice
        .kubectl
        .run(&["annotate", "areq", "disk", &annotation])
        .await?
        .success()?;
    let request = case.wait_for("disk", AccessState::Revoked).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(
        message.starts_with("revoked by kubernetes-admin: \\u{202e}\\n\\u{1b}[31m"),
        "{message}"
    );
    let events = case.bench.admin_kubectl(&case.namespace)?;
    eventually(SOON, async || {
        let text = events
            .run(&["get", "events", "-o", "json"])
            .await?
            .success()?;
        Ok(text.contains("AccessRevoked").then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_scheduled_request_is_withdrawn() -> Result<()> {
    let (case, alice) = new().await?;
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3_600);
    let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let request = case.request("disk", &alice, ADMIN).start_time(&start);
    case.submit(&alice, &request).await?;
    case.wait_for("disk", AccessState::Scheduled).await?;
    revoke(&alice, "").await?;
    revoked(&case, &format!("revoked by {}", alice.email)).await?;
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_31_a_revocation_between_reading_and_writing_stops_the_write() -> Result<()> {
    let (case, alice) = new().await?;
    let hold = json!({
        "method": "getIamPolicy", "resource": case.project, "hold": "after", "count": 1,
    });
    case.bench.simulator.fault(&hold).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let held = eventually(SOON, async || {
        let held = case.bench.simulator.held().await?;
        Ok(held.into_iter().find(|call| call.resource == case.project))
    })
    .await?;
    revoke(&alice, ": not needed").await?;
    // The watch brings the annotation to the controller well before Google answers.
    tokio::time::sleep(Duration::from_secs(1)).await;
    case.bench.simulator.release(Some(&held.id)).await?;
    revoked(&case, ": not needed").await?;
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}
