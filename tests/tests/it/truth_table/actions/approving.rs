//! Approving.

use serde_json::json;

use super::{Action, BOB, Call, DECIDED, WAITING, action, annotate, approved};
use crate::truth_table::DELEGATE;
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "approve, in one's own name",
        Some(WAITING),
        [Peer, PeerForAnotherRole, Controller],
        |who, uid8| { annotate(WAITING, &approved(uid8), who.user.clone()) }
    ),
    action!(
        "approve, in one's own name with a comment",
        Some(WAITING),
        [Peer, PeerForAnotherRole, Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{}: looks right", who.user),
            )
        }
    ),
    action!(
        "approve, in Bob's name",
        Some(WAITING),
        [Peer, Controller],
        |_, uid8| { annotate(WAITING, &approved(uid8), format!("{BOB}: looks right")) }
    ),
    action!(
        "approve, in Bob's name in capitals",
        Some(WAITING),
        [Controller],
        |_, uid8| { annotate(WAITING, &approved(uid8), "Bob@example.com: looks right") }
    ),
    action!(
        "approve, in Bob's name via oneself",
        Some(WAITING),
        [Delegate, Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{BOB} via {}: merged", who.user),
            )
        }
    ),
    action!(
        "approve, in Bob's name via the delegate",
        Some(WAITING),
        [Delegate, Controller],
        |_, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{BOB} via {DELEGATE}: merged"),
            )
        }
    ),
    action!(
        "approve, in one's own name with a comment that imitates the delegate",
        Some(WAITING),
        [Peer, PeerForAnotherRole, Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{}: {BOB} via {DELEGATE}", who.user),
            )
        }
    ),
    action!(
        "approve another request of the same name",
        Some(WAITING),
        [Controller],
        |who, _| {
            annotate(
                WAITING,
                "approved-by.jit-access.dev/00000000-me",
                who.user.clone(),
            )
        }
    ),
    action!(
        "approve without saying which request",
        Some(WAITING),
        [Controller],
        |who, _| { annotate(WAITING, "approved-by.jit-access.dev/me", who.user.clone()) }
    ),
    action!(
        "approve once more",
        Some(DECIDED),
        [PeerForAnotherRole, Controller],
        |who, uid8| { annotate(DECIDED, &approved(uid8), format!("{}: again", who.user)) }
    ),
    action!(
        "approve with a key in capitals",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &format!("Approved-By.jit-access.dev/{uid8}-me"),
                who.user.clone(),
            )
        }
    ),
    action!(
        "approve in two lines",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{}: looks\nright", who.user),
            )
        }
    ),
    action!(
        "approve with characters that change the direction of text",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{}: \u{202e}looks right", who.user),
            )
        }
    ),
    action!(
        "approve in 501 characters",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{:x<501}", format!("{}: ", who.user)),
            )
        }
    ),
    action!(
        "approve in 500 characters",
        Some(WAITING),
        [Peer, PeerForAnotherRole, Controller],
        |who, uid8| {
            annotate(
                WAITING,
                &approved(uid8),
                format!("{:x<500}", format!("{}: ", who.user)),
            )
        }
    ),
    action!(
        "approve and change the spec with the same patch",
        Some(WAITING),
        [],
        |who, uid8| {
            Call::Patch(
                WAITING,
                json!({
                    "metadata": {"annotations": {approved(uid8): who.user}},
                    "spec": {"duration": "2h"},
                }),
            )
        }
    ),
    action!(
        "approve and write the status with the same patch",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            Call::PatchStatus(
                WAITING,
                json!({
                    "metadata": {"annotations": {approved(uid8): who.user}},
                    "status": {"observedGeneration": 2},
                }),
            )
        }
    ),
];
