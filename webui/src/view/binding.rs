//! What is granted, beside what the requester has now.

use jiff::Timestamp;
use jit_access_core::iam_condition::plain_words;
use jit_access_core::request::parse_time;
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState, PlannedBinding};
use jit_access_google::catalogue::Snapshot;
use kube::ResourceExt;

use super::RoleName;
use crate::moment::left;

/// A condition that restricts access, in words where it has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// In words; `None` where only the expression says it.
    pub words: Option<String>,
    /// In CEL.
    pub expression: String,
}

impl Restriction {
    /// `None` for an empty expression, which restricts nothing.
    #[must_use]
    pub fn new(expression: &str) -> Option<Self> {
        (!expression.is_empty()).then(|| Self {
            words: plain_words(expression),
            expression: expression.to_owned(),
        })
    }
}

/// One binding of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingView {
    /// The role.
    pub role: RoleName,
    /// Where it holds; `None`: everywhere on the resource.
    pub restriction: Option<Restriction>,
    /// What the requester has of this by other requests.
    pub now: String,
    /// Whether that is nothing.
    pub is_new: bool,
}

/// The bindings of a plan, each beside what the requester holds already by requests among `others`.
#[must_use]
pub fn plan_bindings(
    planned: &[PlannedBinding],
    requester: &str,
    own_name: &str,
    others: &[AccessRequest],
    catalogue: &Snapshot,
    now: Timestamp,
) -> Vec<BindingView> {
    planned
        .iter()
        .map(|binding| {
            let running = others
                .iter()
                .filter(|other| other.spec.requester == requester && other.name_any() != own_name)
                .filter(|other| state(other) == Some(AccessState::Active))
                .filter(|other| {
                    catalogue.is_within(&binding.resource, &other.spec.resource)
                        && other.spec.roles.contains(&binding.role)
                })
                .filter_map(|other| {
                    let grant = other.status.as_ref()?.grant.as_ref()?;
                    Some((parse_time(&grant.expire_time).ok()?, other.name_any()))
                })
                .filter(|(end, _)| *end > now)
                .max();
            BindingView {
                role: RoleName::new(&binding.role, catalogue),
                restriction: Restriction::new(&binding.expression),
                now: match &running {
                    Some((end, name)) => {
                        format!("has it for another {} by {name}", left(*end, now))
                    }
                    None => "does not have it through JIT Access".to_owned(),
                },
                is_new: running.is_none(),
            }
        })
        .collect()
}
