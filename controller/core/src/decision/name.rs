//! A name that stays taken. A program that applies manifests makes again what is gone: what a person
//! denied or revoked would be granted after all.

use jiff::Timestamp;
use jit_access_crds::{AccessRequest, AccessState, CREATED_BY_ANNOTATION};
use kube::ResourceExt;

use super::{Observed, window};
use crate::limits::{Limits, parse_duration};
use crate::request::{format_time, parse_time};
use crate::review::{decisions, veto};
use crate::status;

/// Until when the name of a request is kept: what a delegate made for a fixed time, and somebody
/// denied or revoked, keeps it until that time is over. `None` where nothing is kept any more.
pub(super) fn name_kept_until(observed: &Observed<'_>, limits: &Limits) -> Option<Timestamp> {
    let request = observed.request;
    request.annotations().get(CREATED_BY_ANNOTATION)?;
    let ended = matches!(
        status::state(request),
        Some(AccessState::Denied | AccessState::Revoked)
    ) || veto(&decisions(request, observed.delegates())).is_some();
    let end = window_end(request, limits)?;
    (ended && observed.now < end).then_some(end)
}

/// The end of the window that the same manifest would have again.
fn window_end(request: &AccessRequest, limits: &Limits) -> Option<Timestamp> {
    let start = parse_time(request.spec.start_time.as_deref()?).ok()?;
    if let Some(window) = window(request) {
        return Some(window.end);
    }
    let duration = match &request.spec.duration {
        Some(duration) => parse_duration(duration).ok()?,
        None => limits.default_duration,
    };
    Some(start + duration)
}

/// Says so, beside why the request ended.
pub(super) fn with_kept_name(why: String, kept_until: Option<Timestamp>) -> String {
    match kept_until {
        Some(until) => format!(
            "{why}; the request stays until {}, so that it is not made again",
            format_time(until)
        ),
        None => why,
    }
}
