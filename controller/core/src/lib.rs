//! Placeholder.

pub mod iam_condition;
