//! The benchmark behind `cargo xtask bench`: how long a request takes to become access, how many calls of
//! Google that costs, and what the controller needs. Its status tells of broken counts, never of times,
//! which depend on the machine and what else runs on it.

mod admission;
mod approvals;
mod bare;
mod catalogue;
mod grants;
mod pages;
mod report;
mod site;
mod upkeep;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use jit_access_tests::bench::{Bench, Setup};

use crate::report::Report;
use crate::site::Site;

/// How long the simulated Google Cloud takes for a call: nothing of its own, and what the real one takes.
const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(50)];
/// How many people ask at the same time.
const CROWDS: [usize; 3] = [1, 10, 100];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(report) => report.finish(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Report> {
    let mut report = Report::start();
    catalogue::measure(&mut report).await?;
    {
        let mut bench = bench().await?;
        upkeep::start(&mut report, &mut bench, "no request").await?;
        let site = Site::new(&bench).await?;
        let bare = bare::read_and_write(&site).await?;
        report.heading(&format!(
            "limit of the times below: one read and one write; without latency that takes {:.2} ms here",
            bare.as_secs_f64() * 1_000.0
        ));
        for latency in LATENCIES {
            bench.simulator.set_latency(millis(latency)).await?;
            let limit = if latency.is_zero() { bare } else { latency * 2 };
            for people in CROWDS {
                grants::concurrent(&mut report, &site, people, latency, limit).await?;
            }
        }
        let [_, latency] = LATENCIES;
        approvals::approve(&mut report, &site, latency).await?;
        grants::ten_roles(&mut report, &site, latency).await?;
        grants::crowd(&mut report, &site, latency).await?;
    }
    let mut bench = bench().await?;
    upkeep::memory(&mut report, &mut bench).await?;
    pages::measure(&mut report, &bench).await?;
    admission::cost(&mut report, &bench).await?;
    Ok(report)
}

/// Everything on free ports, with a controller that nobody asks too often.
async fn bench() -> Result<Bench> {
    Bench::start(Setup::with_flags(&[
        "--max-open=10000",
        "--max-hourly=60000",
    ]))
    .await
}

fn millis(latency: Duration) -> u64 {
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}
