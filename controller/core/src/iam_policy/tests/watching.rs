//! What became of the bindings that were added.

use super::*;

fn observe(standing: Value, granted: &[GrantBinding]) -> Observation {
    policy(standing).observe(UID, ALICE, granted)
}

fn stray(role: &str, expression: &str) -> Stray {
    Stray {
        role: role.to_owned(),
        expression: expression.to_owned(),
    }
}

#[test]
fn all_there() {
    let rewritten = WINDOW.replace(" && ", "  &&  ");
    for there in [
        json!([
            ours(
                "roles/b",
                &["user:bob@example.com", "user:ALICE@example.com"],
                "true"
            ),
            ours("roles/a", &[ALICE], WINDOW)
        ]),
        json!([
            ours("roles/a", &[ALICE], &rewritten),
            ours("roles/b", &[ALICE], "(true)")
        ]),
        json!([
            ours("roles/a", &["deleted:user:alice@example.com?uid=1"], WINDOW),
            ours("roles/b", &[ALICE], "true")
        ]),
        json!([
            standing("roles/a", &[ALICE]),
            ours("roles/a", &[ALICE], WINDOW),
            ours("roles/b", &[ALICE], "true"),
            // The same once more changes nothing.
            ours("roles/b", &[ALICE], "true")
        ]),
    ] {
        let seen = observe(
            there,
            &[granted("roles/a", WINDOW), granted("roles/b", "true")],
        );
        assert_eq!(seen.bindings, [Found::Present, Found::Present]);
        assert!(seen.is_intact() && seen.is_present() && !seen.is_altered());
    }
}

#[test]
fn vanished() {
    for gone in [
        json!([]),
        json!([ours("roles/a", &["user:bob@example.com"], WINDOW)]),
        json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": title(OTHER_UID), "expression": WINDOW}}]),
        json!([
            standing("roles/b", &[ALICE]),
            standing("roles/a", &["group:ops@example.com"])
        ]),
        json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": "own", "expression": "true"}}]),
    ] {
        let seen = observe(gone, &[granted("roles/a", WINDOW)]);
        assert_eq!(seen.bindings, [Found::Vanished]);
        assert!(!seen.is_intact() && !seen.is_present() && !seen.is_altered());
    }
}

#[test]
fn attack_16_stripped_of_its_condition() {
    let seen = observe(
        json!([
            standing(
                "roles/a",
                &["user:bob@example.com", "user:Alice@example.com"]
            ),
            ours("roles/b", &[ALICE], WINDOW)
        ]),
        &[granted("roles/a", WINDOW), granted("roles/b", WINDOW)],
    );
    assert_eq!(seen.bindings, [Found::Unconditional, Found::Present]);
    assert_eq!(seen.additional, []);
}

#[test]
fn attack_16_altered() {
    let longer = WINDOW.replace("20:30", "23:30");
    let seen = observe(
        json!([ours("roles/a", &[ALICE], &longer)]),
        &[granted("roles/a", WINDOW)],
    );
    assert_eq!(seen.bindings, [Found::Altered(stray("roles/a", &longer))]);
    assert_eq!(seen.additional, []);
    assert!(seen.is_altered() && seen.is_present());

    let seen = observe(
        json!([ours("roles/owner", &[ALICE], WINDOW)]),
        &[granted("roles/a", WINDOW)],
    );
    assert_eq!(
        seen.bindings,
        [Found::Altered(stray("roles/owner", WINDOW))]
    );

    // Its title without a condition worth the name.
    let seen = observe(
        json!([{"role": "roles/a", "members": [ALICE], "condition": {"title": title(UID)}}]),
        &[granted("roles/a", WINDOW)],
    );
    assert_eq!(seen.bindings, [Found::Altered(stray("roles/a", ""))]);
}

#[test]
fn attack_16_additional_bindings_under_our_title() {
    let seen = observe(
        json!([
            ours("roles/owner", &[ALICE], WINDOW),
            ours("roles/a", &[ALICE], "true"),
            ours("roles/a", &[ALICE], WINDOW)
        ]),
        &[granted("roles/a", WINDOW)],
    );
    assert_eq!(seen.bindings, [Found::Present]);
    assert_eq!(
        seen.additional,
        [stray("roles/owner", WINDOW), stray("roles/a", "true")]
    );
    assert!(seen.is_altered() && !seen.is_intact());
    // Nothing was granted, or not any more: whatever stands there is too much.
    let seen = observe(json!([ours("roles/a", &[ALICE], WINDOW)]), &[]);
    assert_eq!((seen.bindings.len(), seen.additional.len()), (0, 1));
}

#[test]
fn attack_16_standing_access_is_not_hidden_by_another_alteration() {
    let seen = observe(
        json!([
            standing("roles/a", &[ALICE]),
            ours("roles/owner", &[ALICE], WINDOW)
        ]),
        &[granted("roles/a", WINDOW)],
    );
    assert_eq!(seen.bindings, [Found::Unconditional]);
    assert_eq!(seen.additional, [stray("roles/owner", WINDOW)]);
}
