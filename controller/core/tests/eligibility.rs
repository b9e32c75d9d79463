//! Whatever the policies hold: who is named by no binding is entitled to nothing, and what others
//! may do takes nothing away.

use jiff::Timestamp;
use jit_access_core::eligibility::{
    Attached, Eligible, Entitlement, Kind, Lookup, Person, effective, look_up,
};
use jit_access_core::iam_condition::Readings;
use jit_access_core::iam_policy::{Policy, title};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const RESOURCES: [&str; 3] = ["projects/web-prod", "folders/2", "organizations/1"];
const ROLES: [&str; 3] = ["roles/a", "roles/b", "roles/c"];

/// Members that are Alice, who is in `ops` and `all-ops`.
const ALICE: [&str; 4] = [
    "user:alice@example.com",
    "user:ALICE@Example.com",
    "group:ops@example.com",
    "group:All-Ops@example.com",
];

/// Members that are not.
const OTHERS: [&str; 10] = [
    "user:bob@example.com",
    "user:alice@example.com.evil",
    "group:alice@example.com",
    "group:dev@example.com",
    "User:alice@example.com",
    "deleted:user:alice@example.com?uid=1",
    "serviceAccount:alice@example.com",
    "domain:example.com",
    "allUsers",
    "allAuthenticatedUsers",
];

/// Terms of conditions.
const TERMS: [&str; 9] = [
    "has({}.jitAccessConstraint)",
    "has({}.multiPartyApprovalConstraint)",
    "has({}.JITACCESSCONSTRAINT)",
    "a",
    "(a || b)",
    "!has({}.jitAccessConstraint)",
    r#"request.time < timestamp("2026-01-01T00:00:00Z")"#,
    r#"request.time < timestamp("2030-01-01T00:00:00Z")"#,
    "c == 'has({}.jitAccessConstraint)'",
];

type Policies = [Vec<Value>; 3];

fn condition() -> impl Strategy<Value = Value> {
    let title = prop_oneof![
        6 => Just("jit".to_owned()),
        1 => Just(title(UID)),
        1 => Just("JIT access activation".to_owned()),
        1 => Just(format!("{} ", title(UID))),
    ];
    let operator = prop_oneof![6 => Just(" && "), 1 => Just(" || "), 1 => Just(" &&& ")];
    let terms = proptest::collection::vec(select(TERMS.to_vec()), 1..4);
    (title, terms, operator).prop_map(
        |(title, terms, operator)| json!({"title": title, "expression": terms.join(operator)}),
    )
}

fn binding(members: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    let parts = (
        select(ROLES.to_vec()),
        proptest::collection::vec(select(members.to_vec()), 1..4),
        proptest::option::weighted(0.9, condition()),
    );
    parts.prop_map(|(role, members, condition)| match condition {
        Some(condition) => json!({"role": role, "members": members, "condition": condition}),
        None => json!({"role": role, "members": members}),
    })
}

fn policies(members: &[&'static str]) -> impl Strategy<Value = Policies> + use<> {
    let policy = || proptest::collection::vec(binding(members), 0..6);
    [policy(), policy(), policy()]
}

fn everybody() -> Vec<&'static str> {
    [&ALICE[..], &OTHERS[..]].concat()
}

fn look_up_alice(policies: &Policies) -> Lookup {
    let alice = Person::new(
        "Alice@example.com",
        ["ops@example.com", "all-ops@example.com"],
    );
    let policies: Vec<Policy> = policies
        .iter()
        .map(|bindings| serde_json::from_value(json!({"bindings": bindings})).unwrap_or_default())
        .collect();
    let attached: Vec<_> = RESOURCES
        .into_iter()
        .zip(&policies)
        .map(|(resource, policy)| Attached { resource, policy })
        .collect();
    let now = Timestamp::from_second(1_795_000_000).unwrap_or(Timestamp::MIN);
    look_up(&alice, &attached, now, &mut Readings::default())
}

fn names_alice(binding: &Value) -> bool {
    binding["members"].as_array().is_some_and(|members| {
        members
            .iter()
            .any(|member| ALICE.iter().any(|alice| member == alice))
    })
}

/// What the rule says of one binding, written down once more and by the text of the terms, which
/// the generator knows: the kind, if it makes anybody eligible.
fn kind_by_rule(binding: &Value) -> Option<Kind> {
    let condition = &binding["condition"];
    let title = condition["title"].as_str()?;
    if title == format!("jit-access {UID}") || title == "JIT access activation" {
        return None;
    }
    let expression = condition["expression"].as_str()?;
    let terms: Vec<&str> = expression.split(" && ").collect();
    let known = terms.iter().all(|term| TERMS.contains(term));
    if !known || terms.contains(&TERMS[5]) || terms.contains(&TERMS[6]) {
        return None;
    }
    if terms.contains(&TERMS[0]) || terms.contains(&TERMS[2]) {
        Some(Kind::SelfApproval)
    } else if terms.contains(&TERMS[1]) {
        Some(Kind::PeerApproval)
    } else {
        None
    }
}

proptest! {
    #[test]
    fn who_is_named_by_no_binding_is_entitled_to_nothing(policies in policies(&OTHERS)) {
        let lookup = look_up_alice(&policies);
        prop_assert_eq!(lookup.entitlements(), []);
        prop_assert!(lookup.standing().is_empty());
        prop_assert_eq!(lookup.near_misses(), []);
    }

    #[test]
    fn entitlements_are_those_of_the_rule(policies in policies(&everybody())) {
        let lookup = look_up_alice(&policies);
        let found: Vec<_> = lookup
            .entitlements()
            .iter()
            .map(|entitlement| (entitlement.resource.as_str(), entitlement.role.as_str(), entitlement.kind))
            .collect();
        let expected: Vec<_> = RESOURCES
            .into_iter()
            .zip(&policies)
            .flat_map(|(resource, bindings)| bindings.iter().map(move |binding| (resource, binding)))
            .filter(|(_, binding)| names_alice(binding))
            .filter_map(|(resource, binding)| {
                Some((resource, binding["role"].as_str()?, kind_by_rule(binding)?))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn other_bindings_take_nothing_away(
        policies in policies(&everybody()),
        others in proptest::collection::vec((binding(&everybody()), any::<Index>(), 0..3usize), 0..6),
    ) {
        let before = look_up_alice(&policies);
        let mut after = policies.clone();
        for (binding, place, level) in others {
            let place = place.index(after[level].len() + 1);
            after[level].insert(place, binding);
        }
        let after = look_up_alice(&after);
        let mut rest = after.entitlements().iter();
        for entitlement in before.entitlements() {
            prop_assert!(rest.any(|other| other == entitlement), "{entitlement:?} is gone or out of order");
        }
        // What could be asked for can be asked for still, but for what is held permanently now.
        for role in ROLES {
            for kind in [Kind::SelfApproval, Kind::PeerApproval] {
                if find(role, kind, &before).is_some() && !after.standing().contains(role) {
                    prop_assert!(find(role, kind, &after).is_some(), "{role} {kind:?}");
                }
            }
        }
    }

    #[test]
    fn attack_12_what_is_found_is_of_the_role_and_kind_asked_for(policies in policies(&everybody())) {
        let lookup = look_up_alice(&policies);
        for kind in [Kind::SelfApproval, Kind::PeerApproval] {
            for role in ROLES {
                let entitled = lookup.of(role, kind).count() > 0;
                let eligible = find(role, kind, &lookup);
                prop_assert_eq!(eligible.is_some(), entitled && !lookup.standing().contains(role));
                for (found, entitlements) in eligible.iter().flat_map(Eligible::roles) {
                    prop_assert_eq!(found, role);
                    prop_assert!(!entitlements.is_empty());
                    prop_assert!(entitlements.iter().all(|it| it.role == role && it.kind == kind));
                }
            }
        }
    }

    #[test]
    fn what_is_superfluous_is_covered_by_what_stays(policies in policies(&ALICE)) {
        let lookup = look_up_alice(&policies);
        let all = lookup.entitlements();
        let kept = effective(all);
        let allows = |wide: &Entitlement, narrow: &Entitlement| {
            wide.role == narrow.role
                && wide.kind == narrow.kind
                && (wide.resource_condition.is_none() || wide.resource_condition == narrow.resource_condition)
                && (wide.end.is_none() || narrow.end.is_some_and(|end| wide.end >= Some(end)))
        };
        for entitlement in all {
            prop_assert!(kept.iter().any(|kept| allows(kept, entitlement)), "{entitlement:?} is lost");
        }
        for (at, one) in kept.iter().enumerate() {
            for (other_at, other) in kept.iter().enumerate() {
                prop_assert!(at == other_at || !allows(one, other), "{other:?} is superfluous");
            }
        }
    }
}

fn find(role: &str, kind: Kind, lookup: &Lookup) -> Option<Eligible> {
    Eligible::find(
        "alice@example.com",
        RESOURCES[0],
        &[role.to_owned()],
        kind,
        lookup,
    )
    .ok()
}
