//! What the condition of a binding says about eligibility.

use jiff::Timestamp;

use super::marker::{Marker, marker, may_name_marker, names_marker};
use super::own_end::end;
use super::scan::{Kind, scan};
use super::split::{join, split};
use super::term::Term;
use super::tree::{conjuncts, parse_scanned};

/// What an IAM condition says about eligibility.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// No marker anywhere.
    Plain,
    /// A marker is one of the top-level `&&` terms, and none stands anywhere else.
    Eligible(EligibleCondition),
    /// A marker's name stands where it is no top-level `&&` term (under `||`, `!`, in a call …) or in another shape
    /// than `has({}.<name>)`: makes nothing eligible, may be standing access, is a finding.
    MarkerNotTopLevel,
    /// A marker's name is in the text, but the expression cannot be read: makes nothing eligible, is a finding.
    /// The sentence says why.
    Unreadable(String),
}

/// A condition that makes its binding eligible.
#[derive(Debug, Clone, PartialEq)]
pub struct EligibleCondition {
    /// `has({}.jitAccessConstraint)` is a term.
    pub self_approval: bool,
    /// `has({}.multiPartyApprovalConstraint)` is a term.
    pub peer_approval: bool,
    /// The other terms joined by `&&` in their order, without markers and own-end terms; None when there are none.
    pub resource_condition: Option<Term>,
    /// The earliest own-end term `request.time < timestamp("…")`; [`Timestamp::MIN`], which is always over, if one
    /// of them has no valid timestamp.
    pub end: Option<Timestamp>,
}

/// Reads a condition's expression. An empty one, or one of nothing but comments, is [`Reading::Plain`].
pub fn read(expression: &str) -> Reading {
    if may_name_marker(expression) {
        read_terms(expression).unwrap_or_else(Reading::Unreadable)
    } else {
        Reading::Plain
    }
}

fn read_terms(expression: &str) -> Result<Reading, String> {
    let tokens = scan(expression)?;
    if tokens.iter().all(|token| token.kind == Kind::Comment) {
        return Ok(Reading::Plain);
    }
    let tree = parse_scanned(expression)?;
    if !names_marker(&tree) {
        return Ok(Reading::Plain);
    }
    if conjuncts(&tree)
        .into_iter()
        .any(|term| marker(term).is_none() && names_marker(term))
    {
        return Ok(Reading::MarkerNotTopLevel);
    }
    let terms = split(expression, &tokens, &tree)?;
    if terms
        .iter()
        .any(|term| marker(term.tree()).is_some() && term.text().contains(['!', '-']))
    {
        // The parser drops `!!` and `--`.
        return Ok(Reading::MarkerNotTopLevel);
    }
    let markers: Vec<Marker> = terms
        .iter()
        .filter_map(|term| marker(term.tree()))
        .collect();
    let kept: Vec<&Term> = terms
        .iter()
        .filter(|term| marker(term.tree()).is_none() && end(term.tree()).is_none())
        .collect();
    Ok(Reading::Eligible(EligibleCondition {
        self_approval: markers.contains(&Marker::SelfApproval),
        peer_approval: markers.contains(&Marker::PeerApproval),
        resource_condition: join(&kept)?,
        end: terms.iter().filter_map(|term| end(term.tree())).min(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELF: &str = "has({}.jitAccessConstraint)";
    const PEER: &str = "has({}.multiPartyApprovalConstraint)";

    /// Self, peer, text of the resource condition.
    fn eligible(source: &str) -> (bool, bool, Option<String>) {
        match read(source) {
            Reading::Eligible(e) => (
                e.self_approval,
                e.peer_approval,
                e.resource_condition.map(|term| term.text().to_owned()),
            ),
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn the_other_terms_are_the_resource_condition() {
        for (source, text) in [
            (SELF.to_owned(), None),
            (format!(" ( ({SELF}) ) // why"), None),
            (format!("{SELF} && {SELF}"), None),
            (format!("{SELF} && a"), Some("a")),
            (format!("a && {SELF}"), Some("a")),
            (format!("a && {SELF} && b && {SELF}"), Some("a && b")),
            (format!("({SELF}) && a"), Some("a")),
            (
                format!("({SELF} && a) && (b && (c || d))"),
                Some("a && b && (c || d)"),
            ),
            (format!("{SELF} && (a || b)"), Some("(a || b)")),
            (format!("{SELF} && (a ? b : c)"), Some("(a ? b : c)")),
            (format!("{SELF} && !(a && b)"), Some("!(a && b)")),
            (format!("{SELF} && // x\n a // y"), Some("a")),
            (
                format!("{SELF}\r&& a == \"\\\"x && \\x41\""),
                Some("a == \"\\\"x && \\x41\""),
            ),
            (
                format!("{SELF} && a == r'\\' && b == '''\n&&'''"),
                Some("a == r'\\' && b == '''\n&&'''"),
            ),
            (format!("{SELF} && a == b'\\377'"), Some("a == b'\\377'")),
            (
                format!("{SELF} && l.exists(x, x && y)"),
                Some("l.exists(x, x && y)"),
            ),
            (
                format!("{SELF} && a == '{SELF}'"),
                Some("a == 'has({}.jitAccessConstraint)'"),
            ),
            (format!("{SELF} && a // {PEER}\n"), Some("a")),
            (format!("{SELF} && true\r// x\r|| false"), Some("true")),
            ("has({}.JITaccessCONSTRAINT) && a".to_owned(), Some("a")),
        ] {
            assert_eq!(
                eligible(&source),
                (true, false, text.map(str::to_owned)),
                "{source}"
            );
        }
    }

    #[test]
    fn both_markers_are_told() {
        assert_eq!(eligible(PEER), (false, true, None));
        assert_eq!(
            eligible(&format!("{PEER} && a && {SELF}")),
            (true, true, Some("a".into()))
        );
    }

    #[test]
    fn own_end_terms_are_taken_out() {
        let source = format!(
            r#"{SELF} && request.time < timestamp("2027-01-01T00:00:00Z") && a && (timestamp("2026-12-01T00:00:00Z") > request.time) && request.time >= timestamp("2026-01-01T00:00:00Z")"#
        );
        let Reading::Eligible(eligible) = read(&source) else {
            panic!("{source}")
        };
        assert_eq!(eligible.end, Some("2026-12-01T00:00:00Z".parse().unwrap()));
        assert_eq!(
            eligible.resource_condition.unwrap().text(),
            r#"a && request.time >= timestamp("2026-01-01T00:00:00Z")"#
        );
        let Reading::Eligible(over) =
            read(&format!(r#"{SELF} && request.time < timestamp("never")"#))
        else {
            panic!("never")
        };
        assert_eq!(
            (over.end, over.resource_condition),
            (Some(Timestamp::MIN), None)
        );
    }

    #[test]
    fn a_marker_anywhere_else_makes_nothing_eligible() {
        for source in [
            format!("{SELF} || a"),
            format!("a && {SELF} || b"),
            format!("!{SELF}"),
            format!("!!{SELF}"),
            format!("a && (!!({SELF}))"),
            format!("--{SELF}"),
            format!("a && !({SELF})"),
            format!("f({SELF})"),
            format!("a ? {SELF} : b"),
            format!("{SELF} == true"),
            format!("[{SELF}][0]"),
            format!("l.all(x, {SELF})"),
            format!("{SELF} && (a || {SELF})"),
            format!("{SELF} && !{PEER}"),
            format!("{SELF} ? true : {SELF}"),
            "HAS({}.jitAccessConstraint)".to_owned(),
            "{}.jitAccessConstraint".to_owned(),
            "has({'jitAccessConstraint': 1}.jitAccessConstraint)".to_owned(),
            "has(resource.jitAccessConstraint)".to_owned(),
            "has({}.jitAccessConstraint.x)".to_owned(),
        ] {
            assert_eq!(read(&source), Reading::MarkerNotTopLevel, "{source}");
        }
    }

    #[test]
    fn no_marker_is_plain() {
        for source in [
            String::new(),
            "// has({}.jitAccessConstraint)".to_owned(),
            "a && b".to_owned(),
            "a &&".to_owned(),
            "(".repeat(100_000),
            format!("a == '{SELF}'"),
            format!("a // {SELF}"),
            "has({}.jitAccessConstraint2)".to_owned(),
        ] {
            assert_eq!(read(&source), Reading::Plain, "{source:.80}");
        }
    }

    #[test]
    fn what_cannot_be_read_makes_nothing_eligible_and_says_why() {
        for (source, why) in [
            (format!("{SELF} &&"), "no valid CEL at line 1, column"),
            (format!("{SELF} && a) || (true"), "no valid CEL"),
            (format!("{SELF} && a.?b"), "no valid CEL"),
            (format!("{SELF} && a.`b`"), "back-tick"),
            (format!("{SELF} && 'a"), "not closed"),
            (
                format!("{SELF} && {}a{}", "(".repeat(21), ")".repeat(21)),
                "20 deep",
            ),
            (format!("{SELF} && a{}", ".b".repeat(500)), "504 operators"),
            (format!("{SELF} && {}", "a".repeat(5000)), "5031 bytes"),
        ] {
            match read(&source) {
                Reading::Unreadable(sentence) => {
                    assert!(sentence.contains(why), "{source:.80}: {sentence}");
                }
                other => panic!("{source:.80}: {other:?}"),
            }
        }
    }
}
