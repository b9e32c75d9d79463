//! Adding what was granted.

use super::add_refused::AddRefused;
use super::document::Policy;
use super::grant_binding::GrantBinding;
use super::limits;
use super::member::{same_user, same_user_or_deleted};
use super::title::request_of_title;

/// What adding did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Bindings that were written, in place of an altered one or not.
    pub added: usize,
    /// Altered bindings of ours that were taken out.
    pub replaced: usize,
    /// Altered bindings of ours that were left, and with them the roles they are for.
    pub altered: usize,
}

impl Added {
    /// Whether the policy is another one now.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.added + self.replaced > 0
    }
}

impl Policy {
    /// Adds the bindings that are absent, each as a binding of its own: never merged with another.
    ///
    /// `granted` holds all bindings of a request for each role in it. Whatever else names the
    /// request's member under its title for that role is altered: with `replace_altered` it is
    /// taken out, so that exactly what was granted stands there; without, nothing is added for
    /// that role. Other roles of the request are left alone: one write may be for one role.
    ///
    /// # Errors
    /// A limit of Google that would be exceeded; then nothing was changed.
    pub fn add(
        &mut self,
        granted: &[GrantBinding],
        replace_altered: bool,
    ) -> Result<Added, AddRefused> {
        let mut next = self.clone();
        let mut result = Added::default();
        let mut written = Vec::new();
        for (at, first) in granted.iter().enumerate() {
            let belongs = |other: &&GrantBinding| {
                other.title == first.title
                    && other.role == first.role
                    && same_user(&other.member, &first.member)
            };
            if granted[..at].iter().any(|other| belongs(&other)) {
                continue;
            }
            let wanted: Vec<_> = granted.iter().filter(belongs).collect();
            if request_of_title(&first.title).is_none() || wanted.is_empty() {
                return Err(AddRefused::NotRecognisable {
                    title: first.title.clone(),
                    member: first.member.clone(),
                });
            }
            let (missing, altered) = next.compare(&wanted);
            if altered.is_empty() || replace_altered {
                next.take_out(&altered, &first.member);
                result.replaced += altered.len();
                result.added += missing.len();
                next.entries
                    .extend(missing.iter().map(|binding| binding.to_binding().into()));
                written.extend(missing);
            } else {
                result.altered += altered.len();
            }
        }
        limits::check(&next, &written)?;
        if result.changed() {
            next.version = Some(3);
            *self = next;
        }
        Ok(result)
    }

    /// For one request and role: which bindings are absent, and the places of those that name its
    /// member under its title but are not as granted.
    fn compare<'a>(&self, wanted: &[&'a GrantBinding]) -> (Vec<&'a GrantBinding>, Vec<usize>) {
        let mut missing: Vec<&GrantBinding> = Vec::new();
        for binding in wanted {
            if !missing.contains(binding) {
                missing.push(binding);
            }
        }
        let mut altered = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let Some(binding) = entry.binding() else {
                continue;
            };
            let ours = wanted.iter().any(|granted| {
                granted.title == binding.title()
                    && granted.role == binding.role
                    && binding
                        .members
                        .iter()
                        .any(|member| same_user_or_deleted(member, &granted.member))
            });
            if !ours {
                continue;
            }
            match missing.iter().position(|granted| granted.is_in(binding)) {
                Some(at) => {
                    missing.remove(at);
                }
                None => altered.push(place),
            }
        }
        (missing, altered)
    }
}
