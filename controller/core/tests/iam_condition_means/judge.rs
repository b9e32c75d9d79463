//! Judges a condition by evaluating it: what it grants, and when.

use std::collections::HashMap;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::parser::Parser;
use cel::{Context, Value};
use jiff::{Timestamp, ToSpan};
use jit_access_core::iam_condition::{Reading, Term, compose, own_end, read};
use proptest::prelude::*;

const START: &str = "2026-11-23T20:00:00Z";
pub(super) const END: &str = "2026-11-23T20:30:00Z";

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Instants around the window's edges and around the times that conditions mention.
fn instants() -> Vec<Timestamp> {
    let edges = [
        START,
        "2026-11-23T20:10:00Z",
        "2026-11-23T20:20:00Z",
        END,
        "2026-11-23T21:00:00Z",
    ];
    edges
        .iter()
        .flat_map(|edge| [-1, 0, 1].map(|s| at(edge) + s.seconds()))
        .collect()
}

/// Whether the tree evaluates to true at that time; false and an error both grant nothing.
fn grants(tree: &IdedExpr, time: Timestamp) -> bool {
    let mut context = Context::default();
    let clock = Parser::new()
        .parse(&format!("timestamp('{time}')"))
        .unwrap();
    let time = context.resolve(&clock).unwrap();
    context.add_variable_from_value("request", HashMap::from([("time", time)]));
    let name = "projects/_/buckets/a/objects/\u{e9}\\x";
    let resource = HashMap::from([("name", name), ("type", "storage.googleapis.com/Object")]);
    context.add_variable_from_value("resource", resource);
    context.resolve(tree) == Ok(Value::Bool(true))
}

pub(super) fn parse(text: &str) -> IdedExpr {
    Parser::new()
        .parse(text)
        .unwrap_or_else(|_| panic!("is no CEL: {text}"))
}

const MARKER_NAMES: &[&str] = &["jitAccessConstraint", "multiPartyApprovalConstraint"];

/// The tree with every marker true.
pub(super) fn with_markers_true(mut tree: IdedExpr) -> IdedExpr {
    let is_marker = matches!(&tree.expr, Expr::Select(s) if s.test
        && MARKER_NAMES.iter().any(|name| s.field.eq_ignore_ascii_case(name))
        && matches!(&s.operand.expr, Expr::Map(map) if map.entries.is_empty()));
    if is_marker {
        tree.expr = Expr::Literal(LiteralValue::Boolean(true.into()));
    }
    let children: Vec<&mut IdedExpr> = match &mut tree.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => vec![],
        Expr::Call(call) => call
            .target
            .as_deref_mut()
            .into_iter()
            .chain(&mut call.args)
            .collect(),
        Expr::Comprehension(c) => vec![
            &mut c.iter_range,
            &mut c.accu_init,
            &mut c.loop_step,
            &mut c.result,
        ],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .map(|entry| value(&mut entry.expr))
            .collect(),
        Expr::Select(select) => vec![&mut select.operand],
        Expr::Struct(message) => message
            .entries
            .iter_mut()
            .map(|entry| value(&mut entry.expr))
            .collect(),
    };
    for child in children {
        *child = with_markers_true(std::mem::take(child));
    }
    tree
}

fn value(entry: &mut EntryExpr) -> &mut IdedExpr {
    match entry {
        EntryExpr::StructField(field) => &mut field.value,
        EntryExpr::MapEntry(entry) => &mut entry.value,
    }
}

/// Composes, and compares with the parts at every instant; a refusal must be one of a limit.
pub(super) fn assert_means(
    resource_condition: Option<&Term>,
    narrowed: Option<&Term>,
    end: Timestamp,
    parts: &[IdedExpr],
) -> Result<(), TestCaseError> {
    let start = at(START);
    if end <= start {
        prop_assert!(compose(start, end, resource_condition, narrowed).is_err());
        return Ok(());
    }
    match compose(start, end, resource_condition, narrowed) {
        Ok(composed) => {
            let tree = parse(&composed);
            for time in instants() {
                let intended =
                    start <= time && time < end && parts.iter().all(|part| grants(part, time));
                prop_assert_eq!(grants(&tree, time), intended, "at {} {}", time, &composed);
            }
            prop_assert_eq!(read(&composed), Reading::Plain, "{}", &composed);
            prop_assert!(
                own_end(&composed).is_some_and(|own| own <= end),
                "{}",
                &composed
            );
        }
        Err(why) => prop_assert!(
            ["logical operators", "bytes", "deep", "operators"]
                .iter()
                .any(|limit| why.contains(limit)),
            "{}",
            why
        ),
    }
    Ok(())
}
