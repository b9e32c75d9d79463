//! Which entitlements are worth a binding of their own.

use super::*;

const EARLY: &str = r#"request.time < timestamp("2027-01-01T00:00:00Z")"#;
const LATE: &str = r#"request.time < timestamp("2028-01-01T00:00:00Z")"#;

/// Which of these entitlements are effective, by their places.
fn places(expressions: &[String]) -> Vec<usize> {
    let bindings: Vec<Value> = expressions
        .iter()
        .map(|text| binding("roles/a", ALICE, text))
        .collect();
    let lookup = look_up_on(json!(bindings));
    let all = lookup.entitlements();
    assert_eq!(all.len(), expressions.len());
    effective(all)
        .into_iter()
        .map(|kept| {
            all.iter()
                .position(|entitlement| std::ptr::eq(kept, entitlement))
                .unwrap()
        })
        .collect()
}

#[test]
fn one_without_resource_condition_makes_the_others_superfluous() {
    assert_eq!(
        places(&[
            format!("{SELF} && a"),
            SELF.to_owned(),
            format!("{SELF} && b && {LATE}")
        ]),
        [1]
    );
}

#[test]
fn attack_12_but_not_those_of_the_other_kind() {
    assert_eq!(places(&[SELF.to_owned(), format!("{PEER} && a")]), [0, 1]);
    assert_eq!(places(&[PEER.to_owned(), format!("{SELF} && a")]), [0, 1]);
}

#[test]
fn but_not_one_that_lasts_longer() {
    assert_eq!(
        places(&[format!("{SELF} && {EARLY}"), format!("{SELF} && a")]),
        [0, 1]
    );
    assert_eq!(
        places(&[
            format!("{SELF} && {EARLY}"),
            format!("{SELF} && a && {LATE}")
        ]),
        [0, 1]
    );
    assert_eq!(
        places(&[
            format!("{SELF} && {LATE}"),
            format!("{SELF} && a && {EARLY}")
        ]),
        [0]
    );
}

#[test]
fn a_narrow_one_never_replaces_a_wide_one() {
    assert_eq!(
        places(&[format!("{SELF} && a"), format!("{SELF} && {EARLY}")]),
        [0, 1]
    );
}

#[test]
fn equal_conditions_are_one_with_the_latest_end() {
    assert_eq!(
        places(&[
            format!("{SELF} && a == 'x' && {EARLY}"),
            format!("a == \"\\x78\" && {SELF} && {LATE}"),
            format!("{SELF} && (a)=='x' && {EARLY}"),
        ]),
        [1]
    );
    assert_eq!(
        places(&[format!("{SELF} && a"), format!("{SELF} && a")]),
        [0]
    );
    assert_eq!(
        places(&[format!("{SELF} && a"), format!("{SELF} && b")]),
        [0, 1]
    );
}

#[test]
fn roles_are_told_apart() {
    let lookup = look_up_on(json!([
        binding("roles/a", ALICE, SELF),
        binding("roles/b", ALICE, &format!("{SELF} && a"))
    ]));
    assert_eq!(effective(lookup.entitlements()).len(), 2);
    assert_eq!(effective(&[]).len(), 0);
}
