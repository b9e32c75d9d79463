//! Collects what the decision needs, without asking Google.

use jiff::Timestamp;
use jit_access_core::decision::{Identity, Observed};
use jit_access_core::fairness::crowding;
use jit_access_core::status;
use jit_access_crds::{AccessRequest, AccessState};

use crate::context::Context;
use crate::memory::is_alike;

/// What is known about a request now.
pub async fn observe<'a>(context: &Context, request: &'a AccessRequest) -> Observed<'a> {
    let remembered = context.memory.see(request);
    let namespaces = if status::state(request).is_none_or(AccessState::is_undecided) {
        // A request may be younger than what is known of its namespace.
        let seen = remembered.first_seen;
        context.guard.namespaces_as_of(seen).await
    } else {
        Ok(())
    };
    let identity = match namespaces {
        Ok(()) => context.guard.identity(),
        Err(why) => Identity::Unproven(why),
    };
    let now = Timestamp::now();
    // Who was let in keeps the place.
    let first_visit = matches!(status::state(request), None | Some(AccessState::Pending));
    let (crowding, crowded_out) = if first_visit {
        crowd(context, request, now)
    } else {
        (None, 0)
    };
    Observed {
        request,
        now,
        crowding,
        crowded_out,
        watched: remembered.watched,
        removal: remembered.removal,
        identity,
        namespace: context.namespace_of(request),
        weighed: remembered.weighed,
    }
}

fn crowd(context: &Context, request: &AccessRequest, now: Timestamp) -> (Option<String>, usize) {
    let objects = context.requests.state();
    let existing: Vec<&AccessRequest> = objects
        .iter()
        .filter_map(|object| object.0.as_ref().ok())
        .collect();
    let crowding = context.memory.admit(request, &existing, now, |this, all| {
        crowding(this, all, &context.limits)
    });
    let crowded_out = existing
        .iter()
        .filter(|other| is_alike(other, request) && status::is_crowded_out(other))
        .count();
    (crowding, crowded_out)
}
