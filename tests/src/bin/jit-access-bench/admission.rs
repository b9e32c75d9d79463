//! What the admission policy costs, and what it spares: it answers whatever is sent, and soon.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jit_access_crds::AccessRequest;
use jit_access_tests::bench::Bench;
use jit_access_tests::install;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Map, Value, json};

use crate::report::{Report, percentile};
use crate::site::{Person, Site, request};

const ROUNDS: usize = 200;
/// So many annotations are refused sooner than the API server takes them without the policy: most of
/// the time goes into reading and merging them, which comes before.
const FLOOD: usize = 40_000;

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
    let refused = flood(person, name, true).await?;
    let with = changes(person, name).await?;
    install::remove_guard(&bench.admin_kubectl(install::NAMESPACE)?).await?;
    let without = changes(person, name).await?;
    let taken = flood(person, name, false).await?;
    report.time("with the policy against without it, p50", with, without);
    report.time(
        &format!("{FLOOD} annotations: refused, against taken without it"),
        refused,
        taken,
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

/// How long it takes to refuse a flood, or to take one, which is not stored.
async fn flood(person: &Person, name: &str, is_refused: bool) -> Result<Duration> {
    let all: Map<String, Value> = (0..FLOOD)
        .map(|number| (format!("a{number:x}"), "".into()))
        .collect();
    let patch = json!({"metadata": {"annotations": all}});
    let begun = Instant::now();
    let dry_run = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let patched = person
        .requests()
        .patch(name, &dry_run, &Patch::Merge(&patch))
        .await;
    match patched {
        Err(kube::Error::Api(status)) if is_refused => {
            let sentence = "at most 64 annotations";
            ensure!(status.message.contains(sentence), "{}", status.message);
        }
        Err(error) => return Err(error.into()),
        Ok(_) => ensure!(!is_refused, "{FLOOD} annotations were taken"),
    }
    Ok(begun.elapsed())
}
