//! What can be tried, and who may.

use jit_access_tests::install;
use serde_json::{Value, json};

use super::people::{Identified, Who};
use super::{DELEGATE, NAMESPACE, NOT_SET_UP};

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

use Who::*;

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

macro_rules! action {
    ($name:literal, $on:expr, [$($may:ident),*], $call:expr) => {
        Action { name: $name, on: $on, call: $call, may: &[$($may),*] }
    };
}

/// Everything.
pub const ACTIONS: &[Action] = &[
    // --- making a request
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
    // --- approving
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
    // --- taking a decision back
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
    // --- saying no
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
    // --- deleting
    action!(
        "delete what Alice made",
        Some(WAITING),
        [Requester, Controller, GarbageCollector],
        |_, _| Call::Delete(WAITING)
    ),
    action!(
        "delete what the delegate made",
        Some(APPLIED),
        [Delegate, Controller, GarbageCollector],
        |_, _| Call::Delete(APPLIED)
    ),
    // --- changing the rest
    action!("change the spec", Some(WAITING), [], |_, _| {
        Call::Patch(WAITING, json!({"spec": {"justification": "another"}}))
    }),
    action!(
        "add an optional field to the spec",
        Some(WAITING),
        [],
        |_, _| { Call::Patch(WAITING, json!({"spec": {"duration": "2h"}})) }
    ),
    action!(
        "remove an optional field of the spec",
        Some(WAITING),
        [],
        |_, _| { Call::Patch(WAITING, json!({"spec": {"reviewers": null}})) }
    ),
    action!("remove the spec", Some(WAITING), [], |_, _| Call::Patch(
        WAITING,
        json!({"spec": null})
    )),
    action!("write the status", Some(WAITING), [Controller], |_, _| {
        Call::PatchStatus(WAITING, json!({"status": {"observedGeneration": 2}}))
    }),
    action!(
        "write an annotation by way of the status",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            Call::PatchStatus(
                WAITING,
                json!({"metadata": {"annotations": {approved(uid8): who.user}}}),
            )
        }
    ),
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

fn owner() -> Value {
    json!({"ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-0000-0000-000000000000",
    }]})
}

/// So many annotations, each so long; Alice's has one character more.
fn many(count: usize, length: usize) -> Call {
    let all: serde_json::Map<String, Value> = (0..count)
        .map(|number| (format!("example.com/a-{number}"), "x".repeat(length).into()))
        .collect();
    Call::Patch(WAITING, json!({"metadata": {"annotations": all}}))
}
