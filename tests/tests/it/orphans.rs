//! Bindings of ours that no request explains: what is over goes, what runs is told and stays.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::Case;
use jit_access_tests::eventually::eventually;
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/compute.viewer";
const SOON: Duration = Duration::from_secs(20);
const METRIC: &str = "jit_access_unknown_bindings";

/// As another installation would have written it, with a window that ends so many minutes from now.
fn foreign(minutes: i64) -> (String, Value) {
    let time = |minutes| {
        let time = Timestamp::now() + SignedDuration::from_mins(minutes);
        time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let title = format!("jit-access {}", uuid::Uuid::new_v4());
    let expression = format!(
        r#"request.time >= timestamp("{}") && request.time < timestamp("{}")"#,
        time(-60),
        time(minutes)
    );
    let binding = json!({
        "role": VIEWER,
        "members": ["user:zoe@example.com"],
        "condition": {"title": title, "description": "Self-approved, justification: x", "expression": expression}
    });
    (title, binding)
}

async fn bench() -> Result<Bench> {
    Bench::start(Setup::with_flags(&["--search-interval=2s"])).await
}

async fn wait_for_unknown(bench: &Bench, count: f64) -> Result<()> {
    eventually(SOON, async || {
        let metrics = bench.controller()?.metrics().await?;
        Ok((metrics.get(METRIC) == Some(&count)).then_some(()))
    })
    .await
    .with_context(|| bench.controller_log(30))
}

/// How many searches there were.
async fn searches(case: &Case<'_>) -> Result<usize> {
    let calls = case.calls("searchAllIamPolicies", ORGANIZATION).await?;
    Ok(calls.len())
}

async fn wait_for_searches(case: &Case<'_>, more: usize) -> Result<()> {
    let before = searches(case).await?;
    eventually(SOON, async || {
        Ok((searches(case).await? >= before + more).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_is_over_is_removed_and_what_runs_unexplained_is_told() -> Result<()> {
    let bench = bench().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    let granted = case.grants(&case.project).await?;

    let (_, over) = foreign(-1);
    let (title, running) = foreign(60);
    let elsewhere = case.project_in(ORGANIZATION).await?;
    case.bind(&elsewhere, VIEWER, "user:zoe@example.com", Some("true"))
        .await?;
    for resource in [&elsewhere, &case.project] {
        bench.simulator.bind(resource, over.clone()).await?;
    }
    bench.simulator.bind(&elsewhere, running.clone()).await?;

    eventually(SOON, async || {
        let left = case.grants(&elsewhere).await?;
        let here = case.grants(&case.project).await?;
        Ok((left == [running.clone()] && here == granted).then_some(()))
    })
    .await
    .with_context(|| bench.controller_log(30))?;
    wait_for_unknown(&bench, 1.0).await?;
    wait_for_searches(&case, 2).await?;

    // Nothing else was touched, nothing was said twice, and nothing is written where nothing is over.
    let policy = bench.simulator.policy(&elsewhere).await?;
    assert_eq!(policy["bindings"].as_array().map(Vec::len), Some(2));
    assert_eq!(case.grants(&case.project).await?, granted);
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(case.calls("setIamPolicy", &elsewhere).await?.len(), 1);
    let log = bench.controller()?.log();
    let told = log
        .lines()
        .filter(|line| line.contains("no request here explains"));
    let told: Vec<&str> = told.filter(|line| line.contains(&title)).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(&elsewhere) && told[0].contains("user:zoe@example.com"));

    // When it is gone, so is the alarm.
    bench.simulator.set_policy(&elsewhere, &json!({})).await?;
    wait_for_unknown(&bench, 0.0).await
}

#[tokio::test]
async fn a_search_that_fails_harms_nothing_and_is_made_again() -> Result<()> {
    let bench = bench().await?;
    let case = Case::new(&bench).await?;
    let fault = bench
        .simulator
        .fault(&json!({"method": "searchAllIamPolicies", "status": 403}))
        .await?;
    let (_, running) = foreign(60);
    bench.simulator.bind(&case.project, running).await?;
    eventually(SOON, async || {
        let log = bench.controller()?.log();
        Ok(log
            .contains("cloudasset.assets.searchAllIamPolicies")
            .then_some(()))
    })
    .await
    .with_context(|| bench.controller_log(30))?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    bench.simulator.remove_fault(&fault).await?;
    wait_for_unknown(&bench, 1.0).await
}
