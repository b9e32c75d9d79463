//! The markers that make a binding eligible.
//!
//! `has({}.jitAccessConstraint)` is valid in IAM and always false, so a binding that carries it grants nothing
//! itself. Names compare without regard to case, as in Google's JIT Access.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

use super::tree::nodes;

const SELF_APPROVAL: &str = "jitAccessConstraint";
const PEER_APPROVAL: &str = "multiPartyApprovalConstraint";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    SelfApproval,
    PeerApproval,
}

/// The marker that `term` is: exactly `has({}.<name>)`.
pub(super) fn marker(term: &IdedExpr) -> Option<Marker> {
    match &term.expr {
        Expr::Select(select) if select.test => match &select.operand.expr {
            Expr::Map(map) if map.entries.is_empty() => named(&select.field),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a marker's name stands anywhere in `tree` as a name: selected from whatever, tested, called, or a
/// variable. Strings are no names.
pub(super) fn names_marker(tree: &IdedExpr) -> bool {
    // A type's name is `a.b.C`, an absolute one begins with a dot.
    let names = |name: &str| name.split('.').any(|part| named(part).is_some());
    nodes(tree).any(|node| match &node.expr {
        Expr::Select(select) => names(&select.field),
        Expr::Ident(name) => names(name),
        Expr::Call(call) => names(&call.func_name),
        Expr::Comprehension(c) => names(&c.iter_var),
        Expr::Struct(message) => {
            names(&message.type_name)
                || message.entries.iter().any(|entry| match &entry.expr {
                    EntryExpr::StructField(field) => names(&field.field),
                    EntryExpr::MapEntry(_) => false,
                })
        }
        Expr::Unspecified | Expr::List(_) | Expr::Literal(_) | Expr::Map(_) => false,
    })
}

/// Whether the text contains a marker's name at all: without it no parsing is needed. CEL has no escapes in
/// identifiers, so a name cannot be spelled in another way.
pub(super) fn may_name_marker(text: &str) -> bool {
    [SELF_APPROVAL, PEER_APPROVAL].iter().any(|name| {
        text.as_bytes()
            .windows(name.len())
            .any(|window| window.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn named(name: &str) -> Option<Marker> {
    if name.eq_ignore_ascii_case(SELF_APPROVAL) {
        Some(Marker::SelfApproval)
    } else if name.eq_ignore_ascii_case(PEER_APPROVAL) {
        Some(Marker::PeerApproval)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;

    #[test]
    fn a_marker_has_exactly_one_shape() {
        for (source, expected) in [
            ("has({}.jitAccessConstraint)", Some(Marker::SelfApproval)),
            ("has({}.JITACCESSCONSTRAINT)", Some(Marker::SelfApproval)),
            (
                "((has( { } . jitaccessConstraint )))",
                Some(Marker::SelfApproval),
            ),
            (
                "has({}.multiPartyApprovalConstraint)",
                Some(Marker::PeerApproval),
            ),
            (
                "has({}.multipartyapprovalconstraint)",
                Some(Marker::PeerApproval),
            ),
            ("HAS({}.jitAccessConstraint)", None),
            ("{}.jitAccessConstraint", None),
            ("has({'a': 1}.jitAccessConstraint)", None),
            ("has(a.jitAccessConstraint)", None),
            ("has({}.a.jitAccessConstraint)", None),
            ("has({}.jitAccessConstraint.a)", None),
            ("has(T{}.jitAccessConstraint)", None),
            ("has({}.jitAccessConstraints)", None),
            ("!has({}.jitAccessConstraint)", None),
        ] {
            assert_eq!(marker(&parse(source).unwrap()), expected, "{source}");
        }
    }

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        for source in [
            "has({}.jitAccessConstraint)",
            "a || !f([{1: has({}.JitAccessConstraint)}])",
            "l.exists(x, has({}.multiPartyApprovalConstraint))",
            "jitAccessConstraint",
            "jitAccessConstraint()",
            "a.jitAccessConstraint(1)",
            "l.all(jitAccessConstraint, true)",
            "a.jitAccessConstraint.b",
            "T{jitAccessConstraint: 1}",
            "a.jitAccessConstraint{}",
            ".jitAccessConstraint",
        ] {
            assert!(names_marker(&parse(source).unwrap()), "{source}");
            assert!(may_name_marker(source), "{source}");
        }
    }

    #[test]
    fn strings_comments_and_longer_names_are_no_names() {
        for source in [
            "'has({}.jitAccessConstraint)' == a",
            "a // has({}.jitAccessConstraint)",
            "has({}.jitAccessConstraint2)",
            "{'jitAccessConstraint': 1}[a] == 1",
        ] {
            assert!(!names_marker(&parse(source).unwrap()), "{source}");
        }
        assert!(!may_name_marker("has({}.jitAccess) && has({}.Constraint)"));
        assert!(!may_name_marker(""));
    }
}
