//! An object that cannot be read as an AccessRequest, such as one of a newer version. It must not
//! stop the others, and whoever made it hears of it.

use std::time::Duration;

use jiff::Timestamp;
use jit_access_core::request::format_time;
use jit_access_crds::{AccessState, ConditionType, EligibleReason};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use serde_json::{Value, json};

use crate::context::Context;
use crate::guarded::{Guarded, Unreadable};
use crate::write_error::WriteError;

/// Says in the status that the object cannot be read.
///
/// # Errors
/// When the API server cannot be written to.
pub async fn tell(context: &Context, object: &Unreadable) -> Result<Action, WriteError> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    tracing::warn!(
        request = format!("{namespace}/{name}"),
        problem = object.error,
        "an object cannot be read as an AccessRequest"
    );
    let api: Api<Guarded> = Api::namespaced(context.client.clone(), namespace);
    let message: String = format!(
        "this object cannot be read: {}; delete it and create another one",
        object.error
    )
    .chars()
    .take(1_000)
    .collect();
    if already_says(&object.object["status"]["conditions"], &message) {
        return Ok(Action::await_change());
    }
    let patch = json!({
        "metadata": {"uid": object.metadata.uid, "resourceVersion": object.metadata.resource_version},
        "status": {"conditions": conditions(&message, object.metadata.generation)},
    });
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(WriteError::from)?;
    context.metrics.status_writes.inc();
    // It may have become readable by this very write.
    Ok(Action::requeue(Duration::from_secs(1)))
}

fn already_says(conditions: &Value, message: &str) -> bool {
    conditions.as_array().is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["message"] == message)
    })
}

fn conditions(message: &str, generation: Option<i64>) -> Value {
    let condition = |kind: ConditionType, status: &str, reason: &str| {
        json!({
            "type": kind.as_str(),
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": generation.unwrap_or(0),
            "lastTransitionTime": format_time(Timestamp::now()),
        })
    };
    json!([
        condition(
            ConditionType::Eligible,
            "Unknown",
            EligibleReason::Pending.as_str()
        ),
        condition(
            ConditionType::Approved,
            "Unknown",
            EligibleReason::Pending.as_str()
        ),
        condition(
            ConditionType::Granted,
            "False",
            AccessState::Failed.as_str()
        ),
        condition(ConditionType::Stalled, "True", AccessState::Failed.as_str()),
    ])
}
