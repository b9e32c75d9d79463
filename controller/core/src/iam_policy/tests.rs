//! What is done to a policy, and what is left of it as it was.

mod adding;
mod expiring;
mod google_limits;
mod removing;
mod watching;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER_UID: &str = "0b0e1a5c-0000-4000-8000-000000000001";
const ALICE: &str = "user:alice@example.com";
const WINDOW: &str = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;

fn policy(bindings: Value) -> Policy {
    Policy {
        version: Some(1),
        etag: Some("BwZg7ZfUfYQ=".to_owned()),
        entries: serde_json::from_value(bindings).unwrap(),
        ..Policy::default()
    }
}

fn bindings(policy: &Policy) -> Value {
    serde_json::to_value(&policy.entries).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn granted(role: &str, expression: &str) -> GrantBinding {
    GrantBinding {
        resource: "projects/web-prod".to_owned(),
        role: role.to_owned(),
        member: ALICE.to_owned(),
        title: title(UID),
        description: "Self-approved, justification: test".to_owned(),
        expression: expression.to_owned(),
    }
}

fn ours(role: &str, members: &[&str], expression: &str) -> Value {
    json!({"role": role, "members": members, "condition": {
        "title": title(UID), "description": "Self-approved, justification: test", "expression": expression}})
}

fn standing(role: &str, members: &[&str]) -> Value {
    json!({"role": role, "members": members})
}
