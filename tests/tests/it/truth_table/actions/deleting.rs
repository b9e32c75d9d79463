//! Deleting.

use super::{APPLIED, Action, Call, WAITING, action};
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!(
        "delete what Alice made",
        Some(WAITING),
        [Requester, Controller, GarbageCollector],
        |_, _| Call::Delete(WAITING)
    ),
    action!(
        "delete what the delegate made",
        Some(APPLIED),
        [Delegate, Controller, GarbageCollector],
        |_, _| Call::Delete(APPLIED)
    ),
];
