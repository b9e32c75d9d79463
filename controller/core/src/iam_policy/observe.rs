//! Watching over what was granted: is it still there, as it was?

use super::document::{Binding, Policy};
use super::grant_binding::{GrantBinding, same_expression};
use super::member::same_user_or_deleted;
use super::title::title;

/// What became of a granted binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there. So it is while the account of its member is deleted.
    Present,
    /// Somebody removed it.
    Vanished,
    /// Its title stands over another expression or another role.
    Altered(Stray),
    /// It vanished, and the member holds the same role without a condition: access that was to
    /// end has become permanent.
    Unconditional,
}

/// A binding that names the request's member under its title, and was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The role that stands there.
    pub role: String,
    /// The expression that stands there.
    pub expression: String,
}

/// What became of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// One for each granted binding, in their order.
    pub bindings: Vec<Found>,
    /// Bindings of the request beyond those granted, which take no granted one's place.
    pub additional: Vec<Stray>,
}

impl Observation {
    /// Whether all is as granted.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.additional.is_empty() && self.bindings.iter().all(|found| *found == Found::Present)
    }

    /// Whether something stands under our title that we did not write: somebody altered it.
    #[must_use]
    pub fn is_altered(&self) -> bool {
        !self.additional.is_empty()
            || self
                .bindings
                .iter()
                .any(|found| matches!(found, Found::Altered(_)))
    }

    /// Whether anything names the member under the request's title: what [`Policy::remove`] would
    /// take out.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.is_altered() || self.bindings.contains(&Found::Present)
    }
}

impl Policy {
    /// Compares what stands in the policy with what was granted to a request. `member` is `user:`
    /// and the requester's address.
    #[must_use]
    pub fn observe(&self, uid: &str, member: &str, granted: &[GrantBinding]) -> Observation {
        let title = title(uid);
        let mut standing: Vec<&Binding> = self
            .bindings()
            .filter(|binding| {
                binding.title() == title
                    && binding
                        .members
                        .iter()
                        .any(|other| same_user_or_deleted(other, member))
            })
            .collect();

        let is_granted = |granted: &GrantBinding, binding: &Binding| {
            binding.role == granted.role
                && same_expression(binding.expression(), &granted.expression)
        };
        let present: Vec<bool> = granted
            .iter()
            .map(|granted| standing.iter().any(|binding| is_granted(granted, binding)))
            .collect();
        standing.retain(|binding| !granted.iter().any(|granted| is_granted(granted, binding)));

        // What is left was altered. A binding of the same role is what became of a granted one;
        // one of another role only where the role does not stand without a condition, since that
        // is the graver finding.
        let mut take = |fits: &dyn Fn(&Binding) -> bool| {
            let at = standing.iter().position(|binding| fits(binding))?;
            Some(Found::Altered(stray(standing.remove(at))))
        };
        let mut found: Vec<Option<Found>> = granted
            .iter()
            .zip(present)
            .map(|(granted, present)| {
                if present {
                    Some(Found::Present)
                } else {
                    take(&|binding| binding.role == granted.role)
                }
            })
            .collect();
        for (found, granted) in found.iter_mut().zip(granted) {
            if found.is_none() {
                *found = if self.unconditional(&granted.role, member) {
                    Some(Found::Unconditional)
                } else {
                    take(&|_| true)
                };
            }
        }
        Observation {
            bindings: found
                .into_iter()
                .map(|found| found.unwrap_or(Found::Vanished))
                .collect(),
            additional: standing.into_iter().map(stray).collect(),
        }
    }
}

fn stray(binding: &Binding) -> Stray {
    Stray {
        role: binding.role.clone(),
        expression: binding.expression().to_owned(),
    }
}
