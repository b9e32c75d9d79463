//! What can be tried, and who may.

mod approving;
mod asking;
mod deleting;
mod denying_and_revoking;
mod fixtures;
mod metadata;
mod spec_and_status;
mod withdrawing;

use serde_json::{Value, json};

use super::NAMESPACE;
use super::people::{Identified, Who};

pub use fixtures::fixtures;

/// A write, which is tried as a dry run.
pub enum Call {
    /// In this namespace.
    Create(&'static str, Value),
    /// A merge patch of the request of this name.
    Patch(&'static str, Value),
    /// A merge patch of its status.
    PatchStatus(&'static str, Value),
    /// Its deletion.
    Delete(&'static str),
}

/// Something that anybody may try.
pub struct Action {
    /// What the table calls it.
    pub name: &'static str,
    /// The request that it is about.
    pub on: Option<&'static str>,
    /// How somebody does it; the text is the beginning of the request's UID.
    pub call: fn(&Identified, &str) -> Call,
    /// Who may.
    pub may: &'static [Who],
}

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const CAROL: &str = "carol@example.com";
/// Somebody whom all can name and nobody is.
const SOMEBODY: &str = "somebody@example.com";

/// A reviewer who asks for nothing.
const A_PEER: &str = "peer@example.com";

const CREATED_BY: &str = "jit-access.dev/created-by";
const START: &str = "2026-12-01T08:00:00Z";

// The requests that are there.
/// Alice's, for Bob or Carol to approve; she put a label and an annotation on it.
const WAITING: &str = "waiting";
/// Alice's, which Bob approved, Carol denied, and Alice revoked.
const DECIDED: &str = "decided";
/// The delegate's, in Alice's name.
const APPLIED: &str = "applied";
/// Alice's, with the controller's finalizer.
const HELD: &str = "held";

macro_rules! action {
    ($name:literal, $on:expr, [$($may:ident),*], $call:expr) => {
        Action { name: $name, on: $on, call: $call, may: &[$($may),*] }
    };
}

use action;

/// Everything, in the order of the table.
pub const ACTIONS: [&[Action]; 7] = [
    asking::ACTIONS,
    approving::ACTIONS,
    withdrawing::ACTIONS,
    denying_and_revoking::ACTIONS,
    deleting::ACTIONS,
    spec_and_status::ACTIONS,
    metadata::ACTIONS,
];

fn manifest(requester: &str, reviewers: &[&str], start: Option<&str>, metadata: &Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "jit-access.dev/v1alpha1",
        "kind": "AccessRequest",
        "metadata": metadata,
        "spec": {
            "requester": requester,
            "resource": "projects/web-prod",
            "roles": ["roles/compute.viewer"],
            "justification": "CASE-1: the table",
        },
    });
    if manifest["metadata"]["name"].is_null() {
        manifest["metadata"]["name"] = "new".into();
    }
    if !reviewers.is_empty() {
        manifest["spec"]["reviewers"] = json!(reviewers);
    }
    if let Some(start) = start {
        manifest["spec"]["startTime"] = start.into();
    }
    manifest
}

/// A program cannot be a requester: the schema refuses that. Its address stands for it.
fn oneself(who: &Identified) -> &str {
    if who.user.contains('@') {
        &who.user
    } else {
        SOMEBODY
    }
}

fn create(requester: &str, metadata: &Value) -> Call {
    Call::Create(NAMESPACE, manifest(requester, &[A_PEER], None, metadata))
}

fn annotate(name: &'static str, key: &str, value: impl Into<Value>) -> Call {
    Call::Patch(
        name,
        json!({"metadata": {"annotations": {key: value.into()}}}),
    )
}

fn approved(uid8: &str) -> String {
    format!("approved-by.jit-access.dev/{uid8}-me")
}

fn owner() -> Value {
    json!({"ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-0000-0000-000000000000",
    }]})
}
