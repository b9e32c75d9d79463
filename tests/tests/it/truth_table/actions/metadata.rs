//! Changing finalizers, owners, labels and annotations.

use serde_json::{Value, json};

use super::{APPLIED, Action, CREATED_BY, Call, HELD, WAITING, action, annotate, owner};
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "put on the controller's finalizer",
        Some(WAITING),
        [Controller],
        |_, _| {
            Call::Patch(
                WAITING,
                json!({"metadata": {"finalizers": ["jit-access.dev/revoke"]}}),
            )
        }
    ),
    action!(
        "put on a foreign finalizer",
        Some(WAITING),
        [Controller],
        |_, _| {
            Call::Patch(
                WAITING,
                json!({"metadata": {"finalizers": ["example.com/mine"]}}),
            )
        }
    ),
    action!(
        "take off the controller's finalizer",
        Some(HELD),
        [Controller],
        |_, _| {
            Call::Patch(
                HELD,
                json!({"metadata": {"finalizers": ["example.com/theirs"]}}),
            )
        }
    ),
    action!(
        "take off a foreign finalizer",
        Some(HELD),
        [Controller, GarbageCollector],
        |_, _| {
            Call::Patch(
                HELD,
                json!({"metadata": {"finalizers": ["jit-access.dev/revoke"]}}),
            )
        }
    ),
    action!("name an owner", Some(WAITING), [Controller], |_, _| {
        Call::Patch(WAITING, json!({"metadata": owner()}))
    }),
    action!(
        "put on a label",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| {
            Call::Patch(
                WAITING,
                json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "x"}}}),
            )
        }
    ),
    action!(
        "take off Alice's label",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| { Call::Patch(WAITING, json!({"metadata": {"labels": {"team": null}}})) }
    ),
    action!(
        "put on an annotation of another tool",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| {
            annotate(
                WAITING,
                "argocd.argoproj.io/sync-options",
                "Replace=true,Force=true",
            )
        }
    ),
    action!(
        "change Alice's annotation",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| { annotate(WAITING, "example.com/ticket", "2") }
    ),
    action!(
        "take off Alice's annotation",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| { annotate(WAITING, "example.com/ticket", Value::Null) }
    ),
    action!(
        "say later that a program made it",
        Some(WAITING),
        [Controller],
        |who, _| { annotate(WAITING, CREATED_BY, who.user.clone()) }
    ),
    action!(
        "say later with which device it was made",
        Some(WAITING),
        [Controller],
        |_, _| { annotate(WAITING, "jit-access.dev/device-id", "managed") }
    ),
    action!(
        "change who made it",
        Some(APPLIED),
        [Controller],
        |who, _| { annotate(APPLIED, CREATED_BY, format!("{}-2", who.user)) }
    ),
    action!("remove who made it", Some(APPLIED), [Controller], |_, _| {
        annotate(APPLIED, CREATED_BY, Value::Null)
    }),
    action!(
        "put on an unknown annotation of ours",
        Some(WAITING),
        [Controller],
        |_, _| { annotate(WAITING, "jit-access.dev/Revoke", "no") }
    ),
    action!(
        "put on 17 annotations of other tools",
        Some(WAITING),
        [Controller],
        |_, _| many(17, 1)
    ),
    action!(
        "put on 15 annotations beside Alice's",
        Some(WAITING),
        [Requester, Delegate, Controller],
        |_, _| many(15, 1)
    ),
    action!(
        "put on annotations of 30,001 characters",
        Some(WAITING),
        [Controller],
        |_, _| many(10, 3_000)
    ),
    action!(
        "put on 64 annotations beside Alice's",
        Some(WAITING),
        [Controller],
        |_, _| many(64, 1)
    ),
];

/// So many annotations, each so long; Alice's has one character more.
fn many(count: usize, length: usize) -> Call {
    let all: serde_json::Map<String, Value> = (0..count)
        .map(|number| (format!("example.com/a-{number}"), "x".repeat(length).into()))
        .collect();
    Call::Patch(WAITING, json!({"metadata": {"annotations": all}}))
}
