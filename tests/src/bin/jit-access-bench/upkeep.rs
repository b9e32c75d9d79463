//! What the controller needs when nothing happens: memory, and time to start.

use std::time::{Duration, Instant};

use anyhow::Result;
use jit_access_tests::bench::Bench;

use crate::report::{Report, percentile};
use crate::site::{Site, request};

const READY_LIMIT: Duration = Duration::from_secs(1);
const STARTS: usize = 5;

/// Most resident memory with 1,000 requests, in MB (1,000,000 bytes).
const MEMORY_LIMIT: f64 = 60.0;
const PEOPLE: usize = 100;
const PROJECTS: usize = 10;

/// Kills the controller and starts it again, a few times, beside the running API server.
pub async fn start(report: &mut Report, bench: &mut Bench, requests: &str) -> Result<()> {
    report.heading(&format!(
        "start beside a running API server, {requests} ({STARTS} times)"
    ));
    let controller = bench.controller_mut()?;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        controller.kill_hard()?;
        let begun = Instant::now();
        controller.start_again().await?;
        times.push(begun.elapsed());
    }
    report.time(
        "process start to /readyz 200, p50",
        percentile(&times, 50),
        READY_LIMIT,
    );
    report.time(
        "process start to /readyz 200, longest",
        percentile(&times, 100),
        READY_LIMIT,
    );
    Ok(())
}

/// Fills a bench with 1,000 requests that have access, and measures the controller before and after a start.
pub async fn memory(report: &mut Report, bench: &mut Bench) -> Result<()> {
    const REQUESTS: f64 = (PEOPLE * PROJECTS) as f64;
    let granted = fill(&Site::new(bench).await?).await?;
    report.heading("1,000 requests: 100 people on 10 projects, all with access");
    report.at_least("granted", granted, REQUESTS);
    let name = "resident memory after granting them";
    report.at_most(name, settled(bench).await?, MEMORY_LIMIT, "MB");
    start(report, bench, "1,000 requests").await?;
    let name = "resident memory after a start";
    report.at_most(name, settled(bench).await?, MEMORY_LIMIT, "MB");
    Ok(())
}

/// Returns how many of the requests were granted.
async fn fill(site: &Site<'_>) -> Result<f64> {
    const ROLES: [&str; 1] = ["roles/compute.viewer"];
    let people = site.people(PEOPLE).await?;
    let mut requests = Vec::with_capacity(PEOPLE * PROJECTS);
    for _ in 0..PROJECTS {
        let project = site.project(&people, &ROLES).await?;
        requests.extend(
            people
                .iter()
                .map(|person| (person, request(person, &project, &ROLES))),
        );
    }
    let outcomes = site.ask(&requests, PEOPLE).await?;
    if let Some(refusal) = outcomes.refusals.first() {
        println!("  not granted, for example: {refusal}");
    }
    Ok(u32::try_from(outcomes.times.len())?.into())
}

/// Resident memory in MB, once the controller has had time for what it still does.
async fn settled(bench: &Bench) -> Result<f64> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let bytes = bench.controller()?.process().resident_memory()?;
    Ok(u32::try_from(bytes / 1_000).map(f64::from)? / 1_000.0)
}
