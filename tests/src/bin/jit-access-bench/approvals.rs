//! From a peer's approval to access.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::case::{PEER, state};
use jit_access_tests::eventually::eventually;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::report::Report;
use crate::site::{Person, Site, request};

const ROLE: &str = "roles/compute.viewer";
const ROUNDS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// What an approval may cost: the project's policy read and written, that of its one ancestor, and the
/// groups of both people.
const CALLS: f64 = 5.0;

/// A reviewer approves one request after the other.
pub async fn approve(report: &mut Report, site: &Site<'_>, latency: Duration) -> Result<()> {
    report.heading(&format!(
        "one approval, {} ms a call of Google ({ROUNDS} rounds, each of new people on a new project)",
        latency.as_millis()
    ));
    let mut times = Vec::with_capacity(ROUNDS);
    let mut most = 0;
    for _ in 0..ROUNDS {
        let people = site.people(2).await?;
        let [alice, bob] = &people[..] else {
            bail!("two people");
        };
        let project = site.project_for(&people, &[ROLE], PEER).await?;
        let asked = request(alice, &project, &[ROLE]).reviewers(&[&bob.email]);
        let object: AccessRequest = serde_json::from_value(asked.manifest())?;
        let made = alice
            .requests()
            .create(&PostParams::default(), &object)
            .await?;
        waiting(alice, asked.name()).await?;
        // So that what was read to find the reviewers serves no longer.
        tokio::time::sleep(Duration::from_millis(5_200)).await;
        let position = site.position().await?;
        let uid = made.metadata.uid.context("a UID")?;
        let key = format!("approved-by.jit-access.dev/{}-bob", &uid[..8]);
        let patch = json!({"metadata": {"annotations": {key: bob.email}}});
        let begun = Instant::now();
        bob.requests()
            .patch(asked.name(), &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        let granted = site.granted(asked.name()).await?;
        times.push(granted - begun);
        most = most.max(site.calls_after(position).await?.len());
    }
    report.percentiles("approve to Granted", &times, latency * 2);
    let most = u32::try_from(most).map_or(f64::INFINITY, f64::from);
    report.at_most("calls of Google for one, at most", most, CALLS, "");
    Ok(())
}

async fn waiting(person: &Person, name: &str) -> Result<()> {
    eventually(PATIENCE, async || {
        let request = person.requests().get(name).await?;
        Ok((state(&request) == Some(AccessState::AwaitingApproval)).then_some(()))
    })
    .await
}
