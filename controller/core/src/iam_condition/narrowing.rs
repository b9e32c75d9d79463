//! `spec.condition`: a term that narrows a grant.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::marker::names_marker;
use super::scan::{Kind, scan};
use super::term::Term;
use crate::visible_text::is_invisible;

/// The longest `spec.condition`, in characters.
pub const MAX_NARROWING_CHARACTERS: usize = 1000;

/// Reads a `spec.condition`: one line without comments, one expression that parses alone, without a marker's name
/// (else the grant would make its holder eligible). The error is a sentence.
pub fn narrowing(text: &str) -> Result<Term, String> {
    let characters = text.chars().count();
    if !(1..=MAX_NARROWING_CHARACTERS).contains(&characters) {
        return Err(format!(
            "The condition has {characters} characters; it must have 1 to {MAX_NARROWING_CHARACTERS}."
        ));
    }
    if let Some(hidden) = text.chars().find(|c| misleads(*c)) {
        return Err(format!(
            "The condition contains the character U+{:04X}; it must be one line of visible text.",
            u32::from(hidden)
        ));
    }
    let tokens = scan(text)?;
    if tokens.iter().any(|token| token.kind == Kind::Comment) {
        return Err("The condition contains a comment (//), which it must not.".into());
    }
    let term = Term::parse(text, &tokens)?;
    if names_marker(term.tree()) {
        return Err(
            "The condition names a marker of eligibility (jitAccessConstraint or \
                    multiPartyApprovalConstraint), which it must not."
                .into(),
        );
    }
    if is_no_truth_value(term.tree()) {
        return Err(
            "The condition is no question that is true or false; right would be one such as \
                    resource.name.startsWith(\"projects/web-prod/zones/europe-west1-b\")."
                .into(),
        );
    }
    Ok(term)
}

/// What can be told without types: Google would refuse it, or the access would never be given.
fn is_no_truth_value(tree: &IdedExpr) -> bool {
    match &tree.expr {
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => true,
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [_, yes, no]) => {
                is_no_truth_value(yes) || is_no_truth_value(no)
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, terms) => {
                terms.iter().any(is_no_truth_value)
            }
            (name, _) => NO_TRUTH_VALUES.contains(&name),
        },
        Expr::Select(select) if !select.test => match &select.operand.expr {
            Expr::Ident(of) => ATTRIBUTES.contains(&(of, &select.field)),
            _ => false,
        },
        Expr::Ident(_) | Expr::Select(_) | Expr::Comprehension(_) => false,
    }
}

/// Attributes of IAM's conditions, none of which is true or false
/// (<https://cloud.google.com/iam/docs/conditions-attribute-reference>).
const ATTRIBUTES: [(&str, &str); 4] = [
    ("resource", "name"),
    ("resource", "service"),
    ("resource", "type"),
    ("request", "time"),
];

/// Operators and functions of IAM's CEL that give something else than true or false.
const NO_TRUTH_VALUES: [&str; 14] = [
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
    "date",
    "double",
    "duration",
    "extract",
    "int",
    "size",
    "string",
    "timestamp",
];

/// Line ends, other control characters, and what changes how the text around it is shown or is not shown itself:
/// an approver must see what is granted.
fn misleads(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_is_kept_as_written() {
        for text in [
            r#"resource.name.startsWith("projects/web-prod/zones/europe-west1-b")"#,
            "a || b",
            "a == '//' || b",
            "a == 'jitAccessConstraint'",
            "a == 'größe'",
            "true",
            "size(a) == 1",
            "a ? b : !c",
            "resource.matchTag('1/env', 'prod')",
            "['a'].exists(x, x == resource.type)",
        ] {
            assert_eq!(narrowing(text).unwrap().text(), text);
        }
        assert_eq!(narrowing(" a ").unwrap().text(), "a");
    }

    #[test]
    fn everything_else_is_refused_with_a_sentence() {
        let long = format!("a == '{}'", "é".repeat(994));
        for (text, why) in [
            ("", "0 characters"),
            (&*long, "1001 characters"),
            (" ", "no valid CEL"),
            ("a\n&& b", "U+000A"),
            ("a\r// x\r|| true", "U+000D"),
            ("a\t&& b", "U+0009"),
            ("a == '\u{202e}'", "U+202E"),
            ("a == '\u{2028}'", "U+2028"),
            ("a // b", "comment"),
            ("// b", "comment"),
            ("a) || (true", "no valid CEL"),
            ("a && b) || (c", "no valid CEL"),
            ("a, b", "no valid CEL"),
            ("a; b", "no valid CEL"),
            ("'a", "not closed"),
            ("has({}.jitAccessConstraint)", "marker"),
            ("a && !has({}.JITACCESSCONSTRAINT)", "marker"),
            (
                "[1].exists(x, has({}.multiPartyApprovalConstraint))",
                "marker",
            ),
            ("resource.jitAccessConstraint", "marker"),
            ("1", "true or false"),
            ("null", "true or false"),
            ("'x'", "true or false"),
            ("[true]", "true or false"),
            ("{'a': true}", "true or false"),
            ("a == b ? 1 : 2", "true or false"),
            ("a && 'x'", "true or false"),
            ("!(b || size(a))", "true or false"),
            ("resource.name + 'x'", "true or false"),
            ("resource.name", "true or false"),
            ("a && request.time", "true or false"),
            ("resource.name.extract('{x}/')", "true or false"),
        ] {
            let refusal = narrowing(text).unwrap_err();
            assert!(refusal.contains(why), "{text:.80}: {refusal}");
        }
        assert!(narrowing(&"a".repeat(1000)).is_ok());
    }
}
