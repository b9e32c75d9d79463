//! What a visit of a request did, and when the next one is due.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jit_access_core::status::Report;
use jit_access_crds::AccessRequest;

/// When the request is to be looked at next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At this time; `None`: when the object changes.
    At(Option<Timestamp>),
    /// At once.
    Now,
    /// After a pause that grows with each failure in a row, and not before this.
    Later(Option<Duration>),
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// What is to be said of it.
    pub report: Option<Report>,
    /// The request as last written.
    pub newest: Arc<AccessRequest>,
    /// When to come back.
    pub next: Next,
}

impl Done {
    /// Says something; the write of the status brings the request back.
    pub fn report(newest: &Arc<AccessRequest>, report: Report) -> Self {
        Self {
            report: Some(report),
            newest: Arc::clone(newest),
            next: Next::Now,
        }
    }

    /// Says nothing.
    pub fn silent(newest: &Arc<AccessRequest>, next: Next) -> Self {
        Self {
            report: None,
            newest: Arc::clone(newest),
            next,
        }
    }
}
