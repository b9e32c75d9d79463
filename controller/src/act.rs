//! Carries out a step. No choices are left here but those that Google's answers make.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jit_access_core::approval::Awaited;
use jit_access_core::decision::Step;
use jit_access_core::grant::Window;
use jit_access_core::request::{Refusal, ValidRequest, format_time};
use jit_access_core::review::approval_command;
use jit_access_core::status::{self, Report};
use jit_access_crds::{
    AccessRequest, AccessState, Approval, ApprovedReason, EligibleReason, GrantStatus, Plan,
};

use crate::context::Context;
use crate::done::{Done, Next};
use crate::objects::{self, WriteError};
use crate::petition::{AccessPetition, eligible, subject};
use crate::policy_writer::{GrantAnswer, Petition, Trouble};
use crate::{events, watch};

/// A decision that takes longer than this is announced as `Pending` first.
const SOON: Duration = Duration::from_secs(1);

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
        Step::Hold(why) => Ok(Done::report(
            request,
            Report::new(AccessState::Pending, why),
        )),
        Step::Record(approvals) => Ok(Done::report(
            request,
            recorded_approvals(request, approvals),
        )),
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
        Step::Remove => remove(context, request).await,
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

fn refused(refusal: Refusal) -> Report {
    let approved = match refusal.state {
        AccessState::Denied => Some((ApprovedReason::Denied, refusal.message.clone())),
        AccessState::TimedOut => Some((ApprovedReason::TimedOut, refusal.message.clone())),
        _ => None,
    };
    let eligible = (refusal.state == AccessState::Ineligible)
        .then(|| (EligibleReason::NotEntitled, refusal.message.clone()));
    let too_many = refusal.too_many;
    Report {
        eligible,
        approved,
        too_many,
        ..Report::new(refusal.state, refusal.message)
    }
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

/// Says whose approval a request waits for, and how it is given.
fn awaiting(request: &AccessRequest, awaited: &Awaited, plan: Plan) -> Report {
    let mut message = format!(
        "waits for the approval of {}; the command is: {}",
        awaited.able.join(" or "),
        awaited
            .able
            .iter()
            .map(|reviewer| approval_command(request, reviewer))
            .collect::<Vec<_>>()
            .join(" — or: ")
    );
    if !awaited.unable.is_empty() {
        let unable = awaited.unable.join(", ");
        message.push_str(&format!(
            ". {unable} could not approve this and was not told"
        ));
    }
    for (email, why) in &awaited.unknown {
        message.push_str(&format!(". {email} could not be looked up: {why}"));
    }
    let report = Report {
        approved: Some((
            ApprovedReason::AwaitingApproval,
            format!("{} must act", awaited.able.join(" or ")),
        )),
        ..Report::new(AccessState::AwaitingApproval, message)
    };
    eligible(report, plan)
}

/// Asks the policy writer to decide, and to grant unless it is only to look.
async fn ask(
    context: &Arc<Context>,
    request: &Arc<AccessRequest>,
    valid: ValidRequest,
    window: Option<Window>,
    look_up_only: bool,
) -> Done {
    let workers = context.memory.workers(&valid.requester);
    let resource = valid.resource.as_str().to_owned();
    let start = valid.start_time;
    let petition = Arc::new(AccessPetition::new(
        context,
        request,
        valid,
        window,
        look_up_only,
    ));
    let asked = async {
        let _working = loop {
            match tokio::time::timeout(SOON, workers.acquire()).await {
                // Closed never: the semaphore lives as long as the memory.
                Ok(permit) => break permit.ok(),
                Err(_) if petition.still_wanted() => {}
                Err(_) => return GrantAnswer::Withdrawn,
            }
        };
        context.policies.grant(&resource, petition.clone()).await
    };
    tokio::pin!(asked);
    let answer = tokio::select! {
        answer = &mut asked => answer,
        () = tokio::time::sleep(SOON) => {
            announce(context, &petition.newest()).await;
            asked.await
        }
    };
    let newest = petition.newest();
    match answer {
        GrantAnswer::Granted(grant) => {
            let round = context.rounds.last(Timestamp::now());
            context
                .memory
                .change(request, |remembered| remembered.watched = Some(round));
            let recorded = grant.recorded();
            let message = format!(
                "access until {}; Google may take a few minutes to act on it",
                recorded.expire_time
            );
            let report = Report {
                grant: Some(recorded),
                ..Report::new(AccessState::Active, message)
            };
            let report = match petition.passed() {
                Some(passed) => passed.said_in(report),
                None => report,
            };
            Done::report(&newest, report)
        }
        GrantAnswer::Awaited(awaited, plan) => {
            let approvers = petition.approvers();
            context.memory.change(request, |remembered| {
                remembered.weighed = Some(approvers);
            });
            Done::report(&newest, awaiting(&newest, &awaited, plan))
        }
        GrantAnswer::Planned(plan) => {
            let start = start.map(format_time).unwrap_or_default();
            let message = format!("access will begin at {start}, if it may be granted then");
            let report = Report::new(AccessState::Scheduled, message);
            let report = match petition.passed() {
                Some(passed) => passed.said_in(report),
                None => eligible(report, plan),
            };
            Done::report(&newest, report)
        }
        GrantAnswer::Refused(refusal) => {
            let failed = refusal.state == AccessState::Failed;
            let report = refused(refusal);
            // What Google refused to write had passed eligibility and approval.
            let report = match petition.passed().filter(|_| failed) {
                Some(passed) => passed.said_in(report),
                None => report,
            };
            Done::report(&newest, report)
        }
        GrantAnswer::Withdrawn => Done::silent(&newest, Next::Now),
        GrantAnswer::Trouble(trouble) => retrying(&newest, trouble),
    }
}

/// Says that the request was seen, when Google takes its time.
async fn announce(context: &Context, request: &AccessRequest) {
    if status::state(request).is_some() {
        return;
    }
    let report = Report::new(AccessState::Pending, "Google is being asked");
    if let Err(error) = objects::write_status(context, request, &report).await {
        tracing::warn!(%error, "the status was not written");
    }
}

fn retrying(newest: &Arc<AccessRequest>, trouble: Trouble) -> Done {
    Done {
        report: Some(Report::new(AccessState::Retrying, trouble.message)),
        newest: Arc::clone(newest),
        next: Next::Later(trouble.retry_after),
    }
}

/// Takes the binding out of the policy; once it is seen gone, the object may go too.
async fn remove(context: &Context, request: &Arc<AccessRequest>) -> Result<Done, WriteError> {
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
        remembered.removal_failed = removed.is_err();
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
