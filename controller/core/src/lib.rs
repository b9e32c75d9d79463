//! The rules of JIT Access, in the order in which a request meets them: [`request`] →
//! [`eligibility`] → [`approval`] → [`grant`] → [`expiry`]. [`decision`] puts them together,
//! [`status`] says what came out. No I/O, no clock: `now` is an argument.

pub mod admission;
pub mod approval;
pub mod decision;
pub mod eligibility;
pub mod expiry;
pub mod fairness;
pub mod grant;
pub mod guard;
pub mod iam_condition;
pub mod iam_policy;
pub mod limits;
pub mod namespaces;
pub mod orphans;
pub mod request;
pub mod resource;
pub mod review;
pub mod status;
pub mod visible_text;

#[cfg(test)]
mod samples;
