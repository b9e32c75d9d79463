//! The evidence that somebody may ask for some roles.

use super::ineligible::{Ineligible, Reason};
use super::{Entitlement, Kind, Lookup};

/// Every requested role has an entitlement of the kind asked for. There is no other way to an
/// approval than through this.
#[derive(Debug, Clone, PartialEq)]
pub struct Eligible {
    requester: String,
    resource: String,
    kind: Kind,
    roles: Vec<(String, Vec<Entitlement>)>,
}

impl Eligible {
    /// Finds the entitlements of a request. `lookup` is what was found for its requester on its
    /// resource; kinds never mix, and one role that cannot be had refuses the whole request.
    ///
    /// # Errors
    /// Why not, and what could be asked for instead.
    pub fn find(
        requester: &str,
        resource: &str,
        roles: &[String],
        kind: Kind,
        lookup: &Lookup,
    ) -> Result<Self, Ineligible> {
        if !lookup.person().eq_ignore_ascii_case(requester) || lookup.resource() != resource {
            return Err(Ineligible::mistaken(requester, resource, lookup));
        }
        let mut found: Vec<(String, Vec<Entitlement>)> = Vec::new();
        let mut refused = Vec::new();
        for role in roles {
            if found.iter().any(|(other, _)| other == role) {
                continue;
            }
            match of_role(role, kind, lookup) {
                Ok(entitlements) => found.push((role.clone(), entitlements)),
                Err(reason) => refused.push((role.clone(), reason)),
            }
        }
        if !refused.is_empty() || found.is_empty() {
            return Err(Ineligible::new(refused, kind, lookup));
        }
        Ok(Self {
            requester: requester.to_owned(),
            resource: resource.to_owned(),
            kind,
            roles: found,
        })
    }

    /// What an approver covers of this: of every role at least one entitlement, for which the
    /// approver's own peer entitlement to the role has no resource condition or an equal one.
    /// `None` if there is a role of which nothing is covered; then this approval does not count.
    #[must_use]
    pub fn covered_by(&self, approver: &Lookup) -> Option<Self> {
        if self.kind != Kind::PeerApproval
            || approver.resource() != self.resource
            || approver.person().eq_ignore_ascii_case(&self.requester)
        {
            return None;
        }
        let roles = self
            .roles
            .iter()
            .map(|(role, entitlements)| {
                let covered: Vec<Entitlement> = entitlements
                    .iter()
                    .filter(|entitlement| covers(approver, entitlement))
                    .cloned()
                    .collect();
                (!covered.is_empty()).then(|| (role.clone(), covered))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            roles,
            ..self.clone()
        })
    }

    /// What this or the other covers, where both are parts of the same.
    #[must_use]
    pub(crate) fn or(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (role, entitlements) in &mut union.roles {
            let theirs = other.roles.iter().find(|(name, _)| name == role);
            for entitlement in theirs.map(|(_, theirs)| theirs).into_iter().flatten() {
                if !entitlements.contains(entitlement) {
                    entitlements.push(entitlement.clone());
                }
            }
        }
        union
    }

    /// E-mail address of who asks.
    #[must_use]
    pub fn requester(&self) -> &str {
        &self.requester
    }

    /// Where the roles are wanted.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Who has to agree.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The roles, each with all its entitlements of the kind, at least one: see
    /// [`super::effective`] for those that are worth a binding.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &[Entitlement])> {
        self.roles
            .iter()
            .map(|(role, entitlements)| (role.as_str(), entitlements.as_slice()))
    }
}

fn covers(approver: &Lookup, entitlement: &Entitlement) -> bool {
    approver
        .of(&entitlement.role, Kind::PeerApproval)
        .any(|own| {
            own.resource_condition.is_none()
                || own.resource_condition == entitlement.resource_condition
        })
}

fn of_role(role: &str, kind: Kind, lookup: &Lookup) -> Result<Vec<Entitlement>, Reason> {
    if lookup.standing().contains(role) {
        return Err(Reason::Standing);
    }
    let entitlements: Vec<_> = lookup.of(role, kind).cloned().collect();
    if !entitlements.is_empty() {
        return Ok(entitlements);
    }
    let has_other_kind = lookup
        .entitlements()
        .iter()
        .any(|entitlement| entitlement.role == role);
    Err(if has_other_kind {
        Reason::OtherKind
    } else {
        Reason::NotEntitled
    })
}
