//! A binding of ours.

use super::document::{Binding, Condition};
use super::member::same_user;
use crate::iam_condition;

/// A binding that a request is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantBinding {
    /// Where the binding stands, such as `projects/web-prod`.
    pub resource: String,
    /// The role.
    pub role: String,
    /// `user:` and the requester's address.
    pub member: String,
    /// See [`super::title`].
    pub title: String,
    /// Who approved, and the justification.
    pub description: String,
    /// The window, and what narrows it.
    pub expression: String,
}

impl GrantBinding {
    pub(super) fn to_binding(&self) -> Binding {
        Binding {
            role: self.role.clone(),
            members: vec![self.member.clone()],
            condition: Some(Condition {
                title: self.title.clone(),
                description: self.description.clone(),
                expression: self.expression.clone(),
                ..Condition::default()
            }),
            ..Binding::default()
        }
    }

    pub(super) fn is_in(&self, binding: &Binding) -> bool {
        binding.role == self.role
            && binding
                .members
                .iter()
                .any(|member| same_user(member, &self.member))
            && binding.condition.as_ref().is_some_and(|condition| {
                condition.title == self.title
                    && condition.description == self.description
                    && same_expression(&condition.expression, &self.expression)
            })
    }
}

/// Whether two expressions are the same text or the same tree: Google may write one differently.
pub(super) fn same_expression(one: &str, other: &str) -> bool {
    one == other || iam_condition::same(one, other)
}
