//! The requests that are there before.

use serde_json::{Value, json};

use super::{ALICE, APPLIED, BOB, CAROL, CREATED_BY, DECIDED, HELD, START, WAITING, manifest};
use crate::truth_table::DELEGATE;
use crate::truth_table::people::Who::{self, *};

/// A patch, by the beginning of the request's UID.
type Patch = fn(&str) -> Value;

/// A request that is there before.
pub struct Fixture {
    /// Its name.
    pub name: &'static str,
    /// Who makes it.
    pub maker: Who,
    /// How it is made.
    pub manifest: Value,
    /// Who writes what on it afterwards.
    pub patches: Vec<(Who, Patch)>,
}

/// What is there before.
pub fn fixtures() -> Vec<Fixture> {
    let alices = |name: &str| manifest(ALICE, &[BOB, CAROL], None, &json!({"name": name}));
    vec![
        Fixture {
            name: WAITING,
            maker: Requester,
            manifest: alices(WAITING),
            patches: vec![(
                Requester,
                |_| json!({"metadata": {"labels": {"team": "web"}, "annotations": {"example.com/ticket": "1"}}}),
            )],
        },
        Fixture {
            name: DECIDED,
            maker: Requester,
            manifest: alices(DECIDED),
            patches: vec![
                (
                    Peer,
                    |uid8| json!({"metadata": {"annotations": {format!("approved-by.jit-access.dev/{uid8}-bob"): BOB}}}),
                ),
                (
                    PeerForAnotherRole,
                    |_| json!({"metadata": {"annotations": {"denied-by.jit-access.dev/carol": "carol@example.com: no"}}}),
                ),
                (
                    Requester,
                    |_| json!({"metadata": {"annotations": {"revoked-by.jit-access.dev/alice": "alice@example.com: done"}}}),
                ),
            ],
        },
        Fixture {
            name: APPLIED,
            maker: Delegate,
            manifest: manifest(
                ALICE,
                &[BOB],
                Some(START),
                &json!({"name": APPLIED, "annotations": {
                    CREATED_BY: DELEGATE,
                    "approved-by.jit-access.dev/bob": format!("{BOB} via {DELEGATE}: merged"),
                }}),
            ),
            patches: vec![],
        },
        Fixture {
            name: HELD,
            maker: Requester,
            manifest: alices(HELD),
            patches: vec![(
                Controller,
                |_| json!({"metadata": {"finalizers": ["jit-access.dev/revoke", "example.com/theirs"]}}),
            )],
        },
    ]
}
