//! People, roles and eligible bindings for property tests, and a judge of peers as simple as it can be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jit_access_core::eligibility::{Attached, Lookup, Person, look_up};
use jit_access_core::iam_condition::Readings;
use jit_access_core::iam_policy::Policy;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

pub const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
pub const ROLES: [&str; 2] = ["roles/a", "roles/b"];
pub const SELF: &str = "has({}.jitAccessConstraint)";
pub const PEER: &str = "has({}.multiPartyApprovalConstraint)";

/// One eligible binding: whose, which role, whether self-approval, and its resource condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Eligibility {
    pub person: &'static str,
    pub role: &'static str,
    pub alone: bool,
    pub condition: Option<&'static str>,
}

pub fn eligibility() -> impl Strategy<Value = Eligibility> {
    (
        select(&PEOPLE[..]),
        select(&ROLES[..]),
        prop::bool::weighted(0.2),
        select(&[None, Some("x"), Some("y"), Some("z")][..]),
    )
        .prop_map(|(person, role, alone, condition)| Eligibility {
            person,
            role,
            alone,
            condition,
        })
}

pub fn email(person: &str) -> String {
    format!("{person}@example.com")
}

pub fn looked_up(person: &str, all: &[Eligibility]) -> Lookup {
    let bindings: Vec<_> = all
        .iter()
        .map(|one| {
            let marker = if one.alone { SELF } else { PEER };
            let expression = match one.condition {
                Some(condition) => format!("{condition} && {marker}"),
                None => marker.to_owned(),
            };
            json!({
                "role": one.role, "members": [format!("user:{}", email(one.person))],
                "condition": {"title": "eligible", "expression": expression},
            })
        })
        .collect();
    // A policy that cannot be read makes nobody eligible, which the judge would notice.
    let policy: Policy = serde_json::from_value(json!({"bindings": bindings})).unwrap_or_default();
    let attached = [Attached {
        resource: "projects/some-project",
        policy: &policy,
    }];
    let person = Person::new(&email(person), Vec::<String>::new());
    look_up(
        &person,
        &attached,
        Timestamp::UNIX_EPOCH,
        &mut Readings::default(),
    )
}

/// What alice gets of each role by this person's approval; `None` if it does not count.
pub fn judged(
    all: &[Eligibility],
    roles: &[&'static str],
    approver: &str,
) -> Option<BTreeSet<(&'static str, Option<&'static str>)>> {
    let mut gets = BTreeSet::new();
    for role in roles {
        let conditions = |person: &str| -> BTreeSet<Option<&'static str>> {
            all.iter()
                .filter(|one| one.person == person && one.role == *role && !one.alone)
                .map(|one| one.condition)
                .collect()
        };
        let (hers, theirs) = (conditions("alice"), conditions(approver));
        let covered: BTreeSet<_> = hers
            .into_iter()
            .filter(|condition| theirs.contains(&None) || theirs.contains(condition))
            .collect();
        if covered.is_empty() {
            return None;
        }
        gets.extend(covered.into_iter().map(|condition| (*role, condition)));
    }
    Some(gets)
}
