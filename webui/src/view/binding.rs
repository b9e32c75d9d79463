//! What is granted, beside what the requester has now.

use jiff::Timestamp;
use jit_access_core::iam_condition::{plain_words, same};
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
    /// Whether that is not all of it.
    pub is_new: bool,
}

/// What somebody holds of a planned binding by another request.
struct Held<'a> {
    until: Timestamp,
    by: String,
    expression: &'a str,
}

impl Held<'_> {
    /// Whether all of the binding is held already.
    fn covers(&self, planned: &PlannedBinding) -> bool {
        self.expression.is_empty() || same(self.expression, &planned.expression)
    }

    fn in_words(&self, covers: bool, now: Timestamp) -> String {
        let (left, by) = (left(self.until, now), &self.by);
        if covers {
            return format!("has it for another {left}, by {by}");
        }
        match plain_words(self.expression) {
            Some(words) => format!("has it only where {words}, for another {left}, by {by}"),
            None => format!("has it only under another condition, for another {left}, by {by}"),
        }
    }
}

/// The bindings of a plan, each beside what the requester holds already by requests among `others`, and still will
/// `from` when the access begins.
#[must_use]
pub fn plan_bindings(
    planned: &[PlannedBinding],
    requester: &str,
    own_name: &str,
    others: &[AccessRequest],
    catalogue: &Snapshot,
    (now, from): (Timestamp, Timestamp),
) -> Vec<BindingView> {
    let others: Vec<&AccessRequest> = others
        .iter()
        .filter(|other| other.spec.requester == requester && other.name_any() != own_name)
        .filter(|other| state(other) == Some(AccessState::Active))
        .collect();
    planned
        .iter()
        .map(|binding| {
            let held: Vec<Held<'_>> = others
                .iter()
                .flat_map(|other| held(other, binding, catalogue))
                .filter(|held| held.until > now.max(from))
                .collect();
            let last = |covers: bool| {
                let held = held.iter().filter(|held| held.covers(binding) == covers);
                held.max_by_key(|held| held.until)
            };
            // All of it, or else a part.
            let (all, part) = (last(true), last(false));
            BindingView {
                role: RoleName::new(&binding.role, catalogue),
                restriction: Restriction::new(&binding.expression),
                now: match (all, part) {
                    (Some(all), _) => all.in_words(true, now),
                    (None, Some(part)) => part.in_words(false, now),
                    (None, None) => "does not have it through JIT Access".to_owned(),
                },
                is_new: all.is_none(),
            }
        })
        .collect()
}

/// What an active request gives of the binding's role on its resource, by each condition.
fn held<'a>(
    active: &'a AccessRequest,
    binding: &'a PlannedBinding,
    catalogue: &'a Snapshot,
) -> impl Iterator<Item = Held<'a>> {
    let status = active.status.as_ref();
    let plan = status.and_then(|status| status.plan.as_ref());
    let grant = status.and_then(|status| status.grant.as_ref());
    let until = grant.and_then(|grant| parse_time(&grant.expire_time).ok());
    let given = plan.into_iter().flat_map(|plan| &plan.bindings);
    given
        .filter(|given| {
            given.role == binding.role && catalogue.is_within(&binding.resource, &given.resource)
        })
        .filter_map(move |given| {
            Some(Held {
                until: until?,
                by: active.name_any(),
                expression: &given.expression,
            })
        })
}
