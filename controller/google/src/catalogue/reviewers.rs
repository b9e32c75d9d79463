//! Who could approve a request.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jit_access_core::{
    eligibility::{Eligible, Kind, Person},
    iam_policy::{Binding, group_of, user_of},
    request::person,
};

use super::snapshot::{Snapshot, look_up_in};

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
        let mut readings = self.readings(&policies);
        let lookup = look_up_in(requester, &policies, now, &mut readings);
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
        let bindings: Vec<&Binding> = policies
            .iter()
            .flat_map(|(_, policy)| policy.bindings())
            .collect();
        for alike in self.alike(&bindings, &requester.email) {
            let lookup = look_up_in(&alike.one, &policies, now, &mut readings);
            if eligible.covered_by(&lookup).is_some() {
                reviewers.people.extend(alike.people);
                reviewers.unlisted_groups.extend(alike.unlisted_groups);
            }
        }
        reviewers
    }

    /// Everybody whom these bindings name but the requester, those together whom the same ones name: what is so for
    /// one of them is so for all, and a group of a thousand is judged at once.
    fn alike(&self, bindings: &[&Binding], requester: &str) -> Vec<Alike> {
        let mut people: BTreeMap<&str, Named> = BTreeMap::new();
        let mut unlisted: BTreeMap<&str, Named> = BTreeMap::new();
        let members: Vec<(usize, Option<String>, Option<String>)> = bindings
            .iter()
            .enumerate()
            .flat_map(|(at, binding)| binding.members.iter().map(move |member| (at, member)))
            .map(|(at, member)| (at, user_of(member), group_of(member)))
            .collect();
        for (at, user, group) in &members {
            if let Some(email) = user {
                people.entry(email).or_default().insert(*at);
            } else if let Some(group) = group {
                let Some(listed) = self.groups.get(group) else {
                    unlisted.entry(group).or_default().insert(*at);
                    continue;
                };
                for email in listed.iter() {
                    people.entry(email).or_default().insert(*at);
                }
            }
        }

        let mut alike: BTreeMap<Named, Alike> = BTreeMap::new();
        for (email, named) in people {
            if email.eq_ignore_ascii_case(requester) || person(email).is_err() {
                continue;
            }
            let one = || {
                let groups = members.iter().filter_map(|(_, _, group)| group.as_ref());
                let theirs = groups.filter(|group| {
                    let listed = self.groups.get(*group);
                    listed.is_some_and(|listed| listed.contains(email))
                });
                Alike::of(Person::new(email, theirs))
            };
            let alike = alike.entry(named).or_insert_with(one);
            alike.people.insert(email.to_owned());
        }
        for (group, named) in unlisted {
            // A group stands for a stranger who is in it alone.
            let one = || Alike::of(Person::new("a.member@example.invalid", [group]));
            let alike = alike.entry(named).or_insert_with(one);
            alike.unlisted_groups.insert(group.to_owned());
        }
        alike.into_values().collect()
    }
}

/// By which bindings somebody is named, as places in a list of them.
type Named = BTreeSet<usize>;

/// Those whom the same bindings name.
#[derive(Debug)]
struct Alike {
    /// One who stands for all.
    one: Person,
    people: BTreeSet<String>,
    unlisted_groups: BTreeSet<String>,
}

impl Alike {
    fn of(one: Person) -> Self {
        Alike {
            one,
            people: BTreeSet::new(),
            unlisted_groups: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::{Groups, Titles};

    fn binding(members: &[&str]) -> Binding {
        let members = members.iter().map(|&member| member.to_owned()).collect();
        Binding {
            members,
            ..Binding::default()
        }
    }

    #[test]
    fn a_large_group_is_judged_once() {
        let people: BTreeSet<String> = (0..1000).map(|n| format!("p{n}@example.com")).collect();
        let groups: Groups = [("all@example.com".to_owned(), Arc::new(people))].into();
        let snapshot = Snapshot::new(Vec::new(), Vec::new(), Titles::new(), groups);
        let bindings = [
            binding(&["group:All@example.com", "user:p0@example.com"]),
            binding(&["group:all@example.com"]),
            binding(&["user:P1@example.com", "group:other@example.com"]),
            binding(&["user:p2@example.com"]),
            binding(&["user:x@web.iam.gserviceaccount.com"]),
        ];
        let bindings: Vec<&Binding> = bindings.iter().collect();
        let alike = snapshot.alike(&bindings, "p0@example.com");
        let found: Vec<(usize, Vec<&str>)> = alike
            .iter()
            .map(|it| {
                let groups = it.unlisted_groups.iter().map(String::as_str);
                (it.people.len(), groups.collect())
            })
            .collect();
        // All but three; who is named beside by the third; by the fourth; the group that could not be listed.
        assert_eq!(
            found,
            [
                (997, vec![]),
                (1, vec![]),
                (1, vec![]),
                (0, vec!["other@example.com"])
            ]
        );
        let all: BTreeSet<String> = ["all@example.com".to_owned()].into();
        assert!(alike.iter().take(3).all(|it| it.one.groups == all));
    }
}
