//! What somebody may ask for on one resource, and who could approve it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jit_access_core::eligibility::{Kind, Lookup, Person, effective};
use jit_access_core::request::parse_time;
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_google::catalogue::Snapshot;

use super::{Restriction, RoleName};
use crate::ask::Ask;
use crate::moment::{Moment, left};

/// Most peers that are listed to choose from; others can be typed.
const MOST_REVIEWERS: usize = 100;

/// A role that can be chosen.
#[derive(Debug, Clone)]
pub struct RoleView {
    /// The role.
    pub role: RoleName,
    /// Where it would hold: none of them, or one of them. Empty: everywhere on the resource.
    pub restrictions: Vec<Restriction>,
    /// Whether it is chosen.
    pub chosen: bool,
    /// What the person has of it already, in words.
    pub badge: &'static str,
    /// The name of a class for that.
    pub class: &'static str,
    /// Until when it is held, and how long that is.
    pub until: Option<(Moment, String)>,
}

/// Somebody who could approve.
#[derive(Debug, Clone)]
pub struct ReviewerView {
    /// The address.
    pub email: String,
    /// The roles that they could approve, where these are not all.
    pub only: Vec<RoleName>,
    /// The same, for scripts.
    pub roles: String,
    /// Whether they are chosen.
    pub chosen: bool,
}

/// What can be chosen on one resource.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// Roles that nobody else need approve.
    pub own: Vec<RoleView>,
    /// Roles that a peer must approve.
    pub peer: Vec<RoleView>,
    /// Who could approve at least one of these.
    pub reviewers: Vec<ReviewerView>,
    /// How many more could.
    pub more_reviewers: usize,
    /// Groups whose members could approve and are not known here.
    pub unlisted_groups: Vec<String>,
}

/// Works out what a person may ask for.
#[must_use]
pub fn offer(
    person: &Person,
    lookup: &Lookup,
    ask: &Ask,
    own_requests: &[AccessRequest],
    catalogue: &Snapshot,
    now: Timestamp,
) -> Offer {
    let roles = |kind: Kind| -> Vec<RoleView> {
        let ids: BTreeSet<&str> = lookup
            .entitlements()
            .iter()
            .filter(|entitlement| entitlement.kind == kind)
            .map(|entitlement| entitlement.role.as_str())
            .collect();
        let mut views: Vec<RoleView> = ids
            .into_iter()
            .map(|id| role(id, kind, lookup, ask, own_requests, catalogue, now))
            .collect();
        views.sort_by_key(|view| view.role.title.to_lowercase());
        views
    };
    let (own, peer) = (roles(Kind::SelfApproval), roles(Kind::PeerApproval));
    let mut offer = Offer {
        own,
        peer,
        ..Offer::default()
    };
    offer.add_reviewers(person, lookup.resource(), ask, catalogue, now);
    offer
}

impl Offer {
    /// Whether there is nothing to choose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.peer.is_empty()
    }

    fn add_reviewers(
        &mut self,
        person: &Person,
        resource: &str,
        ask: &Ask,
        catalogue: &Snapshot,
        now: Timestamp,
    ) {
        let mut by_person: BTreeMap<String, Vec<RoleName>> = BTreeMap::new();
        let mut unlisted = BTreeSet::new();
        for view in &self.peer {
            let found = catalogue.reviewers(person, resource, &view.role.id, now);
            for email in found.people {
                by_person.entry(email).or_default().push(view.role.clone());
            }
            unlisted.extend(found.unlisted_groups);
        }
        let all = self.peer.len();
        let mut reviewers: Vec<ReviewerView> = by_person
            .into_iter()
            .map(|(email, roles)| ReviewerView {
                chosen: ask.reviewers.contains(&email),
                roles: roles
                    .iter()
                    .map(|role| role.id.as_str())
                    .collect::<Vec<_>>()
                    .join(" "),
                only: if roles.len() == all {
                    Vec::new()
                } else {
                    roles
                },
                email,
            })
            .collect();
        // Those who are chosen stay in sight, then those who could approve most.
        reviewers.sort_by_key(|view| {
            let covered = if view.only.is_empty() {
                all
            } else {
                view.only.len()
            };
            (!view.chosen, std::cmp::Reverse(covered), view.email.clone())
        });
        self.more_reviewers = reviewers.len().saturating_sub(MOST_REVIEWERS);
        reviewers.truncate(MOST_REVIEWERS);
        self.reviewers = reviewers;
        self.unlisted_groups = unlisted.into_iter().collect();
    }
}

fn role(
    id: &str,
    kind: Kind,
    lookup: &Lookup,
    ask: &Ask,
    own_requests: &[AccessRequest],
    catalogue: &Snapshot,
    now: Timestamp,
) -> RoleView {
    let entitlements = effective(lookup.of(id, kind));
    let restrictions = entitlements
        .iter()
        .filter_map(|entitlement| entitlement.resource_condition.as_ref())
        .filter_map(|condition| Restriction::new(condition.text()))
        .collect();
    let same = || {
        own_requests.iter().filter(|request| {
            catalogue.is_within(lookup.resource(), &request.spec.resource)
                && request.spec.roles.iter().any(|role| role == id)
                && request.spec.reviewers.is_some() == (kind == Kind::PeerApproval)
        })
    };
    let end_of = |is_narrowed: bool| {
        same()
            .filter(|request| state(request) == Some(AccessState::Active))
            .filter(|request| request.spec.condition.is_some() == is_narrowed)
            .filter_map(|request| {
                let grant = request.status.as_ref()?.grant.as_ref()?;
                parse_time(&grant.expire_time).ok()
            })
            .filter(|end| *end > now)
            .max()
    };
    let (whole, part) = (end_of(false), end_of(true));
    let end = whole.or(part);
    let is_waiting = same().any(|request| state(request).is_none_or(AccessState::is_undecided));
    let (badge, class) = match (whole, part, is_waiting) {
        (Some(_), _, _) => ("Active", "active"),
        (None, Some(_), _) => ("Active in part", "active"),
        (None, None, true) => ("Asked for", "waiting"),
        (None, None, false) => ("Available", "calm"),
    };
    // An address, or an earlier request, names roles without saying whose approval they need now.
    let (named_here, named_there) = match kind {
        Kind::SelfApproval => (&ask.own_roles, &ask.peer_roles),
        Kind::PeerApproval => (&ask.peer_roles, &ask.own_roles),
    };
    let is_of_both = lookup
        .entitlements()
        .iter()
        .any(|entitlement| entitlement.role == id && entitlement.kind != kind);
    let is_among = |roles: &[String]| roles.iter().any(|role| role == id);
    let chosen = is_among(named_here)
        || (!is_of_both && is_among(named_there))
        || (is_among(&ask.other_roles) && (!is_of_both || kind == Kind::SelfApproval));
    RoleView {
        role: RoleName::new(id, catalogue),
        restrictions,
        chosen,
        badge,
        class,
        until: end.map(|end| (Moment::new(end), left(end, now))),
    }
}
