//! Placeholder.

pub mod eligibility;
pub mod iam_condition;
pub mod iam_policy;
