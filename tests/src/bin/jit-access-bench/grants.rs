//! From a request to access: how long, and with how many calls of Google.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::report::Report;
use crate::site::{Outcomes, Site};

const ROLE: &str = "roles/compute.viewer";

/// All that one person may ask for in one request.
const TEN_ROLES: [&str; 10] = [
    "roles/bigquery.dataViewer",
    "roles/bigquery.jobUser",
    "roles/cloudsql.admin",
    "roles/compute.admin",
    "roles/container.developer",
    "roles/logging.admin",
    "roles/monitoring.viewer",
    "roles/pubsub.publisher",
    "roles/run.admin",
    "roles/storage.admin",
];

/// So many people at once on one project, and the most writes that may take.
const CROWD: usize = 200;
const CROWD_WRITES: f64 = 20.0;

/// What a grant may cost: one read and one write of the project's policy, one read of its one ancestor's,
/// one look-up of the person's groups.
const CALLS: f64 = 4.0;

/// The calls of Google that some grants cost.
#[derive(Debug, Default)]
struct Calls {
    reads: usize,
    writes: usize,
    all: usize,
}

/// `people` ask at the same time for one role on one project.
pub async fn concurrent(
    report: &mut Report,
    site: &Site<'_>,
    people: usize,
    latency: Duration,
    limit: Duration,
) -> Result<()> {
    let rounds = match people {
        1 => 20,
        10 => 5,
        _ => 3,
    };
    report.heading(&format!(
        "{people} at once, {} ms a call of Google ({rounds} rounds, each on a new project)",
        latency.as_millis()
    ));
    let (outcomes, calls) = measure(site, rounds, people, &[ROLE]).await?;
    show(report, &outcomes, &calls, rounds * people, limit);
    Ok(())
}

/// One person asks for ten roles on one project.
pub async fn ten_roles(report: &mut Report, site: &Site<'_>, latency: Duration) -> Result<()> {
    let rounds = 10;
    report.heading(&format!(
        "one person, ten roles, {} ms a call of Google ({rounds} rounds, each on a new project)",
        latency.as_millis()
    ));
    let (outcomes, calls) = measure(site, rounds, 1, &TEN_ROLES).await?;
    show(report, &outcomes, &calls, rounds, latency * 2);
    Ok(())
}

/// Two hundred people ask at the same time for one role on one project.
pub async fn crowd(report: &mut Report, site: &Site<'_>, latency: Duration) -> Result<()> {
    report.heading(&format!(
        "{CROWD} at once, {} ms a call of Google (once)",
        latency.as_millis()
    ));
    let (outcomes, calls) = measure(site, 1, CROWD, &[ROLE]).await?;
    show(report, &outcomes, &calls, CROWD, latency * 2);
    report.at_most(
        "setIamPolicy, all together",
        count(calls.writes),
        CROWD_WRITES,
        "",
    );
    Ok(())
}

/// `rounds` times: new people, a new project whose place the controller knows from an earlier request,
/// one request of each at the same time.
async fn measure(
    site: &Site<'_>,
    rounds: usize,
    people: usize,
    roles: &[&str],
) -> Result<(Outcomes, Calls)> {
    let mut outcomes = Outcomes::default();
    let mut calls = Calls::default();
    for _ in 0..rounds {
        let everyone = site.people(people + 1).await?;
        let project = site.project(&everyone, roles).await?;
        let (first, others) = everyone.split_at(1);
        let earlier = site.ask_at_once(first, &project, roles).await?;
        ensure!(
            earlier.refusals.is_empty(),
            "the first request on a project is refused: {}",
            earlier.refusals.join("; ")
        );
        let position = site.position().await?;
        let round = site.ask_at_once(others, &project, roles).await?;
        outcomes.times.extend(round.times);
        outcomes.refusals.extend(round.refusals);
        for call in site.calls_after(position).await? {
            calls.all += 1;
            if call.resource == project {
                calls.reads += usize::from(call.method.ends_with(".getIamPolicy"));
                calls.writes += usize::from(call.method.ends_with(".setIamPolicy"));
            }
        }
    }
    Ok((outcomes, calls))
}

fn show(report: &mut Report, outcomes: &Outcomes, calls: &Calls, asked: usize, limit: Duration) {
    report.percentiles("create to Granted", &outcomes.times, limit);
    report.at_least("granted", count(outcomes.times.len()), count(asked));
    if let Some(refusal) = outcomes.refusals.first() {
        println!("  not granted, for example: {refusal}");
    }
    let per_grant = |calls: usize| count(calls) / count(asked);
    report.shown(
        "getIamPolicy on the project per grant",
        per_grant(calls.reads),
        1.0,
    );
    report.shown(
        "setIamPolicy on the project per grant",
        per_grant(calls.writes),
        1.0,
    );
    report.shown("all calls of Google per grant", per_grant(calls.all), CALLS);
}

/// A count as a number to divide.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
