//! Kubernetes Events: hints for who looks at the object. They are no audit trail: the API server
//! merges and forgets them.

use jit_access_core::review::approval_command;
use jit_access_core::visible_text::shown;
use jit_access_crds::{AccessRequest, Approval};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

use crate::context::Context;
use crate::petition::subject;
use crate::write_error::WriteError;

/// Longest note that the API server takes, in bytes (events.k8s.io/v1).
const NOTE_LENGTH: usize = 1_024;

async fn publish(
    context: &Context,
    request: &AccessRequest,
    type_: EventType,
    reason: &str,
    note: String,
) {
    write(context, request, type_, reason, note, None).await;
}

async fn write(
    context: &Context,
    request: &AccessRequest,
    type_: EventType,
    reason: &str,
    mut note: String,
    about: Option<ObjectReference>,
) {
    note.truncate(note.floor_char_boundary(NOTE_LENGTH));
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: reason.to_owned(),
        secondary: about,
    };
    let reference = request.object_ref(&());
    if let Err(error) = context.recorder.publish(&event, &reference).await {
        let error = WriteError::from(error);
        let request = subject(context, request).name;
        tracing::warn!(request, %error, "an Event was not written");
    }
}

/// A person as the second object of an Event: the API server merges none that are about different
/// ones.
fn person(email: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some("rbac.authorization.k8s.io/v1".to_owned()),
        kind: Some("User".to_owned()),
        name: Some(email.to_owned()),
        ..ObjectReference::default()
    }
}

/// A reviewer is asked to approve.
pub async fn approval_requested(context: &Context, request: &AccessRequest, reviewer: &str) {
    let note = format!(
        "{reviewer} may approve: {}",
        approval_command(request, reviewer)
    );
    let about = Some(person(reviewer));
    write(
        context,
        request,
        EventType::Normal,
        "ApprovalRequested",
        note,
        about,
    )
    .await;
}

/// An approval was seen for the first time.
pub async fn approved(context: &Context, request: &AccessRequest, approval: &Approval) {
    let via = approval.via.as_ref();
    let note = format!(
        "{} approved{}{}",
        approval.approver,
        via.map(|via| format!(" via {via}")).unwrap_or_default(),
        approval
            .comment
            .as_ref()
            .map(|comment| format!(": {}", shown(comment)))
            .unwrap_or_default()
    );
    let about = Some(person(&approval.approver));
    write(context, request, EventType::Normal, "Approved", note, about).await;
}

/// The access was ended before its time.
pub async fn revoked(context: &Context, request: &AccessRequest, why: &str) {
    let note = format!("access ended early: {why}; Google may take minutes to act on it");
    publish(context, request, EventType::Normal, "AccessRevoked", note).await;
}

/// The binding of an ended request came back and was removed.
pub async fn came_back(context: &Context, request: &AccessRequest) {
    let note = "the binding of this ended request was put back into Google's policy and was removed again; look which tool writes the policy".to_owned();
    publish(
        context,
        request,
        EventType::Warning,
        "BindingCameBack",
        note,
    )
    .await;
}

/// Access that was to end has become permanent.
pub async fn unconditional(context: &Context, request: &AccessRequest) {
    let note = format!(
        "{} holds a granted role on {} without a condition now; it does not end by itself, and was not removed since it may be intended",
        request.spec.requester, request.spec.resource
    );
    let reason = "UnconditionalBinding";
    publish(context, request, EventType::Warning, reason, note).await;
}

/// The object goes although its expired binding may still be in the policy. Logged too, for a
/// namespace that is being deleted takes no Events.
pub async fn finalizer_gave_up(context: &Context, request: &AccessRequest) {
    tracing::warn!(
        request = subject(context, request).name,
        resource = request.spec.resource,
        "the expired binding could not be removed, gives no access any more, and is left"
    );
    let note = format!(
        "the expired binding could not be removed from the policy of {}; it gives no access any more, and goes with the next write",
        request.spec.resource
    );
    let reason = "ExpiredBindingLeft";
    publish(context, request, EventType::Warning, reason, note).await;
}
