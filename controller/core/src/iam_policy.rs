//! Google's IAM policies as the rules see them, and the only changes that we make to them: add
//! bindings of ours, remove bindings of ours. Whatever is not ours passes through as it was.

mod add;
mod add_refused;
mod document;
mod grant_binding;
mod limits;
mod member;
mod observe;
mod own;
mod remove;
mod title;

pub use add::Added;
pub use add_refused::AddRefused;
pub use document::{Binding, Condition, Entry, Policy};
pub use grant_binding::GrantBinding;
pub use member::{group_of, is_user, is_user_or_deleted, user_of};
pub use observe::{Found, Observation, Stray};
pub use own::OwnBinding;
pub use remove::Removed;
pub use title::{is_java_product, request_of_title, title};

#[cfg(test)]
mod tests;
