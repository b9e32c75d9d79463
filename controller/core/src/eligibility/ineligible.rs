//! Why somebody may not ask for some roles, and what they could ask for.

use std::collections::BTreeSet;

use super::{Kind, Lookup};
use crate::visible_text::shown;

/// Most roles that one list names.
const LISTED: usize = 10;

/// Most bindings that are told to have come close.
const HINTS: usize = 3;

/// Why a request is not eligible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Ineligible {
    /// Sentences for the requester: why not, and what they could ask for here.
    pub message: String,
    /// The roles that cannot be had, with the reason of each.
    pub refused: Vec<(String, Reason)>,
}

/// Why a role cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The person has it for ever.
    Standing,
    /// It has entitlements of the other kind only.
    OtherKind,
    /// No binding makes the person eligible.
    NotEntitled,
}

impl Ineligible {
    pub(super) fn new(refused: Vec<(String, Reason)>, kind: Kind, lookup: &Lookup) -> Self {
        let mut sentences = Vec::new();
        for reason in [Reason::Standing, Reason::NotEntitled, Reason::OtherKind] {
            let roles: Vec<&str> = of_reason(&refused, reason).collect();
            if !roles.is_empty() {
                sentences.push(why_not(reason, &listed(&roles), kind, lookup));
            }
        }
        let not_entitled: Vec<&str> = of_reason(&refused, Reason::NotEntitled).collect();
        sentences.extend(
            lookup
                .near_misses()
                .iter()
                .filter(|finding| not_entitled.contains(&finding.role.as_str()))
                .take(HINTS)
                .map(|finding| format!("Not counted: {finding}.")),
        );
        sentences.push(offer(lookup));
        Self {
            message: sentences.join(" "),
            refused,
        }
    }

    /// A look-up of somebody or something else proves nothing.
    pub(super) fn mistaken(requester: &str, resource: &str, lookup: &Lookup) -> Self {
        Self {
            message: format!(
                "The entitlements of {} on {} were looked up, not those of {} on {}: tell an administrator.",
                shown(lookup.person()),
                shown(lookup.resource()),
                shown(requester),
                shown(resource)
            ),
            refused: Vec::new(),
        }
    }
}

fn of_reason(refused: &[(String, Reason)], reason: Reason) -> impl Iterator<Item = &str> {
    refused
        .iter()
        .filter(move |(_, other)| *other == reason)
        .map(|(role, _)| role.as_str())
}

fn why_not(reason: Reason, roles: &str, kind: Kind, lookup: &Lookup) -> String {
    let person = shown(lookup.person());
    let resource = shown(lookup.resource());
    match (reason, kind) {
        (Reason::Standing, _) => format!(
            "{person} already holds {roles} on {resource} permanently: nothing would change, and the end would end nothing."
        ),
        (Reason::NotEntitled, _) => {
            format!("No binding on {resource} or above it makes {person} eligible for {roles}.")
        }
        (Reason::OtherKind, Kind::SelfApproval) => {
            format!("A peer must approve {roles}: name reviewers.")
        }
        (Reason::OtherKind, Kind::PeerApproval) => {
            format!("{person} may approve {roles} alone, and no peer may: name no reviewers.")
        }
    }
}

fn offer(lookup: &Lookup) -> String {
    let of_kind = |kind| {
        let roles: BTreeSet<&str> = lookup
            .entitlements()
            .iter()
            .filter(|entitlement| entitlement.kind == kind)
            .map(|entitlement| entitlement.role.as_str())
            .filter(|role| !lookup.standing().contains(*role))
            .collect();
        roles.into_iter().collect::<Vec<_>>()
    };
    let alone = of_kind(Kind::SelfApproval);
    let with_peer = of_kind(Kind::PeerApproval);
    let person = shown(lookup.person());
    match (alone.is_empty(), with_peer.is_empty()) {
        (true, true) => format!(
            "There is no role that {person} could ask for here: an administrator makes persons eligible with a binding whose condition is has({{}}.jitAccessConstraint) or has({{}}.multiPartyApprovalConstraint)."
        ),
        (false, true) => format!(
            "{person} could ask here without reviewers for {}.",
            listed(&alone)
        ),
        (true, false) => format!(
            "{person} could ask here with reviewers for {}.",
            listed(&with_peer)
        ),
        (false, false) => format!(
            "{person} could ask here without reviewers for {}; with reviewers for {}.",
            listed(&alone),
            listed(&with_peer)
        ),
    }
}

fn listed(roles: &[&str]) -> String {
    let named: Vec<String> = roles.iter().take(LISTED).map(|role| shown(role)).collect();
    let named = named.join(", ");
    match roles.len().saturating_sub(LISTED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
