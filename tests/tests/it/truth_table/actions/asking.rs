//! Making a request, for oneself and for somebody else.

use jit_access_tests::install;
use serde_json::json;

use super::{
    A_PEER, Action, BOB, CREATED_BY, Call, SOMEBODY, START, action, create, manifest, oneself,
    owner,
};
use crate::truth_table::people::Who::*;
use crate::truth_table::{DELEGATE, NAMESPACE, NOT_SET_UP};

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "ask for oneself; a program, for somebody",
        None,
        [
            Requester,
            Peer,
            PeerForAnotherRole,
            PeerElsewhere,
            Outsider,
            Revoker,
            NamespaceOwner,
            ClusterAdmin
        ],
        |who, _| { create(oneself(who), &json!({})) }
    ),
    action!("ask for somebody else", None, [], |_, _| create(
        SOMEBODY,
        &json!({})
    )),
    action!(
        "ask in a namespace that is not set up",
        None,
        [],
        |who, _| {
            Call::Create(
                NOT_SET_UP,
                manifest(oneself(who), &[A_PEER], None, &json!({})),
            )
        }
    ),
    action!(
        "ask in the controller's own namespace, as its probe does",
        None,
        [],
        |_, _| {
            Call::Create(
                install::NAMESPACE,
                manifest(SOMEBODY, &[], None, &json!({})),
            )
        }
    ),
    action!(
        "ask for somebody else, as a program that says so, with a peer to approve",
        None,
        [Delegate],
        |who, _| { create(SOMEBODY, &json!({"annotations": {CREATED_BY: who.user}})) }
    ),
    action!(
        "the same without a peer and without a start",
        None,
        [],
        |who, _| {
            let metadata = json!({"annotations": {CREATED_BY: who.user}});
            Call::Create(NAMESPACE, manifest(SOMEBODY, &[], None, &metadata))
        }
    ),
    action!(
        "the same without a peer, with a start",
        None,
        [Delegate],
        |who, _| {
            let metadata = json!({"annotations": {CREATED_BY: who.user}});
            Call::Create(NAMESPACE, manifest(SOMEBODY, &[], Some(START), &metadata))
        }
    ),
    action!(
        "the same with the peer's approval and with a start",
        None,
        [Delegate],
        |who, _| {
            let metadata = json!({"annotations": {
                CREATED_BY: who.user,
                "approved-by.jit-access.dev/bob": format!("{BOB} via {}: merged", who.user),
            }});
            Call::Create(
                NAMESPACE,
                manifest(SOMEBODY, &[BOB], Some(START), &metadata),
            )
        }
    ),
    action!(
        "the same with the peer's approval and without a start",
        None,
        [],
        |who, _| {
            let metadata = json!({"annotations": {
                CREATED_BY: who.user,
                "approved-by.jit-access.dev/bob": format!("{BOB} via {}: merged", who.user),
            }});
            Call::Create(NAMESPACE, manifest(SOMEBODY, &[BOB], None, &metadata))
        }
    ),
    action!(
        "the same with the approval of somebody who is no reviewer",
        None,
        [],
        |who, _| {
            let metadata = json!({"annotations": {
                CREATED_BY: who.user,
                "approved-by.jit-access.dev/dave": format!("dave@example.com via {}", who.user),
            }});
            Call::Create(
                NAMESPACE,
                manifest(SOMEBODY, &[BOB], Some(START), &metadata),
            )
        }
    ),
    action!(
        "the same with the peer's approval that another program signed",
        None,
        [],
        |who, _| {
            let metadata = json!({"annotations": {
                CREATED_BY: who.user,
                "approved-by.jit-access.dev/bob": format!("{BOB} via system:serviceaccount:jit-access:jit-access-webui"),
            }});
            Call::Create(
                NAMESPACE,
                manifest(SOMEBODY, &[BOB], Some(START), &metadata),
            )
        }
    ),
    action!(
        "ask for oneself with the peer's approval in it",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"approved-by.jit-access.dev/bob": BOB}}),
            )
        }
    ),
    action!(
        "ask for oneself with one's own denial in it",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"denied-by.jit-access.dev/me": who.user}}),
            )
        }
    ),
    action!(
        "ask as if the delegate had made it",
        None,
        [Delegate],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {CREATED_BY: DELEGATE}}),
            )
        }
    ),
    action!(
        "ask with a device of one's own making",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"jit-access.dev/device-id": "managed"}}),
            )
        }
    ),
    action!(
        "ask with access levels of one's own making",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"jit-access.dev/access-levels": "all"}}),
            )
        }
    ),
    action!(
        "ask with the controller's finalizer on it",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"finalizers": ["jit-access.dev/revoke"]}),
            )
        }
    ),
    action!("ask with an owner", None, [], |who, _| create(
        oneself(who),
        &owner()
    )),
    action!(
        "ask with an unknown annotation of ours",
        None,
        [],
        |who, _| {
            create(
                oneself(who),
                &json!({"annotations": {"jit-access.dev/approved": "yes"}}),
            )
        }
    ),
];
