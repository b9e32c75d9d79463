//! What one read and one write of a policy take at the least on this machine.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::report::percentile;
use crate::site::Site;

const ROUNDS: usize = 100;

/// The median time of a `getIamPolicy` and a `setIamPolicy` one after the other, over a connection that is
/// kept, by nobody but this loop.
pub async fn read_and_write(site: &Site<'_>) -> Result<Duration> {
    let people = site.people(1).await?;
    let project = site.project(&people, &["roles/compute.viewer"]).await?;
    let url = format!("{}/v3/{project}", site.bench.simulator.url());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let call = async |method: &str, body: Value| -> Result<Value> {
        let request = http.post(format!("{url}:{method}")).json(&body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    };
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let options = json!({"options": {"requestedPolicyVersion": 3}});
        let policy = call("getIamPolicy", options).await?;
        call("setIamPolicy", json!({"policy": policy})).await?;
        times.push(begun.elapsed());
    }
    Ok(percentile(&times, 50))
}
