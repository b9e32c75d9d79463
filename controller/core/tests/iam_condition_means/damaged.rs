//! Conditions of the grammar that were damaged, and random ones.

use jit_access_core::iam_condition::{Reading, narrowing, read};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases;
use crate::grammar::{LAYOUT, joined, laid_out, layout, narrowing_text, operand, tokens};
use crate::judge::{END, assert_means, at, parse, with_markers_true};

const MARKER: &str = "has({}.jitAccessConstraint)";

/// What an attacker would put into a condition.
fn injection() -> impl Strategy<Value = &'static str> {
    select(vec![
        ")",
        "(",
        ") || (",
        ") || (true",
        "true) || (true",
        "//",
        " // ",
        "/",
        "\n",
        "\r",
        "\r// x\r|| true",
        "\"",
        "'",
        "'''",
        "\"\"\"",
        "r'",
        "b\"",
        "\\",
        "\\\"",
        "\\'",
        "&&",
        "||",
        "|| true",
        "&& true",
        "?",
        ":",
        "true ? ",
        " : true",
        "!",
        "!!",
        "-",
        ",",
        "[",
        "]",
        "{",
        "}",
        ".",
        " in ",
        "\0",
        "\u{c}",
        "\u{2028}",
        "é",
        "`",
        ";",
        "has({}.jitAccessConstraint)",
        "&& has({}.jitAccessConstraint)",
        "jitAccessConstraint",
        "HAS({}.x)",
        "true",
        "request.time < timestamp('2100-01-01T00:00:00Z')",
        "|| request.time > timestamp('2000-01-01T00:00:00Z')",
    ])
}

#[derive(Debug, Clone)]
enum Damage {
    Insert(Index, &'static str),
    Delete(Index, usize),
    Repeat(Index, usize),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        4 => (any::<Index>(), injection()).prop_map(|(place, text)| Damage::Insert(place, text)),
        1 => (any::<Index>(), 1..6_usize).prop_map(|(place, length)| Damage::Delete(place, length)),
        1 => (any::<Index>(), 1..20_usize).prop_map(|(place, length)| Damage::Repeat(place, length)),
    ];
    prop::collection::vec(one, 0..4)
}

fn damaged(text: &str, damage: Vec<Damage>) -> String {
    damage.into_iter().fold(text.to_owned(), |text, damage| {
        let characters: Vec<char> = text.chars().collect();
        let (place, deleted, inserted) = match damage {
            Damage::Insert(place, inserted) => (place, 0, inserted.to_owned()),
            Damage::Delete(place, length) => (place, length, String::new()),
            Damage::Repeat(place, length) => {
                let from = place.index(characters.len() + 1);
                (
                    place,
                    0,
                    characters.iter().skip(from).take(length).collect(),
                )
            }
        };
        let from = place.index(characters.len() + 1);
        let (before, after) = characters.split_at(from);
        before
            .iter()
            .copied()
            .chain(inserted.chars())
            .chain(after.iter().copied().skip(deleted))
            .collect()
    })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn attack_17_a_damaged_narrowing_is_refused_or_narrows(
        text in narrowing_text(),
        damage in damage(),
        resource in prop::option::of(operand()),
    ) {
        let text = damaged(&text, damage);
        let Ok(narrowed) = narrowing(&text) else { return Ok(()) };
        let mut judged = vec![parse(&text)];
        let resource_condition = resource.and_then(|tokens| {
            let resource = laid_out(&tokens, &[" "]);
            judged.push(parse(&resource));
            match read(&format!("{MARKER} && {resource}")) {
                Reading::Eligible(eligible) => eligible.resource_condition,
                other => panic!("{other:?}: {resource}"),
            }
        });
        assert_means(resource_condition.as_ref(), Some(&narrowed), at(END), &judged)?;
    }

    #[test]
    fn attack_17_random_text_is_refused_or_narrows(pieces in prop::collection::vec(injection(), 1..8)) {
        let text = pieces.concat();
        if let Ok(narrowed) = narrowing(&text) {
            assert_means(None, Some(&narrowed), at(END), &[parse(&text)])?;
        }
    }

    #[test]
    fn attack_7_a_narrowing_that_names_a_marker_is_refused(
        before in narrowing_text(),
        after in narrowing_text(),
        operator in select(vec!["&&", "||", "&& !", "== ", "? true :"]),
        marker in select(vec![MARKER, "has({}.JitAccessConstraint)", "has( { } . multiPartyApprovalConstraint )"]),
    ) {
        for text in [
            format!("({before}) {operator} {marker}"),
            format!("{marker} && ({after})"),
            format!("({before}) || [{marker} && ({after})][0]"),
        ] {
            prop_assert!(narrowing(&text).is_err(), "{}", text);
        }
    }

    #[test]
    fn attack_27_a_damaged_eligible_condition_grants_no_more_than_it_says(
        parts in prop::collection::vec(operand(), 1..4),
        place in any::<Index>(),
        layout in layout(LAYOUT),
        damage in damage(),
    ) {
        let mut terms = parts;
        terms.insert(place.index(terms.len() + 1), tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        let text = damaged(&laid_out(&joined(&terms, "&&"), &layout), damage);
        let Reading::Eligible(eligible) = read(&text) else { return Ok(()) };
        let end = eligible.end.map_or(at(END), |own| own.min(at(END)));
        assert_means(eligible.resource_condition.as_ref(), None, end, &[with_markers_true(parse(&text))])?;
    }
}
