//! Withdrawing a decision, or changing it.

use serde_json::Value;

use super::{APPLIED, Action, BOB, CAROL, DECIDED, action, annotate};
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "withdraw Bob's approval",
        Some(DECIDED),
        [Peer, Controller],
        |_, uid8| {
            annotate(
                DECIDED,
                &format!("approved-by.jit-access.dev/{uid8}-bob"),
                Value::Null,
            )
        }
    ),
    action!(
        "withdraw the approval that the delegate signed",
        Some(APPLIED),
        [Delegate, Peer, Controller],
        |_, _| { annotate(APPLIED, "approved-by.jit-access.dev/bob", Value::Null) }
    ),
    action!(
        "change the comment of Bob's approval",
        Some(DECIDED),
        [Controller],
        |_, uid8| {
            annotate(
                DECIDED,
                &format!("approved-by.jit-access.dev/{uid8}-bob"),
                format!("{BOB}: hm"),
            )
        }
    ),
    action!(
        "change Carol's denial",
        Some(DECIDED),
        [Controller],
        |_, _| {
            annotate(
                DECIDED,
                "denied-by.jit-access.dev/carol",
                format!("{CAROL}: perhaps"),
            )
        }
    ),
    action!(
        "remove Carol's denial",
        Some(DECIDED),
        [Controller],
        |_, _| { annotate(DECIDED, "denied-by.jit-access.dev/carol", Value::Null) }
    ),
    action!(
        "remove Alice's revocation",
        Some(DECIDED),
        [Controller],
        |_, _| { annotate(DECIDED, "revoked-by.jit-access.dev/alice", Value::Null) }
    ),
];
