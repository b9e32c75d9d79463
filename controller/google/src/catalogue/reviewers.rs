//! Who could approve a request.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jit_access_core::{
    eligibility::{Eligible, Kind, Person},
    iam_policy::{group_of, user_of},
    request::person,
};

use super::snapshot::Snapshot;

/// Who could approve a role now, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// E-mail addresses in lower case.
    pub people: BTreeSet<String>,
    /// Groups whose members may be able to, and could not be listed.
    pub unlisted_groups: BTreeSet<String>,
}

impl Snapshot {
    /// The peers who could approve this one role for the requester now: people whom a binding names, and members of
    /// groups that it names, by the rules that the controller decides by. Never the requester. Nobody where the
    /// requester may not ask for the role with a peer.
    #[must_use]
    pub fn reviewers(
        &self,
        requester: &Person,
        resource: &str,
        role: &str,
        now: Timestamp,
    ) -> Reviewers {
        let mut reviewers = Reviewers::default();
        let Some(node) = self.world.node(resource) else {
            return reviewers;
        };
        let Some(role_id) = self.world.interner.find(role) else {
            return reviewers;
        };
        // Bindings of other roles or of the other kind change nothing for this one.
        let policies = self.policies(node, |binding| {
            binding.role == role_id && binding.kind == Some(Kind::PeerApproval)
        });
        let lookup = self.look_up_in(requester, &policies, now);
        let roles = [role.to_owned()];
        let Ok(eligible) = Eligible::find(
            &requester.email,
            resource,
            &roles,
            Kind::PeerApproval,
            &lookup,
        ) else {
            return reviewers;
        };

        // Everybody whom these bindings name, with those groups among them that contain the person.
        let mut candidates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut unlisted = BTreeSet::new();
        let bindings = policies.iter().flat_map(|(_, policy)| policy.bindings());
        for member in bindings.flat_map(|binding| &binding.members) {
            if let Some(email) = user_of(member) {
                candidates.entry(email).or_default();
            } else if let Some(group) = group_of(member) {
                let Some(people) = self.groups.get(&group) else {
                    unlisted.insert(group);
                    continue;
                };
                for email in people.iter() {
                    let groups = candidates.entry(email.clone()).or_default();
                    groups.insert(group.clone());
                }
            }
        }
        let could_approve = |email: &str, groups: BTreeSet<String>| {
            let candidate = Person::new(email, groups);
            let lookup = self.look_up_in(&candidate, &policies, now);
            eligible.covered_by(&lookup).is_some()
        };
        for (email, groups) in candidates {
            if person(&email).is_ok() && could_approve(&email, groups) {
                reviewers.people.insert(email);
            }
        }
        // A group stands for a stranger who is in it alone.
        reviewers.unlisted_groups = unlisted
            .into_iter()
            .filter(|group| could_approve("a.member@example.invalid", [group.clone()].into()))
            .collect();
        reviewers
    }
}
