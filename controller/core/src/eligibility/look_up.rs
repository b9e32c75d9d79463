//! From policies to a person's entitlements.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::finding::Finding;
use super::{Attached, Entitlement, Kind, Person};
use crate::iam_condition::{EligibleCondition, Reading, Readings, own_end};
use crate::iam_policy::{Binding, Entry, group_of, is_java_product, is_user, request_of_title};
use crate::visible_text::shown;

/// What one person may ask for on one resource. There is no other way to make one than
/// [`look_up`].
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    person: String,
    resource: String,
    entitlements: Vec<Entitlement>,
    standing: BTreeSet<String>,
    findings: Vec<Finding>,
    near_misses: Vec<Finding>,
}

impl Lookup {
    /// Who was looked up: an e-mail address.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The resource that was looked at, with what it inherits.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// One for each binding that makes the person eligible, those on the resource first.
    #[must_use]
    pub fn entitlements(&self) -> &[Entitlement] {
        &self.entitlements
    }

    /// The entitlements to one role.
    pub fn of(&self, role: &str, kind: Kind) -> impl Iterator<Item = &Entitlement> {
        self.entitlements
            .iter()
            .filter(move |entitlement| entitlement.role == role && entitlement.kind == kind)
    }

    /// Roles that the person holds permanently by name, on the resource or inherited.
    #[must_use]
    pub fn standing(&self) -> &BTreeSet<String> {
        &self.standing
    }

    /// What an administrator should know about these policies, whomever the bindings name.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings about bindings that name the person.
    #[must_use]
    pub fn near_misses(&self) -> &[Finding] {
        &self.near_misses
    }
}

/// Looks up a person. `attached` is the resource itself first, then its ancestors up to the scope.
#[must_use]
pub fn look_up(
    person: &Person,
    attached: &[Attached<'_>],
    now: Timestamp,
    readings: &mut Readings,
) -> Lookup {
    let mut lookup = Lookup {
        person: person.email.clone(),
        resource: attached
            .first()
            .map_or("", |attached| attached.resource)
            .to_owned(),
        entitlements: Vec::new(),
        standing: BTreeSet::new(),
        findings: Vec::new(),
        near_misses: Vec::new(),
    };
    for Attached { resource, policy } in attached {
        for entry in &policy.entries {
            match entry {
                Entry::Binding(binding) => {
                    lookup.consider(person, resource, binding, now, readings);
                }
                Entry::Unreadable { value, reason } => {
                    let role = value.get("role").and_then(|role| role.as_str());
                    lookup.findings.push(Finding {
                        resource: (*resource).to_owned(),
                        role: role.unwrap_or_default().to_owned(),
                        title: String::new(),
                        problem: format!(
                            "makes nobody eligible, for it has not the form of a binding: {}",
                            shown(reason)
                        ),
                    });
                }
            }
        }
    }
    lookup
}

/// What the condition of a binding says about eligibility, whomever the binding names. Grants, ours
/// and the Java product's, say nothing: they never make anybody eligible, whatever they contain.
pub fn reading<'r>(binding: &Binding, readings: &'r mut Readings) -> &'r Reading {
    if request_of_title(binding.title()).is_some() || is_java_product(binding.title()) {
        &Reading::Plain
    } else {
        readings.read(binding.expression())
    }
}

impl Lookup {
    fn consider(
        &mut self,
        person: &Person,
        resource: &str,
        binding: &Binding,
        now: Timestamp,
        readings: &mut Readings,
    ) {
        if binding.is_unconditional() {
            if names_directly(binding, person) {
                self.standing.insert(binding.role.clone());
            }
            return;
        }
        let problem = match reading(binding, readings) {
            Reading::Plain => None,
            Reading::Eligible(eligible) if is_over(eligible.end, now) => None,
            Reading::Eligible(eligible) => {
                if names(binding, person) {
                    self.entitlements.extend(entitlement(resource, binding, eligible));
                }
                (eligible.self_approval && eligible.peer_approval).then(|| {
                    "has both markers, which means self-approval: keep the one that is meant".to_owned()
                })
            }
            Reading::MarkerNotTopLevel if is_over(own_end(binding.expression()), now) => None,
            Reading::MarkerNotTopLevel => Some(
                "makes nobody eligible and may be standing access, for its marker is not a top-level \"&&\" term: write has({}.jitAccessConstraint) && (…)"
                    .to_owned(),
            ),
            Reading::Unreadable(why) => Some(format!(
                "makes nobody eligible, for its condition cannot be read: {}",
                shown(why)
            )),
        };
        if let Some(problem) = problem {
            let finding = Finding {
                resource: resource.to_owned(),
                role: binding.role.clone(),
                title: binding.title().to_owned(),
                problem,
            };
            if names(binding, person) {
                self.near_misses.push(finding.clone());
            }
            self.findings.push(finding);
        }
    }
}

fn entitlement(
    resource: &str,
    binding: &Binding,
    condition: &EligibleCondition,
) -> Option<Entitlement> {
    let kind = Kind::of(condition)?;
    Some(Entitlement {
        role: binding.role.clone(),
        kind,
        resource_condition: condition.resource_condition.clone(),
        end: condition.end,
        resource: resource.to_owned(),
    })
}

fn is_over(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|end| end <= now)
}

fn names(binding: &Binding, person: &Person) -> bool {
    names_directly(binding, person)
        || binding
            .members
            .iter()
            .filter_map(|member| group_of(member))
            .any(|group| person.groups.contains(&group))
}

fn names_directly(binding: &Binding, person: &Person) -> bool {
    binding
        .members
        .iter()
        .any(|member| is_user(member, &person.email))
}
