//! Denying and revoking.

use serde_json::json;

use super::{ALICE, APPLIED, Action, BOB, DECIDED, WAITING, action, annotate, create, oneself};
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "deny, in one's own name",
        Some(WAITING),
        [Peer, PeerForAnotherRole, Controller],
        |who, _| {
            annotate(
                WAITING,
                "denied-by.jit-access.dev/me",
                format!("{}: no", who.user),
            )
        }
    ),
    action!(
        "deny, in Bob's name",
        Some(WAITING),
        [Peer, Controller],
        |_, _| {
            annotate(
                WAITING,
                "denied-by.jit-access.dev/bob",
                format!("{BOB}: no"),
            )
        }
    ),
    action!(
        "deny, in Bob's name via oneself",
        Some(WAITING),
        [Delegate, Controller],
        |who, _| {
            annotate(
                WAITING,
                "denied-by.jit-access.dev/bob",
                format!("{BOB} via {}: no", who.user),
            )
        }
    ),
    action!(
        "revoke, in one's own name",
        Some(WAITING),
        [
            Requester,
            Peer,
            PeerForAnotherRole,
            Revoker,
            NamespaceOwner,
            ClusterAdmin,
            ProgramWithStar,
            Controller
        ],
        |who, _| {
            annotate(
                WAITING,
                "revoked-by.jit-access.dev/me",
                format!("{}: stop", who.user),
            )
        }
    ),
    action!(
        "revoke, in Alice's name",
        Some(WAITING),
        [Requester, Controller],
        |_, _| {
            annotate(
                WAITING,
                "revoked-by.jit-access.dev/alice",
                format!("{ALICE}: stop"),
            )
        }
    ),
    action!(
        "revoke, in Alice's name via oneself",
        Some(WAITING),
        [Delegate, Controller],
        |who, _| {
            annotate(
                WAITING,
                "revoked-by.jit-access.dev/alice",
                format!("{ALICE} via {}: stop", who.user),
            )
        }
    ),
    action!(
        "revoke, in one's own name, what the delegate made",
        Some(APPLIED),
        [
            Requester,
            Peer,
            Revoker,
            NamespaceOwner,
            ClusterAdmin,
            ProgramWithStar,
            Controller
        ],
        |who, _| {
            annotate(
                APPLIED,
                "revoked-by.jit-access.dev/me",
                format!("{}: stop", who.user),
            )
        }
    ),
    action!(
        "deny with a text that names nobody",
        Some(WAITING),
        [Controller],
        |_, _| annotate(WAITING, "denied-by.jit-access.dev/me", "no")
    ),
    action!(
        "deny once more",
        Some(DECIDED),
        [Peer, Controller],
        |who, _| {
            annotate(
                DECIDED,
                "denied-by.jit-access.dev/me",
                format!("{}: again", who.user),
            )
        }
    ),
    action!(
        "revoke once more",
        Some(DECIDED),
        [
            Peer,
            PeerForAnotherRole,
            Revoker,
            NamespaceOwner,
            ClusterAdmin,
            ProgramWithStar,
            Controller
        ],
        |who, _| {
            annotate(
                DECIDED,
                "revoked-by.jit-access.dev/me",
                format!("{}: again", who.user),
            )
        }
    ),
    action!(
        "ask for oneself with a revocation in it",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"revoked-by.jit-access.dev/me": who.user}}),
            )
        }
    ),
    action!(
        "deny, in Bob's name, what the delegate made",
        Some(APPLIED),
        [Peer, Controller],
        |_, _| annotate(
            APPLIED,
            "denied-by.jit-access.dev/bob",
            format!("{BOB}: no")
        )
    ),
    action!(
        "revoke, in Alice's name, what the delegate made",
        Some(APPLIED),
        [Requester, Controller],
        |_, _| {
            annotate(
                APPLIED,
                "revoked-by.jit-access.dev/alice",
                format!("{ALICE}: stop"),
            )
        }
    ),
];
