//! Writes to the API server. Each is guarded by the object's resourceVersion: what was decided on
//! an object is never written over another.

use jiff::Timestamp;
use jit_access_core::status::{Report, compose, may_follow, state};
use jit_access_crds::{AccessRequest, FINALIZER};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::context::Context;
use crate::guarded::Guarded;
use crate::write_error::{TIMEOUT, WriteError};

/// How often a write is repeated on the newest object when somebody else changed it meanwhile.
const MOST_CONFLICTS: usize = 5;

fn readable(object: Guarded) -> Result<AccessRequest, WriteError> {
    object
        .0
        .map_err(|unreadable| WriteError::Refused(unreadable.error))
}

fn api(context: &Context, request: &AccessRequest) -> Api<Guarded> {
    Api::namespaced(
        context.client.clone(),
        request.metadata.namespace.as_deref().unwrap_or_default(),
    )
}

/// In its turn, and not for ever.
async fn timely<T>(
    context: &Context,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<Result<T, kube::Error>, WriteError> {
    // Never closed: without a permit the call would only be one too many.
    let _turn = context.api_calls.acquire().await.ok();
    tokio::time::timeout(TIMEOUT, call)
        .await
        .map_err(|_| WriteError::Timeout)
}

fn is_conflict<T>(result: &Result<T, kube::Error>) -> bool {
    matches!(result, Err(kube::Error::Api(status)) if status.is_conflict())
}

/// Writes as `write` says, on the newest object; nothing if `write` has nothing to say.
async fn on_newest<F>(
    context: &Context,
    request: &AccessRequest,
    mut write: impl FnMut(AccessRequest) -> Option<F>,
) -> Result<AccessRequest, WriteError>
where
    F: Future<Output = Result<Guarded, kube::Error>>,
{
    let mut newest = request.clone();
    for _ in 0..MOST_CONFLICTS {
        let Some(call) = write(newest.clone()) else {
            return Ok(newest);
        };
        let result = timely(context, call).await?;
        if !is_conflict(&result) {
            let written = readable(result?)?;
            context.memory.wrote(&written);
            return Ok(written);
        }
        let found = timely(context, api(context, request).get(&request.name_any())).await??;
        newest = readable(found)?;
        if newest.metadata.uid != request.metadata.uid {
            return Err(WriteError::Gone);
        }
    }
    Err(WriteError::Refused(
        "the object is changed by others all the time".to_owned(),
    ))
}

/// Writes the status that follows from a report, unless it is so already.
///
/// # Errors
/// When it was not written.
pub async fn write_status(
    context: &Context,
    request: &AccessRequest,
    report: &Report,
) -> Result<AccessRequest, WriteError> {
    write_status_unless(context, request, report, |_| false).await
}

/// Writes a status that records a window, unless another controller recorded one meanwhile: a
/// window is decided once.
///
/// # Errors
/// When it was not written.
pub async fn record_window(
    context: &Context,
    request: &AccessRequest,
    report: &Report,
) -> Result<AccessRequest, WriteError> {
    let grant = |object: &AccessRequest| object.status.as_ref().and_then(|it| it.grant.clone());
    let decided_on = grant(request);
    let written = write_status_unless(context, request, report, |object| {
        grant(object) != decided_on
    })
    .await?;
    if grant(&written) == report.grant {
        Ok(written)
    } else {
        Err(WriteError::Refused(
            "another controller works on this request".to_owned(),
        ))
    }
}

async fn write_status_unless(
    context: &Context,
    request: &AccessRequest,
    report: &Report,
    is_settled: impl Fn(&AccessRequest) -> bool,
) -> Result<AccessRequest, WriteError> {
    let api = api(context, request);
    on_newest(context, request, |mut object| {
        // The object may have gone on meanwhile, by another controller's hand.
        if is_settled(&object) || !may_follow(state(&object), report.state) {
            return None;
        }
        let status = compose(&object, report, Timestamp::now());
        if object.status.as_ref() == Some(&status) {
            return None;
        }
        object.status = Some(status);
        object.metadata.managed_fields = None;
        let api = api.clone();
        context.metrics.status_writes.inc();
        Some(async move {
            let name = object.name_any();
            api.replace_status(&name, &PostParams::default(), &Guarded(Ok(object)))
                .await
        })
    })
    .await
}

/// Adds our finalizer, unless it is there.
///
/// # Errors
/// When it was not written.
pub async fn add_finalizer(
    context: &Context,
    request: &AccessRequest,
) -> Result<AccessRequest, WriteError> {
    set_finalizer(context, request, true).await
}

/// Removes our finalizer, unless it is gone.
///
/// # Errors
/// When it was not written.
pub async fn remove_finalizer(
    context: &Context,
    request: &AccessRequest,
) -> Result<AccessRequest, WriteError> {
    set_finalizer(context, request, false).await
}

async fn set_finalizer(
    context: &Context,
    request: &AccessRequest,
    wanted: bool,
) -> Result<AccessRequest, WriteError> {
    let api = api(context, request);
    on_newest(context, request, |object| {
        let mut finalizers = object.finalizers().to_vec();
        let there = finalizers.iter().any(|name| name == FINALIZER);
        if there == wanted {
            return None;
        }
        if wanted {
            finalizers.push(FINALIZER.to_owned());
        } else {
            finalizers.retain(|name| name != FINALIZER);
        }
        let patch = json!({"metadata": {
            "resourceVersion": object.metadata.resource_version,
            "finalizers": finalizers,
        }});
        let api = api.clone();
        Some(async move {
            api.patch(
                &object.name_any(),
                &PatchParams::default(),
                &Patch::Merge(patch),
            )
            .await
        })
    })
    .await
}

/// Whether the request's namespace is being deleted, or gone.
///
/// # Errors
/// When that cannot be read.
pub async fn namespace_is_going(
    context: &Context,
    request: &AccessRequest,
) -> Result<bool, WriteError> {
    let api: Api<Namespace> = Api::all(context.client.clone());
    let name = request.namespace().unwrap_or_default();
    let namespace = timely(context, api.get_opt(&name)).await??;
    Ok(namespace.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some()))
}

/// Deletes the request, if it is still the one that was looked at.
///
/// # Errors
/// When it was not deleted; that it is gone already is none.
pub async fn delete(context: &Context, request: &AccessRequest) -> Result<(), WriteError> {
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: request.metadata.uid.clone(),
            resource_version: request.metadata.resource_version.clone(),
        }),
        ..DeleteParams::default()
    };
    let api = api(context, request);
    let name = request.name_any();
    match timely(context, api.delete(&name, &params))
        .await?
        .map_err(WriteError::from)
    {
        Ok(_) | Err(WriteError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}
