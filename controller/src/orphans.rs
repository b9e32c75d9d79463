//! Searching the whole scope for bindings of ours that no request here explains. Cloud Asset only
//! says where to look, for it lags behind: what stands there is read again from Resource Manager.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use jit_access_core::iam_policy::{Policy, title};
use jit_access_core::orphans::{Explanation, Standing, standing};
use jit_access_core::visible_text::shown_up_to;
use jit_access_google::catalogue::FoundPolicy;
use jit_access_google::{Error, Google};
use kube::Resource;

use crate::context::Context;

/// Words of our titles. What has them elsewhere is found too, and is judged by its title.
const QUERY: &str = r#"policy:"jit-access""#;
/// The first search comes after this part of the interval: a start has enough to do.
const FIRST: u32 = 12;
/// Each pause is up to a tenth shorter or longer, so that several clusters do not ask at once.
const JITTER: f64 = 0.1;
/// How many policies are read at the same time.
const IN_PARALLEL: usize = 4;
/// How much of a binding's members is logged, in characters.
const LONGEST_MEMBERS: usize = 600;

/// Searches about every `interval`, for ever. A search that fails is told, and made again the next time.
pub async fn keep_searching(context: Arc<Context>, google: Google, interval: Duration) {
    let mut pause = interval / FIRST;
    let mut told = BTreeSet::new();
    loop {
        let jitter = rand::random_range(1.0 - JITTER..=1.0 + JITTER);
        tokio::time::sleep(pause.mul_f64(jitter)).await;
        pause = interval;
        // Until then every binding would be without a request.
        if context.requests.wait_until_ready().await.is_err() {
            continue;
        }
        if let Err(error) = search(&context, &google, &mut told).await {
            tracing::warn!(
                %error,
                "bindings that no request explains cannot be searched for; the next search comes in its turn"
            );
        }
    }
}

/// A resource and the title of a binding there.
type Place = (String, String);

/// `told` are those that were logged already.
async fn search(
    context: &Context,
    google: &Google,
    told: &mut BTreeSet<Place>,
) -> Result<(), Error> {
    let scope = context.limits.scope.as_str();
    let found = google.search_policies(scope, QUERY).await?;
    let requests = explanations(context);
    let suspects = found
        .into_iter()
        .filter(|found| !judged(&found.resource, &found.policy, &requests).is_empty());
    let read: Vec<(String, Policy)> = stream::iter(suspects)
        .map(|found| look_again(context, found))
        .buffer_unordered(IN_PARALLEL)
        .collect()
        .await;

    // Those that came meanwhile explain their bindings too.
    let requests = explanations(context);
    let mut unexplained = BTreeMap::new();
    let mut count = 0_i64;
    for (resource, policy) in read {
        for (standing, title, members) in judged(&resource, &policy, &requests) {
            if standing == Standing::Unexplained {
                count += 1;
                unexplained.insert((resource.clone(), title), members);
            }
        }
    }
    for (place, members) in &unexplained {
        if told.insert(place.clone()) {
            let (resource, title) = place;
            tracing::warn!(
                resource,
                title,
                members,
                "a binding gives access and no request here explains it: it is another cluster's, or somebody wrote it; it stays"
            );
        }
    }
    told.retain(|place| unexplained.contains_key(place));
    context.metrics.unknown_bindings.set(count);
    Ok(())
}

/// The resource and its policy as it stands now, out of which what is over is taken. Where it cannot be
/// read, what the search found counts.
async fn look_again(context: &Context, found: FoundPolicy) -> (String, Policy) {
    let FoundPolicy { resource, policy } = found;
    match context.policies.tidy(&resource).await {
        Ok(policy) => {
            let own = policy.own_bindings(Timestamp::now());
            for binding in own.filter(|own| own.is_over) {
                let title = title(binding.uid);
                tracing::info!(resource, title, "a binding that is over is removed");
            }
            (resource, policy)
        }
        Err(trouble) => {
            tracing::warn!(
                resource,
                error = trouble.message,
                "bindings of ours stand here as of some minutes ago, and cannot be looked at"
            );
            (resource, policy)
        }
    }
}

/// The bindings of ours that something is to be done about, each with its title and members.
fn judged(
    resource: &str,
    policy: &Policy,
    requests: &HashMap<String, Explanation>,
) -> Vec<(Standing, String, String)> {
    let now = Timestamp::now();
    policy
        .own_bindings(now)
        .map(|own| {
            let members = shown_up_to(&own.members.join(", "), LONGEST_MEMBERS);
            let standing = standing(&own, resource, requests.get(own.uid), now);
            (standing, title(own.uid), members)
        })
        .filter(|(standing, ..)| *standing != Standing::Explained)
        .collect()
}

/// What the requests explain, by UID. One that cannot be read explains nothing.
fn explanations(context: &Context) -> HashMap<String, Explanation> {
    let requests = context.requests.state();
    requests
        .iter()
        .filter_map(|object| {
            let request = object.0.as_ref().ok()?;
            let uid = request.metadata.uid.clone()?;
            Some((uid, Explanation::of(request)))
        })
        .collect()
}

/// UIDs of all requests, of those that cannot be read too.
pub fn existing(context: &Context) -> HashSet<String> {
    let requests = context.requests.state();
    requests
        .iter()
        .filter_map(|object| object.meta().uid.clone())
        .collect()
}
