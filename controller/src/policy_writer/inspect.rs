//! How the policy compares with what was granted.

use jiff::Timestamp;
use jit_access_core::eligibility::{Held, lost};

use super::Shared;
use super::gather::{Gathered, NoLookup};
use super::job::{InspectJob, Inspection, Subject, Trouble};

pub(super) fn inspect(job: InspectJob, gathered: &Gathered, shared: &Shared) {
    let order = &job.order;
    let observation =
        gathered
            .policy
            .observe(&order.subject.uid, &order.subject.member(), &order.granted);
    let eligibility_lost = match &order.held {
        Some(held) => eligibility_lost(held, &order.subject, gathered, shared),
        None => Ok(None),
    };
    job.answer(Ok(Inspection {
        observation,
        eligibility_lost,
    }));
}

fn eligibility_lost(
    held: &Held,
    subject: &Subject,
    gathered: &Gathered,
    shared: &Shared,
) -> Result<Option<String>, Trouble> {
    let now = Timestamp::now();
    match gathered.look_up(&subject.requester, shared, now) {
        Ok(lookup) => Ok(lost(held, Some(&lookup))),
        Err(NoLookup::OutsideScope) => Ok(lost(held, None)),
        // An incomplete answer takes nothing away from anybody.
        Err(NoLookup::Resource(error)) => Err(Trouble::from(&error)),
        Err(NoLookup::Trouble(trouble)) => Err(trouble),
    }
}
