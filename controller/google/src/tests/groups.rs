//! Which groups a person is in.

mod clock;
mod failures;
mod search;
mod walk;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fake_google::{Reply, Request};

fn page(groups: &[&str], next: &str) -> Reply {
    let memberships: Vec<Value> = groups
        .iter()
        .map(|group| json!({"group": "groups/1", "groupKey": {"id": group}, "relationType": "DIRECT"}))
        .collect();
    Reply::json(json!({"memberships": memberships, "nextPageToken": next}))
}

fn set(groups: &[&str]) -> BTreeSet<String> {
    groups.iter().map(|&group| group.to_owned()).collect()
}

fn is_transitive(request: &Request) -> bool {
    request.path() == "/v1/groups/-/memberships:searchTransitiveGroups"
}
