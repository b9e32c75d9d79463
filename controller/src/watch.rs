//! Watches over running access: what was granted is still there, as it was granted, and still
//! due; what was ended has not come back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jit_access_core::eligibility::{Held, Kind};
use jit_access_core::grant::Window;
use jit_access_core::iam_condition;
use jit_access_core::iam_policy::{Found, GrantBinding, Observation};
use jit_access_core::status::Report;
use jit_access_crds::{AccessRequest, AccessState};

use crate::context::Context;
use crate::done::{Done, Next};
use crate::events;
use crate::memory::Ended;
use crate::petition::subject;
use crate::policy_writer::{InspectionOrder, Trouble};

/// Eligibility is lost after so many complete readings in a row that found it gone.
const LOST_AFTER: u32 = 2;

/// What was granted, from the status.
fn granted(request: &AccessRequest) -> Vec<GrantBinding> {
    request
        .status
        .iter()
        .filter_map(|status| status.grant.as_ref())
        .flat_map(|grant| &grant.bindings)
        .map(|binding| GrantBinding {
            resource: binding.resource.clone(),
            role: binding.role.clone(),
            member: format!("user:{}", request.spec.requester),
            title: binding.title.clone(),
            description: String::new(),
            expression: binding.expression.clone(),
        })
        .collect()
}

/// What the entitlement must still allow; `None` without a window, which ends the access anyhow.
fn held(request: &AccessRequest) -> Option<Held> {
    let window = window(request)?;
    // A condition that cannot be read any more allows nothing that was granted with it.
    let narrowing = request
        .spec
        .condition
        .as_deref()
        .and_then(|text| iam_condition::narrowing(text).ok());
    Some(Held {
        start: window.start,
        end: window.end,
        narrowing,
        kind: match &request.spec.reviewers {
            Some(_) => Kind::PeerApproval,
            None => Kind::SelfApproval,
        },
        bindings: granted(request),
    })
}

fn window(request: &AccessRequest) -> Option<Window> {
    Window::recorded(request.status.as_ref()?.grant.as_ref()?)
}

fn order(
    context: &Context,
    request: &AccessRequest,
    held: Option<Held>,
    round: Timestamp,
) -> InspectionOrder {
    let now = Instant::now();
    let since_round = Duration::try_from(Timestamp::now().duration_since(round));
    InspectionOrder {
        subject: subject(context, request),
        granted: granted(request),
        held,
        not_before: since_round
            .ok()
            .and_then(|age| now.checked_sub(age))
            .unwrap_or(now),
    }
}

/// Compares the policy with an active grant.
pub async fn active(context: &Context, request: &Arc<AccessRequest>, round: Timestamp) -> Done {
    let order = order(context, request, held(request), round);
    let inspection = match context
        .policies
        .inspect(&request.spec.resource, order)
        .await
    {
        Ok(inspection) => inspection,
        Err(trouble) => return unread(context, request, &trouble),
    };
    note_unconditional(context, request, &inspection.observation).await;
    if let Some(why) = damage(&inspection.observation) {
        return end(context, request, &why).await;
    }
    let lost = match inspection.eligibility_lost {
        Ok(lost) => lost,
        Err(trouble) => return unread(context, request, &trouble),
    };
    let mut times = 0;
    context.memory.change(request, |remembered| {
        remembered.watched = Some(round);
        remembered.eligibility_lost = lost.as_ref().map_or(0, |_| remembered.eligibility_lost + 1);
        times = remembered.eligibility_lost;
    });
    match lost {
        Some(why) if times >= LOST_AFTER => {
            let why = format!("the requester is not eligible any more: {why}");
            end(context, request, &why).await
        }
        _ => Done::silent(request, Next::Now),
    }
}

/// Sees that the binding of an ended request has not come back.
pub async fn ended(context: &Context, request: &Arc<AccessRequest>, round: Timestamp) -> Done {
    let order = order(context, request, None, round);
    let inspection = match context
        .policies
        .inspect(&request.spec.resource, order)
        .await
    {
        Ok(inspection) => inspection,
        Err(trouble) => return unread(context, request, &trouble),
    };
    note_unconditional(context, request, &inspection.observation).await;
    if inspection.observation.is_present() {
        let subject = subject(context, request);
        tracing::warn!(
            request = subject.name,
            "the binding of an ended request came back and is removed"
        );
        let removed = context
            .policies
            .remove(&request.spec.resource, subject, false)
            .await;
        if let Err(mut trouble) = removed {
            trouble.retry_after = trouble.removal_after();
            return unread(context, request, &trouble);
        }
        events::came_back(context, request).await;
    }
    context
        .memory
        .change(request, |remembered| remembered.watched = Some(round));
    Done::silent(request, Next::Now)
}

/// Remembers access whose request goes, or is gone, before the window is over.
pub fn remember_ended(context: &Context, request: &AccessRequest) {
    if let Some(window) = window(request).filter(|window| !window.is_over(Timestamp::now())) {
        context.memory.ended_early(Ended {
            resource: request.spec.resource.clone(),
            subject: subject(context, request),
            until: window.end,
        });
    }
}

/// Sees, once a round, that no binding of a deleted request has come back: a removal that finds
/// nothing only reads.
pub async fn deleted(context: Arc<Context>) {
    loop {
        let now = Timestamp::now();
        let wait = Duration::try_from(context.rounds.next(now).duration_since(now));
        tokio::time::sleep(wait.unwrap_or(Duration::from_secs(1))).await;
        let begun = Timestamp::now();
        let all = context.memory.still_to_watch(begun);
        let removed = all.into_iter().map(|ended| {
            let context = Arc::clone(&context);
            async move {
                let name = ended.subject.name.clone();
                let removal = context
                    .policies
                    .remove(&ended.resource, ended.subject, false);
                if let Err(trouble) = removal.await {
                    tracing::warn!(
                        request = name,
                        problem = trouble.message,
                        "ended access could not be watched for now"
                    );
                }
            }
        });
        // What hangs is asked again in the next round, and holds up no other.
        let round = context.rounds.next(begun).duration_since(begun);
        let round = Duration::try_from(round).unwrap_or(Duration::from_secs(1));
        let all = futures::future::join_all(removed);
        drop(tokio::time::timeout(round, all).await);
    }
}

/// An error changes nothing: the next try tells.
fn unread(context: &Context, request: &Arc<AccessRequest>, trouble: &Trouble) -> Done {
    tracing::warn!(
        request = subject(context, request).name,
        problem = trouble.message,
        "running access could not be watched for now"
    );
    Done::silent(request, Next::Later(trouble.retry_after))
}

/// What is wrong with the bindings; `None` while all is as granted.
fn damage(observation: &Observation) -> Option<String> {
    if observation.bindings.is_empty() {
        return Some(
            "the status does not say which bindings were granted, so the access was ended"
                .to_owned(),
        );
    }
    if observation.is_intact() {
        return None;
    }
    if observation.is_altered() {
        return Some(
            "somebody altered its binding in Google's policy, so the access was ended".to_owned(),
        );
    }
    if observation.bindings.contains(&Found::Unconditional) {
        return Some(
            "its binding vanished from Google's policy, and the same role stands there without a condition: look whether another tool strips conditions, since that access does not end".to_owned(),
        );
    }
    Some("somebody removed its binding from Google's policy".to_owned())
}

/// Removes what is left, then says so: `Revoked` is said when the binding is seen gone.
pub async fn end(context: &Context, request: &Arc<AccessRequest>, why: &str) -> Done {
    let subject = subject(context, request);
    tracing::warn!(request = subject.name, why, "access is revoked");
    let removed = context
        .policies
        .remove(&request.spec.resource, subject, false)
        .await;
    match removed {
        Ok(()) => {
            events::revoked(context, request, why).await;
            Done::report(request, Report::new(AccessState::Revoked, why))
        }
        Err(trouble) => Done {
            report: Some(Report::new(
                AccessState::Active,
                format!(
                    "{why}; the binding cannot be removed for now, and is tried again: {}",
                    trouble.message
                ),
            )),
            newest: Arc::clone(request),
            next: Next::Later(trouble.removal_after()),
        },
    }
}

async fn note_unconditional(context: &Context, request: &AccessRequest, observation: &Observation) {
    let count = observation
        .bindings
        .iter()
        .filter(|found| **found == Found::Unconditional)
        .count();
    let mut before = 0;
    context.memory.change(request, |remembered| {
        before = std::mem::replace(&mut remembered.unconditional, count);
    });
    let all = context.memory.unconditional();
    context
        .metrics
        .unconditional_bindings
        .set(i64::try_from(all).unwrap_or(i64::MAX));
    if count > before {
        events::unconditional(context, request).await;
    }
}
