//! Who has to agree before a request is granted. Self-approval: the requester's own entitlements
//! say so. Peer approval: a reviewer decided so, and could have had the same alone with a peer.

mod peers;

use jit_access_crds::{ApprovedReason, DecisionKind};

use crate::eligibility::{Eligible, Kind, Lookup};
use crate::review::Decision;

pub use peers::{Awaited, Peers, Reviewer, waits_for, was_found_unable, weigh};

/// Evidence that nobody needs to be asked any more. There is no other way to a grant.
#[derive(Debug, Clone)]
pub struct Approved {
    eligible: Eligible,
    reason: ApprovedReason,
    approver: Option<String>,
}

impl Approved {
    /// The requester approves alone: every entitlement allows it. `None` where a peer must approve.
    #[must_use]
    pub fn by_requester(eligible: Eligible) -> Option<Self> {
        (eligible.kind() == Kind::SelfApproval).then_some(Self {
            eligible,
            reason: ApprovedReason::SelfApproved,
            approver: None,
        })
    }

    /// A peer approved: what the approver covers at this moment, by a look-up of the approver, and
    /// nothing else. `None` if this approval does not count, for whoever decided it may not approve
    /// every role, or it is no approval of the person who was looked up.
    #[must_use]
    pub fn by_peer(eligible: &Eligible, decision: &Decision, approver: &Lookup) -> Option<Self> {
        if decision.kind != DecisionKind::Approved || decision.author != approver.person() {
            return None;
        }
        Some(Self {
            eligible: eligible.covered_by(approver)?,
            reason: ApprovedReason::PeerApproved,
            approver: Some(decision.author.clone()),
        })
    }

    /// What was approved.
    #[must_use]
    pub fn eligible(&self) -> &Eligible {
        &self.eligible
    }

    /// The reason of the condition `Approved`.
    #[must_use]
    pub fn reason(&self) -> ApprovedReason {
        self.reason
    }

    /// Who approved; `None` for the requester.
    #[must_use]
    pub fn approver(&self) -> Option<&str> {
        self.approver.as_deref()
    }

    /// How the binding's description begins: `Self-approved` or `Approved by …`.
    #[must_use]
    pub fn by(&self) -> String {
        match &self.approver {
            Some(approver) => format!("Approved by {approver}"),
            None => "Self-approved".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
