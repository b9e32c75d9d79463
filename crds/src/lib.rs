//! The API of JIT Access: the [`AccessRequest`] custom resource, its schema and the words that
//! stand in it. No I/O, no rules: those are in `jit-access-core`.

mod access_request;
mod crd;
mod names;

pub use access_request::{
    AccessRequest, AccessRequestSpec, AccessRequestStatus, Approval, GrantStatus, GrantedBinding,
    Plan, PlannedBinding,
};
pub use crd::{crd, crd_yaml};
pub use names::{
    ACCESS_LEVELS_ANNOTATION, AccessState, ApprovedReason, CREATED_BY_ANNOTATION, ConditionType,
    DEVICE_ID_ANNOTATION, DecisionKind, EligibleReason, FINALIZER, GROUP, MOST_DECISION_CHARACTERS,
    UID_CHARACTERS,
};
