//! Who has to agree before a request is granted. Self-approval: the requester's own entitlements
//! say so. A peer's approval finds its place here as a second constructor of [`Approved`].

use jit_access_crds::ApprovedReason;

use crate::eligibility::{Eligible, Kind};

/// Evidence that nobody needs to be asked any more. There is no other way to a grant.
#[derive(Debug, Clone)]
pub struct Approved {
    eligible: Eligible,
    reason: ApprovedReason,
    by: String,
}

impl Approved {
    /// The requester approves alone: every entitlement allows it. `None` where a peer must approve.
    #[must_use]
    pub fn by_requester(eligible: Eligible) -> Option<Self> {
        (eligible.kind() == Kind::SelfApproval).then(|| Self {
            eligible,
            reason: ApprovedReason::SelfApproved,
            by: "Self-approved".to_owned(),
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

    /// How the binding's description begins: `Self-approved` or `Approved by …`.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }
}
