//! Who may ask for what: from the policies of a resource and its ancestors to a person's
//! entitlements, and from these to the evidence that a request needs.

mod effective;
mod eligible;
mod finding;
mod ineligible;
mod look_up;
mod lost;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::iam_condition::{EligibleCondition, Term};
use crate::iam_policy::Policy;

pub use effective::effective;
pub use eligible::Eligible;
pub use finding::Finding;
pub use ineligible::{Ineligible, Reason};
pub use look_up::{Lookup, look_up, reading};
pub use lost::{Held, lost};

#[cfg(test)]
mod tests;

/// Who has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The requester alone: `has({}.jitAccessConstraint)`.
    SelfApproval,
    /// A peer too: `has({}.multiPartyApprovalConstraint)`.
    PeerApproval,
}

impl Kind {
    /// Both markers in one condition mean self-approval.
    #[must_use]
    pub fn of(condition: &EligibleCondition) -> Option<Self> {
        match (condition.self_approval, condition.peer_approval) {
            (true, _) => Some(Self::SelfApproval),
            (false, true) => Some(Self::PeerApproval),
            (false, false) => None,
        }
    }
}

/// Somebody who asks or approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// E-mail address.
    pub email: String,
    /// Addresses of all groups that contain the person, directly or through others; lower case.
    pub groups: BTreeSet<String>,
}

impl Person {
    /// A person and all their groups, in any case.
    pub fn new(email: &str, groups: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self {
            email: email.to_ascii_lowercase(),
            groups: groups
                .into_iter()
                .map(|group| group.as_ref().to_ascii_lowercase())
                .collect(),
        }
    }
}

/// A policy and the resource it is attached to.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// Such as `folders/1`.
    pub resource: &'a str,
    /// Its own policy, without what it inherits.
    pub policy: &'a Policy,
}

/// What a person may ask for, by one binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The role.
    pub role: String,
    /// Who has to agree.
    pub kind: Kind,
    /// The binding's condition without markers and ends: what a grant carries.
    pub resource_condition: Option<Term>,
    /// When the binding itself ends: no grant outlasts it.
    pub end: Option<Timestamp>,
    /// Where the binding stands: the resource or an ancestor.
    pub resource: String,
}
