//! A peer's approval gives what the rules say and nothing else, whatever the policies and the
//! decisions are. The judge is written apart from the rules, as simply as it can be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jit_access_core::approval::{Peers, Reviewer, weigh};
use jit_access_core::eligibility::{Attached, Eligible, Kind, Lookup, Person, look_up};
use jit_access_core::iam_condition::Readings;
use jit_access_core::iam_policy::Policy;
use jit_access_core::review::Decision;
use jit_access_crds::DecisionKind;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROLES: [&str; 2] = ["roles/a", "roles/b"];
const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";

/// One eligible binding: whose, which role, whether self-approval, and its resource condition.
#[derive(Debug, Clone, PartialEq)]
struct Eligibility {
    person: &'static str,
    role: &'static str,
    alone: bool,
    condition: Option<&'static str>,
}

fn eligibility() -> impl Strategy<Value = Eligibility> {
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

fn email(person: &str) -> String {
    format!("{person}@example.com")
}

fn looked_up(person: &str, all: &[Eligibility]) -> Lookup {
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
        resource: "projects/p",
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
fn judged(
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn attack_11_a_grant_exists_only_if_the_rules_say_so(
        all in prop::collection::vec(eligibility(), 0..14),
        roles in subsequence(&ROLES[..], 1..=2),
        reviewers in subsequence(&PEOPLE[1..], 0..=3),
        approvals in subsequence(&PEOPLE[..], 0..=4),
        unreachable in subsequence(&PEOPLE[1..], 0..=1),
    ) {
        let wanted: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let alice = looked_up("alice", &all);
        let eligible = Eligible::find(
            &email("alice"), "projects/p", &wanted, Kind::PeerApproval, &alice,
        );
        let hers = roles.iter().all(|role| all.iter().any(
            |one| one.person == "alice" && one.role == *role && !one.alone
        ));
        prop_assert_eq!(eligible.is_ok(), hers);
        let Ok(eligible) = eligible else { return Ok(()) };

        let looked_up: Vec<Reviewer> = reviewers.iter().map(|person| Reviewer {
            email: email(person),
            lookup: if unreachable.contains(person) {
                Err("away".to_owned())
            } else {
                Ok(looked_up(person, &all))
            },
        }).collect();
        let decisions: Vec<Decision> = approvals.iter().map(|person| Decision {
            kind: DecisionKind::Approved, author: email(person), via: None, comment: None,
        }).collect();

        let able: Vec<&str> = reviewers.iter().copied()
            .filter(|person| !unreachable.contains(person) && judged(&all, &roles, person).is_some())
            .collect();
        let approver = able.iter().find(|person| approvals.contains(person));
        match (weigh(&eligible, &looked_up, &decisions), approver) {
            (Peers::Approved(approved), Some(approver)) => {
                let gets: BTreeSet<(String, Option<String>)> = approved.eligible().roles()
                    .flat_map(|(role, entitlements)| entitlements.iter().map(|it| (
                        role.to_owned(),
                        it.resource_condition.as_ref().map(|term| term.text().to_owned()),
                    )))
                    .collect();
                let expected: BTreeSet<(String, Option<String>)> =
                    judged(&all, &roles, approver).into_iter().flatten()
                        .map(|(role, condition)| (role.to_owned(), condition.map(str::to_owned)))
                        .collect();
                prop_assert_eq!(gets, expected);
            }
            (Peers::Awaited(awaited), None) => {
                let emails: Vec<String> = able.iter().map(|person| email(person)).collect();
                prop_assert!(!able.is_empty());
                prop_assert_eq!(awaited.able, emails);
            }
            (Peers::Unknown(_), None) => prop_assert!(
                able.is_empty() && reviewers.iter().any(|person| unreachable.contains(person))
            ),
            (Peers::Nobody, None) => prop_assert!(
                able.is_empty() && !reviewers.iter().any(|person| unreachable.contains(person))
            ),
            (other, _) => prop_assert!(false, "{:?}, able {:?}", other, able),
        }
    }
}
