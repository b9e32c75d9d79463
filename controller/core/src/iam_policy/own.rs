//! Bindings with a title of ours, whatever installation wrote them.

use jiff::Timestamp;

use super::document::{Binding, Policy};
use super::title::request_of_title;
use crate::iam_condition::window_end;

/// A binding with a title of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnBinding<'a> {
    /// UID of the request that it was granted to.
    pub uid: &'a str,
    /// The role.
    pub role: &'a str,
    /// Who holds it.
    pub members: &'a [String],
    /// Whether its window is over: it gives nobody anything any more. One without an end that can be
    /// read is not over.
    pub is_over: bool,
}

impl<'a> OwnBinding<'a> {
    pub(super) fn of(binding: &'a Binding, now: Timestamp) -> Option<Self> {
        let uid = request_of_title(binding.title())?;
        Some(Self {
            uid,
            role: &binding.role,
            members: &binding.members,
            is_over: window_end(binding.expression()).is_some_and(|end| end <= now),
        })
    }
}

impl Policy {
    /// The bindings with a title of ours.
    pub fn own_bindings(&self, now: Timestamp) -> impl Iterator<Item = OwnBinding<'_>> {
        self.bindings()
            .filter_map(move |binding| OwnBinding::of(binding, now))
    }
}
