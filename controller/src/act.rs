//! Carries out a step. No choices are left here but those that Google's answers make.

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use jit_access_core::decision::{Removal, Step};
use jit_access_core::status::{self, Report};
use jit_access_crds::{AccessRequest, AccessState, Approval, GrantStatus};

use crate::ask::ask;
use crate::context::Context;
use crate::done::{Done, Next};
use crate::objects;
use crate::petition::subject;
use crate::refused::refused;
use crate::write_error::WriteError;
use crate::{events, watch};

/// How often it is looked whether the namespace of a kept name is being deleted, or whether identity
/// is proven again, in case no change tells.
const LOOK_AGAIN_EVERY: SignedDuration = SignedDuration::from_secs(20);

/// Carries out a step.
///
/// # Errors
/// When the API server cannot be written to.
pub async fn act(
    context: &Arc<Context>,
    request: &Arc<AccessRequest>,
    step: Step,
) -> Result<Done, WriteError> {
    match step {
        Step::Wait(until) => Ok(Done::silent(request, Next::At(until))),
        Step::Refuse(refusal) => Ok(Done::report(request, refused(refusal))),
        Step::LookUp(valid) => Ok(ask(context, request, *valid, None, true).await),
        Step::Grant(valid, window) => Ok(ask(context, request, *valid, window, false).await),
        Step::Watch(round) => Ok(watch::active(context, request, round).await),
        Step::WatchEnded(round) => Ok(watch::ended(context, request, round).await),
        Step::Hold(why) => Ok(Done {
            report: Some(Report::new(AccessState::Pending, why)),
            newest: Arc::clone(request),
            // What changes brings it back sooner.
            next: Next::At(Some(Timestamp::now() + LOOK_AGAIN_EVERY)),
        }),
        Step::Record(approvals) => {
            let (of, request_of) = (Arc::clone(context), Arc::clone(request));
            let new = approvals.clone();
            // Nobody waits for an Event.
            tokio::spawn(async move {
                for approval in &new {
                    events::approved(&of, &request_of, approval).await;
                }
            });
            Ok(Done::report(
                request,
                recorded_approvals(request, approvals),
            ))
        }
        Step::End(why) => Ok(watch::end(context, request, &why).await),
        Step::PutFinalizerBack => {
            tracing::warn!(
                request = subject(context, request).name,
                "somebody took the finalizer off running access; it is put back"
            );
            let newest = objects::add_finalizer(context, request).await?;
            Ok(Done::silent(&Arc::new(newest), Next::Now))
        }
        Step::Expire => Ok(Done::report(
            request,
            Report::new(
                AccessState::Expired,
                format!("access ended at {}", end(request)),
            ),
        )),
        Step::Remove { keeps_name } => remove(context, request, keeps_name).await,
        Step::TakeName => {
            let newest = objects::add_finalizer(context, request).await?;
            Ok(Done::silent(&Arc::new(newest), Next::Now))
        }
        Step::KeepName(until) => {
            if objects::namespace_is_going(context, request).await? {
                return release(context, request).await;
            }
            let again = Timestamp::now() + LOOK_AGAIN_EVERY;
            Ok(Done::silent(request, Next::At(Some(until.min(again)))))
        }
        Step::Release => {
            events::finalizer_gave_up(context, request).await;
            release(context, request).await
        }
        Step::Discard | Step::Delete => {
            objects::delete(context, request).await?;
            Ok(Done::silent(request, Next::At(None)))
        }
    }
}

fn end(request: &AccessRequest) -> &str {
    recorded(request).map_or("an unknown time", |grant| grant.expire_time.as_str())
}

fn recorded(request: &AccessRequest) -> Option<&GrantStatus> {
    request.status.as_ref()?.grant.as_ref()
}

/// The state stays: the approval is recorded, then weighed.
fn recorded_approvals(request: &AccessRequest, approvals: Vec<Approval>) -> Report {
    let state = status::state(request).unwrap_or(AccessState::Pending);
    let message = status::message(request).unwrap_or("an approval was seen");
    Report {
        approvals,
        ..Report::new(state, message)
    }
}

/// Takes the binding out of the policy; once it is seen gone, the object may go too.
async fn remove(
    context: &Context,
    request: &Arc<AccessRequest>,
    keeps_name: bool,
) -> Result<Done, WriteError> {
    let began = Instant::now();
    let state = status::state(request);
    let never_granted = state != Some(AccessState::Active)
        && recorded(request).is_none_or(|grant| grant.bindings.is_empty());
    let removed = context
        .policies
        .remove(
            &request.spec.resource,
            subject(context, request),
            never_granted,
        )
        .await;
    context.memory.change(request, |remembered| {
        remembered.removal = match removed {
            Ok(()) => Removal::Done,
            Err(_) => Removal::Failed,
        };
    });
    match removed {
        Ok(()) => {
            let name = subject(context, request).name;
            tracing::info!(request = name, took = ?began.elapsed(), "binding removed");
            if state == Some(AccessState::Active) && request.metadata.deletion_timestamp.is_none() {
                let message = "the record of what was granted is gone from the status, so the access was ended";
                return Ok(Done::report(
                    request,
                    Report::new(AccessState::Revoked, message),
                ));
            }
            if state == Some(AccessState::Active) {
                events::revoked(context, request, "the request was deleted").await;
            }
            if request.metadata.deletion_timestamp.is_some() {
                watch::remember_ended(context, request);
            }
            if keeps_name {
                return Ok(Done::silent(request, Next::Now));
            }
            release(context, request).await
        }
        Err(trouble) => {
            // The state stays what it is: said is what cannot be done, and tried again.
            let report = state.map(|state| {
                Report::new(
                    state,
                    format!(
                        "the binding cannot be removed for now, and is tried again within a minute; the access ends at {} in any case: {}",
                        end(request),
                        trouble.message
                    ),
                )
            });
            Ok(Done {
                report,
                newest: Arc::clone(request),
                next: Next::Later(trouble.removal_after()),
            })
        }
    }
}

async fn release(context: &Context, request: &Arc<AccessRequest>) -> Result<Done, WriteError> {
    match objects::remove_finalizer(context, request).await {
        Ok(newest) => Ok(Done::silent(&Arc::new(newest), Next::Now)),
        Err(WriteError::Gone) => Ok(Done::silent(request, Next::At(None))),
        Err(error) => Err(error),
    }
}
