//! The simulator over HTTP, each semantic of Google's that clients rely on.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

mod asset;
mod control;
mod faults;
mod groups;
mod iap;
mod policies;
mod program;
mod resources;
#[path = "../shared/served.rs"]
mod served;
