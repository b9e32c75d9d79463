//! Parsing, and questions to a syntax tree.

use std::panic::catch_unwind;

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators};
use cel::parser::{ParseErrors, Parser};

use super::scan::scan;

/// The syntax tree of `source`, with every id 0 so that equal trees compare equal. The error is a sentence.
pub(super) fn parse(source: &str) -> Result<IdedExpr, String> {
    scan(source)?;
    parse_scanned(source)
}

/// As [`parse`], for a text that [`scan`] let pass.
pub(super) fn parse_scanned(source: &str) -> Result<IdedExpr, String> {
    // The parser's generated code asserts what it expects of itself; a text that breaks such an assertion is
    // unreadable and must not take the caller, who reads everybody's conditions, with it.
    let parsed = catch_unwind(|| Parser::new().parse(source));
    match parsed {
        Ok(Ok(mut tree)) => {
            normalize(&mut tree);
            Ok(tree)
        }
        Ok(Err(errors)) => Err(sentence(&errors)),
        Err(_) => Err("The expression makes the CEL parser fail.".into()),
    }
}

/// Not `ParseErrors`' own text: it quotes the source, and panics beyond column 65,535.
fn sentence(errors: &ParseErrors) -> String {
    match errors.errors.first() {
        Some(error) => {
            let (line, column) = error.pos;
            let what: String = error.msg.chars().take(200).collect();
            format!("The expression is no valid CEL at line {line}, column {column}: {what}.")
        }
        None => "The expression is no valid CEL.".into(),
    }
}

fn normalize(tree: &mut IdedExpr) {
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        node.id = 0;
        // 0.0 == -0.0 in a comparison of floats, but they are different literals.
        if matches!(&node.expr, Expr::Literal(LiteralValue::Double(d)) if d.is_sign_negative()) {
            let positive = match std::mem::take(&mut node.expr) {
                Expr::Literal(LiteralValue::Double(d)) => {
                    Expr::Literal(LiteralValue::Double((-*d).into()))
                }
                other => other,
            };
            node.expr = call(operators::NEGATE, vec![ided(positive)]);
        }
        match &mut node.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Call(call) => {
                open.extend(call.target.as_deref_mut());
                open.extend(&mut call.args);
            }
            Expr::Comprehension(c) => open.extend([
                &mut c.iter_range,
                &mut c.accu_init,
                &mut c.loop_cond,
                &mut c.loop_step,
                &mut c.result,
            ]),
            Expr::List(list) => open.extend(&mut list.elements),
            Expr::Map(map) => entries_mut(&mut map.entries, &mut open),
            Expr::Select(select) => open.push(&mut select.operand),
            Expr::Struct(message) => entries_mut(&mut message.entries, &mut open),
        }
    }
}

fn entries_mut<'t>(entries: &'t mut [IdedEntryExpr], open: &mut Vec<&'t mut IdedExpr>) {
    for entry in entries {
        entry.id = 0;
        match &mut entry.expr {
            EntryExpr::StructField(field) => open.push(&mut field.value),
            EntryExpr::MapEntry(entry) => open.extend([&mut entry.key, &mut entry.value]),
        }
    }
}

/// Every node of `tree`, itself first; no recursion, so no depth is too deep.
pub(super) fn nodes(tree: &IdedExpr) -> impl Iterator<Item = &IdedExpr> {
    let mut open = vec![tree];
    std::iter::from_fn(move || {
        let node = open.pop()?;
        match &node.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Call(call) => {
                open.extend(call.target.as_deref());
                open.extend(&call.args);
            }
            Expr::Comprehension(c) => {
                open.extend([
                    &c.iter_range,
                    &c.accu_init,
                    &c.loop_cond,
                    &c.loop_step,
                    &c.result,
                ]);
            }
            Expr::List(list) => open.extend(&list.elements),
            Expr::Map(map) => entries(&map.entries, &mut open),
            Expr::Select(select) => open.push(&select.operand),
            Expr::Struct(message) => entries(&message.entries, &mut open),
        }
        Some(node)
    })
}

fn entries<'t>(entries: &'t [IdedEntryExpr], open: &mut Vec<&'t IdedExpr>) {
    for entry in entries {
        match &entry.expr {
            EntryExpr::StructField(field) => open.push(&field.value),
            EntryExpr::MapEntry(entry) => open.extend([&entry.key, &entry.value]),
        }
    }
}

/// The terms that the top-level `&&` of `tree` joins, in the order of the source; `tree` itself if it is none.
/// `a && (b && c)` has three, as `&&` is associative.
pub(super) fn conjuncts(tree: &IdedExpr) -> Vec<&IdedExpr> {
    let mut terms = Vec::new();
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        match operands(node, operators::LOGICAL_AND) {
            Some(operands) => open.extend(operands.iter().rev()),
            None => terms.push(node),
        }
    }
    terms
}

/// How many `&&`, `||` and `!` the tree has, those that a macro stands for included.
pub(super) fn logical_operators(tree: &IdedExpr) -> usize {
    nodes(tree)
        .filter(|node| {
            [
                operators::LOGICAL_AND,
                operators::LOGICAL_OR,
                operators::LOGICAL_NOT,
            ]
            .iter()
            .any(|operator| operands(node, operator).is_some())
        })
        .count()
}

/// The operands, if `node` is a call of this operator or global function.
pub(super) fn operands<'t>(node: &'t IdedExpr, function: &str) -> Option<&'t [IdedExpr]> {
    match &node.expr {
        Expr::Call(call) if call.target.is_none() && call.func_name == function => Some(&call.args),
        _ => None,
    }
}

/// A call of an operator or a global function, as the parser builds it.
pub(super) fn call(function: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(cel::common::ast::CallExpr {
        func_name: function.into(),
        target: None,
        args,
    })
}

/// A node without id, as [`parse`] returns them.
pub(super) fn ided(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_compare_by_meaning_and_not_by_layout() {
        let same = |a, b| parse(a).unwrap() == parse(b).unwrap();
        assert!(same("a&&b", "( a )\n && // c\n b"));
        assert!(same(r#"x == "\x41""#, "x == 'A'"));
        assert!(same("has(a.b)", "has( a . b )"));
        assert!(same("{1: [2], 3: T{f: 4}}", "{ 1:[ 2 ], 3:T{ f : 4 } }"));
        assert!(!same("has(a.b)", "a.b"));
        assert!(!same("a && b", "b && a"));
        assert!(!same(r#"x == "A""#, r#"x == r"\x41""#));
        assert!(!same("1", "1u"));
        assert!(!same("x == 0.0", "x == -0.0"));
    }

    #[test]
    fn conjuncts_keep_the_order_of_the_source() {
        let tree = parse("a && (b && (c || d)) && e && (f ? g : h) && i").unwrap();
        let expected = ["a", "b", "c || d", "e", "f ? g : h", "i"].map(|t| parse(t).unwrap());
        assert_eq!(conjuncts(&tree), expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn logical_operators_are_counted_wherever_they_stand() {
        for (source, expected) in [
            ("a", 0),
            ("a ? b : c", 0),
            ("a && b || !c", 3),
            ("f(a && b)[c || d] == {e: !g}.h", 3),
            ("'&& ||' == a // && b", 0),
            ("a in [b && c]", 1),
            // What the macro stands for: `@result || x` and `!@result`.
            ("l.exists(x, x)", 2),
        ] {
            assert_eq!(
                logical_operators(&parse(source).unwrap()),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn an_error_is_a_sentence_with_a_place() {
        let why = parse("a &&\n  && b").unwrap_err();
        assert!(
            why.starts_with("The expression is no valid CEL at line 2, column 3:"),
            "{why}"
        );
        for source in [
            "",
            " // only this",
            "a b",
            "a.?b",
            "a[?b]",
            "#",
            "a & b",
            "has(a)",
            "while",
        ] {
            assert!(parse(source).is_err(), "{source}");
        }
    }
}
