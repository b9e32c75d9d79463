//! What Google's type check says about an expression's syntax tree.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};

/// Names that a condition may use at the root of an attribute.
const ATTRIBUTES: [&str; 6] = [
    "api",
    "destination",
    "device",
    "principal",
    "request",
    "resource",
];

/// Functions of IAM's CEL besides operators.
const FUNCTIONS: [&str; 31] = [
    "bool",
    "contains",
    "date",
    "double",
    "duration",
    "endsWith",
    "extract",
    "getAttribute",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasAny",
    "hasOnly",
    "hasTagKey",
    "hasTagKeyId",
    "inIpRange",
    "int",
    "matchTag",
    "matchTagId",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
];

/// What was found on a walk through a tree.
#[derive(Debug, Default)]
pub struct Findings {
    /// `&&`, `||` and `!` together.
    pub logical_operators: usize,
    /// The first name that nothing declares.
    pub undeclared: Option<String>,
}

/// Walks the tree.
pub fn inspect(root: &IdedExpr) -> Findings {
    let mut findings = Findings::default();
    walk(root, &mut Vec::new(), &mut findings);
    findings
}

/// Whether the whole expression can be a truth value, as far as its root tells.
pub fn may_be_bool(root: &IdedExpr) -> bool {
    match &root.expr {
        Expr::Literal(literal) => matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => false,
        Expr::Call(call) => !matches!(
            call.func_name.as_str(),
            operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE
                | "date"
                | "double"
                | "duration"
                | "extract"
                | "int"
                | "size"
                | "string"
                | "timestamp"
        ),
        Expr::Ident(_) | Expr::Select(_) | Expr::Comprehension(_) => true,
    }
}

fn walk(node: &IdedExpr, scope: &mut Vec<String>, findings: &mut Findings) {
    match &node.expr {
        Expr::Call(call) => {
            if matches!(
                call.func_name.as_str(),
                operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT
            ) {
                findings.logical_operators += 1;
            }
            let is_operator = !call
                .func_name
                .starts_with(|c: char| c.is_ascii_alphabetic());
            if !is_operator && !FUNCTIONS.contains(&call.func_name.as_str()) {
                findings
                    .undeclared
                    .get_or_insert_with(|| call.func_name.clone());
            }
            for child in call.target.as_deref().into_iter().chain(&call.args) {
                walk(child, scope, findings);
            }
        }
        Expr::Ident(name) => {
            if !ATTRIBUTES.contains(&name.as_str())
                && !scope.contains(name)
                && !name.starts_with('@')
            {
                findings.undeclared.get_or_insert_with(|| name.clone());
            }
        }
        Expr::Select(select) => walk(&select.operand, scope, findings),
        Expr::List(list) => list
            .elements
            .iter()
            .for_each(|element| walk(element, scope, findings)),
        Expr::Map(map) => map
            .entries
            .iter()
            .for_each(|entry| walk_entry(&entry.expr, scope, findings)),
        Expr::Struct(structure) => {
            findings
                .undeclared
                .get_or_insert_with(|| structure.type_name.clone());
        }
        Expr::Comprehension(comprehension) => {
            walk(&comprehension.iter_range, scope, findings);
            let outer = scope.len();
            scope.push(comprehension.iter_var.clone());
            scope.extend(comprehension.iter_var2.clone());
            scope.push(comprehension.accu_var.clone());
            walk(&comprehension.loop_step, scope, findings);
            scope.truncate(outer);
        }
        Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn walk_entry(entry: &EntryExpr, scope: &mut Vec<String>, findings: &mut Findings) {
    match entry {
        EntryExpr::MapEntry(entry) => {
            walk(&entry.key, scope, findings);
            walk(&entry.value, scope, findings);
        }
        EntryExpr::StructField(field) => walk(&field.value, scope, findings),
    }
}
