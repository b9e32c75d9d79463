//! Removing what is ours: early, or after its end.

use jiff::Timestamp;

use super::document::{Entry, Policy};
use super::member::same_user_or_deleted;
use super::own::OwnBinding;
use super::title::{request_of_title, title};

/// What was taken out of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// UID of the request that it was granted to.
    pub uid: String,
    /// The role.
    pub role: String,
    /// Who held it.
    pub members: Vec<String>,
    /// The condition.
    pub expression: String,
}

impl Policy {
    /// Ends a request: takes its member out of every binding with its exact title, whatever role
    /// and expression stand there. A binding that is empty then is removed; members whom somebody
    /// else added stay. An account that was deleted meanwhile is taken out too: restored, it would
    /// have its access back.
    pub fn remove(&mut self, uid: &str, member: &str) -> Vec<Removed> {
        self.remove_where(uid, member, |_| true)
    }

    /// As [`Policy::remove`], for one role: where Google limits which roles one write may touch.
    pub fn remove_role(&mut self, uid: &str, member: &str, role: &str) -> Vec<Removed> {
        self.remove_where(uid, member, |other| other == role)
    }

    fn remove_where(
        &mut self,
        uid: &str,
        member: &str,
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<Removed> {
        if request_of_title(&title(uid)).is_none() {
            return Vec::new();
        }
        let title = title(uid);
        let places: Vec<usize> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                entry.binding().is_some_and(|binding| {
                    binding.title() == title
                        && is_meant(&binding.role)
                        && binding
                            .members
                            .iter()
                            .any(|other| same_user_or_deleted(other, member))
                })
            })
            .map(|(place, _)| place)
            .collect();
        if !places.is_empty() {
            self.version = Some(3);
        }
        self.take_out(&places, member)
    }

    /// Removes bindings with a title of ours, of any request, whose window is over.
    ///
    /// The whole binding goes, with members whom somebody else added to it: the end is a
    /// condition on all of it, so it gives nobody anything any more, and nobody loses anything.
    /// What has no end that can be read stays.
    pub fn remove_expired(&mut self, now: Timestamp) -> Vec<Removed> {
        let mut removed = Vec::new();
        self.entries.retain(|entry| {
            let expired = expired(entry, now);
            let keep = expired.is_none();
            removed.extend(expired);
            keep
        });
        if !removed.is_empty() {
            self.version = Some(3);
        }
        removed
    }

    /// Takes a member out of the bindings at these places, and the bindings that are empty then.
    pub(super) fn take_out(&mut self, places: &[usize], member: &str) -> Vec<Removed> {
        let mut removed = Vec::new();
        let mut place = 0;
        self.entries.retain_mut(|entry| {
            let here = places.contains(&place);
            place += 1;
            let Some(binding) = entry.binding_mut().filter(|_| here) else {
                return true;
            };
            let (ours, others) = std::mem::take(&mut binding.members)
                .into_iter()
                .partition(|other| same_user_or_deleted(other, member));
            binding.members = others;
            removed.push(Removed {
                uid: request_of_title(binding.title())
                    .unwrap_or_default()
                    .to_owned(),
                role: binding.role.clone(),
                members: ours,
                expression: binding
                    .condition
                    .as_ref()
                    .map(|it| it.expression.clone())
                    .unwrap_or_default(),
            });
            !binding.members.is_empty()
        });
        removed
    }
}

fn expired(entry: &Entry, now: Timestamp) -> Option<Removed> {
    let binding = entry.binding()?;
    let own = OwnBinding::of(binding, now).filter(|own| own.is_over)?;
    Some(Removed {
        uid: own.uid.to_owned(),
        role: binding.role.clone(),
        members: binding.members.clone(),
        expression: binding.expression().to_owned(),
    })
}
