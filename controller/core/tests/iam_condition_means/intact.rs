//! Conditions as the grammar makes them.

use cel::common::ast::IdedExpr;
use jit_access_core::iam_condition::{MAX_EXPRESSION_BYTES, Reading, narrowing, read};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::cases;
use crate::grammar::{
    LAYOUT, conjunction, joined, laid_out, layout, narrowing_text, operand, tokens,
};
use crate::judge::{END, assert_means, at, parse};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn attack_27_a_grant_is_true_exactly_when_window_and_all_conditions_are(
        parts in prop::collection::vec(operand(), 0..4),
        ends in subsequence(vec!["2026-11-23T20:20:00Z", "2026-11-23T21:00:00Z"], 0..=2),
        marker_at in any::<Index>(),
        (from, to) in any::<(Index, Index)>(),
        layout in layout(LAYOUT),
        narrowed in prop::option::of(narrowing_text()),
    ) {
        let mut judged: Vec<IdedExpr> = parts.iter().map(|part| parse(&laid_out(part, &[" "]))).collect();
        let mut terms = parts;
        for end in &ends {
            let term = format!("request¦.¦time¦<¦timestamp¦(¦'{end}'¦)");
            judged.push(parse(&laid_out(&tokens(&term), &[" "])));
            terms.insert(terms.len() / 2, tokens(&term));
        }
        let marker = tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)");
        terms.insert(marker_at.index(terms.len() + 1), marker);
        let condition = laid_out(&conjunction(terms, from, to), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);

        let Reading::Eligible(eligible) = read(&condition) else {
            return Err(TestCaseError::fail(format!("{:?}: {condition}", read(&condition))));
        };
        prop_assert_eq!((eligible.self_approval, eligible.peer_approval), (true, false));
        prop_assert_eq!(eligible.end, ends.iter().map(|end| at(end)).min());
        let end = eligible.end.map_or(at(END), |own| own.min(at(END)));
        let narrowed = narrowed.map(|text| narrowing(&text).map_err(|why| format!("{why} {text}")).unwrap());
        judged.extend(narrowed.as_ref().map(|term| parse(term.text())));
        assert_means(eligible.resource_condition.as_ref(), narrowed.as_ref(), end, &judged)?;
    }

    #[test]
    fn a_marker_below_the_top_level_makes_nothing_eligible(
        others in prop::collection::vec(operand(), 1..4),
        misplaced in select(vec![
            "(¦M¦||¦E¦)", "(¦E¦&&¦E¦||¦M¦)", "!¦M", "!¦(¦M¦)", "!¦!¦M", "f¦(¦M¦)", "(¦M¦?¦E¦:¦E¦)", "(¦E¦?¦M¦:¦E¦)",
            "M¦==¦true", "[¦M¦]¦[¦0¦]", "{¦1¦:¦M¦}¦[¦1¦]", "[¦1¦]¦.¦all¦(¦x¦,¦M¦)", "HAS¦(¦{¦}¦.¦jitAccessConstraint¦)",
            "{¦}¦.¦jitAccessConstraint", "has¦(¦resource¦.¦jitAccessConstraint¦)", "(¦E¦&&¦!¦(¦E¦||¦M¦)¦)",
        ]),
        marker in select(vec![
            "jitAccessConstraint", "JITACCESSCONSTRAINT", "multiPartyApprovalConstraint", "multipartyapprovalconstraint",
        ]),
        also_well_placed in any::<bool>(),
        place in any::<Index>(),
        (from, to) in any::<(Index, Index)>(),
        layout in layout(LAYOUT),
    ) {
        let inner = others[0].clone();
        let misplaced = misplaced.split('¦').flat_map(|token| match token {
            "M" => tokens(&format!("has¦(¦{{¦}}¦.¦{marker}¦)")),
            "E" => inner.clone(),
            other => vec![other.to_owned()],
        });
        let mut terms = others.clone();
        terms.insert(place.index(terms.len() + 1), misplaced.collect());
        if also_well_placed {
            terms.push(tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        }
        let condition = laid_out(&conjunction(terms, from, to), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);
        prop_assert_eq!(read(&condition), Reading::MarkerNotTopLevel, "{}", condition);
    }

    #[test]
    fn a_marker_under_an_or_of_the_whole_makes_nothing_eligible(
        before in prop::collection::vec(operand(), 0..3),
        after in operand(),
        layout in layout(LAYOUT),
    ) {
        let mut terms = before;
        terms.push(tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        let condition = laid_out(&joined(&[joined(&terms, "&&"), after], "||"), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);
        prop_assert_eq!(read(&condition), Reading::MarkerNotTopLevel, "{}", condition);
    }
}
