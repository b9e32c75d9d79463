//! A peer's approval gives what the rules say and nothing else, whatever the policies and the
//! decisions are. The judge is written apart from the rules, as simply as it can be.

use std::collections::BTreeSet;

use jit_access_core::approval::{Peers, Reviewer, weigh};
use jit_access_core::eligibility::{Eligible, Kind};
use jit_access_core::review::Decision;
use jit_access_crds::DecisionKind;
use proptest::prelude::*;
use proptest::sample::subsequence;

mod world;

use world::{PEOPLE, ROLES, eligibility, email, judged, looked_up};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

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
            &email("alice"), "projects/some-project", &wanted, Kind::PeerApproval, &alice,
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
        // An approval stands of whom Google does not tell for now.
        let asleep = reviewers.iter()
            .any(|person| unreachable.contains(person) && approvals.contains(person));
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
            (Peers::Unknown(_), None) if asleep => {}
            (Peers::Awaited(awaited), None) if !asleep => {
                let emails: Vec<String> = able.iter().map(|person| email(person)).collect();
                prop_assert!(!able.is_empty());
                prop_assert_eq!(awaited.able, emails);
            }
            (Peers::Unknown(_), None) => prop_assert!(
                able.is_empty() && reviewers.iter().any(|person| unreachable.contains(person))
            ),
            (Peers::Nobody, None) if !asleep => prop_assert!(
                able.is_empty() && !reviewers.iter().any(|person| unreachable.contains(person))
            ),
            (other, _) => prop_assert!(false, "{:?}, able {:?}", other, able),
        }
    }
}
