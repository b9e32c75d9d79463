//! What the admission policy costs, and what it spares: it answers whatever is sent, and soon.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jit_access_crds::AccessRequest;
use jit_access_tests::bench::Bench;
use jit_access_tests::install;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Map, Value, json};

use crate::report::{Report, percentile};
use crate::site::{Person, Site, request};

const ROUNDS: usize = 200;
/// A request of so many annotations is refused within this.
const FLOOD: usize = 40_000;
const FLOOD_LIMIT: Duration = Duration::from_secs(1);

/// Changes a request that is filled to the brim, with the policy and without; then floods it.
pub async fn cost(report: &mut Report, bench: &Bench) -> Result<()> {
    let site = Site::new(bench).await?;
    let people = site.people(1).await?;
    let person = people.first().context("one person")?;
    let project = site.project(&people, &["roles/compute.viewer"]).await?;
    let asked = request(person, &project, &["roles/compute.viewer"]);
    let mut object: AccessRequest = serde_json::from_value(asked.manifest())?;
    // All that may stand there beside decisions.
    object.metadata.annotations = Some(
        (0..16)
            .map(|number| (format!("example.com/a-{number}"), "x".repeat(1_800)))
            .collect(),
    );
    let params = PostParams::default();
    person.requests().create(&params, &object).await?;
    report.heading(&format!(
        "admission: one change of a request with all the annotations it may have ({ROUNDS} times)"
    ));
    let name = asked.name();
    let flood = flood(person, name).await?;
    let with = changes(person, name).await?;
    install::remove_guard(&bench.admin_kubectl(install::NAMESPACE)?).await?;
    let without = changes(person, name).await?;
    report.time("with the policy against without it, p50", with, without);
    report.time(
        &format!("a change to {FLOOD} annotations is refused within"),
        flood,
        FLOOD_LIMIT,
    );
    Ok(())
}

/// The median time of a change that is not stored.
async fn changes(person: &Person, name: &str) -> Result<Duration> {
    let mut times = Vec::with_capacity(ROUNDS);
    let dry_run = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let value = format!("{}: done", person.email);
    let patch = json!({"metadata": {"annotations": {"revoked-by.jit-access.dev/me": value}}});
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let patch = Patch::Merge(&patch);
        person.requests().patch(name, &dry_run, &patch).await?;
        times.push(begun.elapsed());
    }
    Ok(percentile(&times, 50))
}

async fn flood(person: &Person, name: &str) -> Result<Duration> {
    let all: Map<String, Value> = (0..FLOOD)
        .map(|number| (format!("a{number:x}"), "".into()))
        .collect();
    let patch = json!({"metadata": {"annotations": all}});
    let begun = Instant::now();
    let params = PatchParams::default();
    match person
        .requests()
        .patch(name, &params, &Patch::Merge(&patch))
        .await
    {
        Err(kube::Error::Api(status)) if status.message.contains("at most 64 annotations") => {
            Ok(begun.elapsed())
        }
        Err(error) => Err(error.into()),
        Ok(_) => bail!("{FLOOD} annotations were taken"),
    }
}
