//! Asks the policy writer what becomes of a request, and says what came out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jit_access_core::approval::Awaited;
use jit_access_core::grant::Window;
use jit_access_core::request::{ValidRequest, format_time};
use jit_access_core::status::{self, Report};
use jit_access_crds::{AccessRequest, AccessState, ApprovedReason, Plan};

use crate::context::Context;
use crate::done::{Done, Next};
use crate::petition::{AccessPetition, eligible};
use crate::policy_writer::{GrantAnswer, Petition, Trouble};
use crate::refused::refused;
use crate::{events, objects};

/// A decision that takes longer than this is announced as `Pending` first.
const SOON: Duration = Duration::from_secs(1);

/// Asks the policy writer to decide, and to grant unless it is only to look.
pub async fn ask(
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
            Done::report(&newest, petition.with_passed(report))
        }
        GrantAnswer::Awaited(awaited, plan) => {
            // Whoever was told once is not told again, though identity was not proven meanwhile.
            if !status::awaits_approval(&newest) {
                let (context, request) = (Arc::clone(context), Arc::clone(&newest));
                let able = awaited.able.clone();
                // Nobody waits for an Event.
                tokio::spawn(async move {
                    for reviewer in able {
                        events::approval_requested(&context, &request, &reviewer).await;
                    }
                });
            }
            let approvers = petition.approvers();
            context.memory.change(request, |remembered| {
                remembered.weighed = Some(approvers);
            });
            Done::report(&newest, awaiting(&newest, &awaited, plan))
        }
        GrantAnswer::Later => {
            let start = start.map(format_time).unwrap_or_default();
            let message = format!("access will begin at {start}, if it may be granted then");
            let report = Report::new(AccessState::Scheduled, message);
            Done::report(&newest, petition.with_passed(report))
        }
        GrantAnswer::Refused(refusal) => {
            let failed = refusal.state == AccessState::Failed;
            let report = refused(refusal);
            // What Google refused to write had passed eligibility and approval.
            let report = if failed {
                petition.with_passed(report)
            } else {
                report
            };
            Done::report(&newest, report)
        }
        GrantAnswer::Withdrawn => Done::silent(&newest, Next::Now),
        GrantAnswer::Trouble(trouble) => retrying(&newest, trouble),
    }
}

fn awaiting(request: &AccessRequest, awaited: &Awaited, plan: Plan) -> Report {
    let who = format!("{} must act", awaited.able.join(" or "));
    let report = Report {
        approved: Some((ApprovedReason::AwaitingApproval, who)),
        ..Report::new(AccessState::AwaitingApproval, awaited.message(request))
    };
    eligible(report, plan)
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
