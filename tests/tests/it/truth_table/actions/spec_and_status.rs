//! Changing the spec, and writing the status.

use serde_json::json;

use super::{Action, Call, WAITING, action, approved};
use crate::truth_table::people::Who::*;

pub(super) const ACTIONS: &[Action] = &[
    action!("change the spec", Some(WAITING), [], |_, _| {
        Call::Patch(WAITING, json!({"spec": {"justification": "another"}}))
    }),
    action!(
        "add an optional field to the spec",
        Some(WAITING),
        [],
        |_, _| { Call::Patch(WAITING, json!({"spec": {"duration": "2h"}})) }
    ),
    action!(
        "remove an optional field of the spec",
        Some(WAITING),
        [],
        |_, _| { Call::Patch(WAITING, json!({"spec": {"reviewers": null}})) }
    ),
    action!("remove the spec", Some(WAITING), [], |_, _| Call::Patch(
        WAITING,
        json!({"spec": null})
    )),
    action!("write the status", Some(WAITING), [Controller], |_, _| {
        Call::PatchStatus(WAITING, json!({"status": {"observedGeneration": 2}}))
    }),
    action!(
        "write an annotation by way of the status",
        Some(WAITING),
        [Controller],
        |who, uid8| {
            Call::PatchStatus(
                WAITING,
                json!({"metadata": {"annotations": {approved(uid8): who.user}}}),
            )
        }
    ),
];
