//! Access ends when what allowed it changes, however Google answers and whoever writes the status.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::{eventually, never};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const ZONE: &str = r#"resource.name.startsWith("projects/web/zones/a")"#;
const LONG: Duration = Duration::from_secs(30);

async fn bench(flags: &[&str]) -> Result<Bench> {
    Bench::start(Setup {
        controller_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..Setup::default()
    })
    .await
}

async fn active(case: &Case<'_>) -> Result<(Person, AccessRequest)> {
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let request = case.wait_for("disk", AccessState::Active).await?;
    Ok((alice, request))
}

async fn replace_marker(case: &Case<'_>, expression: &str) -> Result<()> {
    let mut policy = case.bench.simulator.policy(&case.project).await?;
    let bindings = policy["bindings"].as_array_mut().context("bindings")?;
    let eligible = bindings
        .iter_mut()
        .find(|binding| binding["condition"]["expression"] == SELF)
        .context("the eligible binding")?;
    eligible["condition"]["expression"] = json!(expression);
    case.bench
        .simulator
        .set_policy(&case.project, &policy)
        .await
}

#[tokio::test]
async fn attack_20_a_marker_that_is_narrowed_ends_the_wider_access() -> Result<()> {
    let bench = bench(&["--round-interval=1s"]).await?;
    let case = Case::new(&bench).await?;
    let (alice, _) = active(&case).await?;
    replace_marker(&case, &format!("{SELF} && {ZONE}")).await?;
    let request = case.wait_for("disk", AccessState::Revoked).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(message.contains("another condition now"), "{message}");
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    // What is allowed now can be had now, and lasts over the rounds.
    case.submit(&alice, &case.request("again", &alice, ADMIN))
        .await?;
    case.wait_for("again", AccessState::Active).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let grants = case.grants(&case.project).await?;
    let expression = grants[0]["condition"]["expression"].as_str();
    assert!(expression.is_some_and(|text| text.ends_with(&format!(" && ({ZONE})"))));
    Ok(())
}

#[tokio::test]
async fn attack_29_a_status_that_somebody_empties_makes_access_no_longer() -> Result<()> {
    let bench = bench(&["--round-interval=1s"]).await?;
    let case = Case::new(&bench).await?;
    let (_, granted) = active(&case).await?;
    let before = case.grants(&case.project).await?;
    // Some seconds later a new window would end later.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let emptied = json!({"status": {"conditions": [], "plan": null, "grant": null}});
    case.as_controller()
        .await?
        .patch_status("disk", &PatchParams::default(), &Patch::Merge(emptied))
        .await?;
    let request = case.wait_for("disk", AccessState::Retrying).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(
        message.contains("somebody else writes the status"),
        "{message}"
    );
    never(Duration::from_secs(3), async || {
        let now = case.grants(&case.project).await?;
        Ok((now != before).then_some(now))
    })
    .await?;
    // Its deletion takes the binding along, as ever.
    let requester = case.known_person(&granted.spec.requester)?;
    case.delete(&requester, "disk").await?;
    case.wait_until_gone("disk").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_31_a_removal_does_not_wait_as_long_as_google_asks() -> Result<()> {
    let bench = bench(&[]).await?;
    let case = Case::new(&bench).await?;
    let (alice, _) = active(&case).await?;
    let busy = json!({
        "method": "setIamPolicy", "resource": case.project,
        "status": 429, "retryAfterSeconds": 300, "count": 1,
    });
    bench.simulator.fault(&busy).await?;
    alice
        .kubectl
        .run(&["delete", "areq", "disk", "--wait=false"])
        .await?
        .success()?;
    eventually(LONG, async || {
        Ok(case.grants(&case.project).await?.is_empty().then_some(()))
    })
    .await?;
    case.wait_until_gone("disk").await
}

#[tokio::test]
async fn a_deleted_request_is_let_go_some_time_after_its_end_whatever_google_says() -> Result<()> {
    let bench = bench(&["--round-interval=1s", "--finalizer-patience=2s"]).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let request = case.request("disk", &alice, ADMIN).duration("10s");
    case.submit(&alice, &request).await?;
    case.wait_for("disk", AccessState::Active).await?;
    let refused = json!({"method": "setIamPolicy", "resource": case.project, "status": 403});
    bench.simulator.fault(&refused).await?;
    alice
        .kubectl
        .run(&["delete", "areq", "disk", "--wait=false"])
        .await?
        .success()?;
    case.wait_until_gone("disk").await?;
    // Its end is long over for Google too: what stands there gives nothing.
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    let events = bench.admin_kubectl(&case.namespace)?;
    let event = eventually(LONG, async || {
        let list: Value = events
            .run(&["get", "events", "-o", "json"])
            .await?
            .success()?
            .parse()?;
        let items = list["items"].as_array().context("items")?;
        let left = items
            .iter()
            .find(|event| event["reason"] == "ExpiredBindingLeft");
        Ok(left.cloned())
    })
    .await?;
    let said = event["message"].as_str().or(event["note"].as_str());
    assert!(
        said.is_some_and(|text| text.contains("gives no access any more")),
        "{event}"
    );
    Ok(())
}

#[tokio::test]
async fn fault_3_a_clock_that_is_off_is_found_without_groups_too() -> Result<()> {
    let bench = bench(&["--groups=none"]).await?;
    bench.simulator.set_clock(300).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(message.contains("seconds behind Google's"), "{message}");
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_binding_that_is_over_by_our_clock_alone_stays() -> Result<()> {
    let bench = bench(&["--round-interval=1s"]).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    let in_a_minute = end.strftime("%Y-%m-%dT%H:%M:%SZ");
    let over = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
    let a_minute_ago = over.strftime("%Y-%m-%dT%H:%M:%SZ");
    // Google's clock is two minutes behind ours: what ended a minute ago still runs there.
    bench.simulator.set_clock(-120).await?;
    for (uid, end) in [
        ("11111111-1111-4111-8111-111111111111", a_minute_ago),
        ("22222222-2222-4222-8222-222222222222", in_a_minute),
    ] {
        let binding = json!({
            "role": ADMIN, "members": ["user:bob@example.com"],
            "condition": {
                "title": format!("jit-access {uid}"),
                "expression": format!("request.time < timestamp(\"{end}\")"),
            },
        });
        bench.simulator.bind(&case.project, binding).await?;
    }
    // The clock is learnt from a look-up; a deletion writes even while nothing is granted.
    case.submit(&alice, &case.request("clock", &alice, ADMIN))
        .await?;
    case.wait_for("clock", AccessState::Retrying).await?;
    case.delete(&alice, "clock").await?;
    case.wait_until_gone("clock").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    Ok(())
}

/// Writes the policy by granting something to somebody else.
async fn another_grant(case: &Case<'_>) -> Result<()> {
    let bob = case.person("bob").await?;
    case.eligible(&bob, ADMIN).await?;
    case.submit(&bob, &case.request("bobs", &bob, ADMIN))
        .await?;
    case.wait_for("bobs", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn attack_15_a_time_in_a_requests_own_condition_does_not_let_another_grant_end_it()
-> Result<()> {
    let bench = bench(&["--round-interval=2s"]).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    // One that is over, and one that some may take for a time and others for none.
    for (name, time) in [
        ("over", "2020-01-01T00:00:00Z"),
        ("spelt", "2099-01-01t00:00:00z"),
    ] {
        let narrowed = format!("request.time < timestamp(\"{time}\")");
        let request = case.request(name, &alice, ADMIN).condition(&narrowed);
        case.submit(&alice, &request).await?;
        case.wait_for(name, AccessState::Active).await?;
    }
    another_grant(&case).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(case.grants(&case.project).await?.len(), 3);
    for name in ["over", "spelt"] {
        case.wait_for(name, AccessState::Active).await?;
    }
    Ok(())
}
