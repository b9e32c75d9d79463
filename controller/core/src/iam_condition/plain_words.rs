//! A condition in words, beside its CEL. Only what is surely said: a condition with a part that has
//! no words has none at all, for a reader would take half of it for the whole.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::tree::{operands, parse};
use crate::visible_text::shown_up_to;

/// Longest literal in a sentence, in characters.
const LITERAL_LENGTH: usize = 200;
/// Conditions in use join few terms; a longer sentence helps nobody.
const MOST_TERMS: usize = 8;

/// What the expression says, such as `the resource name begins with “projects/web/zones/b”`; `None`
/// if some part of it has no words.
#[must_use]
pub fn plain_words(expression: &str) -> Option<String> {
    let tree = parse(expression).ok()?;
    let mut terms = 0;
    say(&tree, &mut terms)
}

fn say(node: &IdedExpr, terms: &mut usize) -> Option<String> {
    if let Some(sides) = operands(node, operators::LOGICAL_AND) {
        return join(sides, "and", operators::LOGICAL_OR, terms);
    }
    if let Some(sides) = operands(node, operators::LOGICAL_OR) {
        return join(sides, "or", operators::LOGICAL_AND, terms);
    }
    *terms += 1;
    if *terms > MOST_TERMS {
        return None;
    }
    comparison(node).or_else(|| method(node))
}

/// `other` is the operator whose terms need parentheses here.
fn join(sides: &[IdedExpr], word: &str, other: &str, terms: &mut usize) -> Option<String> {
    let said: Option<Vec<String>> = sides
        .iter()
        .map(|side| {
            let text = say(side, terms)?;
            Some(if operands(side, other).is_some() {
                format!("({text})")
            } else {
                text
            })
        })
        .collect();
    Some(said?.join(&format!(" {word} ")))
}

fn comparison(node: &IdedExpr) -> Option<String> {
    let words = [
        (operators::EQUALS, "is", "is"),
        (operators::NOT_EQUALS, "is not", "is not"),
        (operators::LESS, "is before", "is less than"),
        (operators::LESS_EQUALS, "is at the latest", "is at most"),
        (operators::GREATER, "is after", "is more than"),
        (operators::GREATER_EQUALS, "is not before", "is at least"),
    ];
    words.iter().find_map(|(operator, of_time, of_others)| {
        let [left, right] = operands(node, operator)? else {
            return None;
        };
        if path(left) == "request.time" {
            return match operands(right, "timestamp") {
                Some([instant]) => Some(format!("the time {of_time} {}", text(instant)?)),
                _ => None,
            };
        }
        Some(match attribute(left) {
            Some(subject) => format!("{subject} {of_others} {}", text(right)?),
            None => format!("{} {of_others} {}", part_of_time(left)?, number(right)?),
        })
    })
}

/// `resource.name.startsWith("…")` and the like.
fn method(node: &IdedExpr) -> Option<String> {
    let Expr::Call(CallExpr {
        func_name,
        target: Some(target),
        args,
    }) = &node.expr
    else {
        return None;
    };
    if path(target) == "resource" {
        return match (func_name.as_str(), args.as_slice()) {
            ("matchTag", [key, value]) => Some(format!(
                "the resource has the tag {} with the value {}",
                text(key)?,
                text(value)?
            )),
            ("hasTagKey", [key]) => Some(format!("the resource has the tag {}", text(key)?)),
            _ => None,
        };
    }
    let verb = match func_name.as_str() {
        "startsWith" => "begins with",
        "endsWith" => "ends with",
        "contains" => "contains",
        _ => return None,
    };
    match args.as_slice() {
        [value] => Some(format!("{} {verb} {}", attribute(target)?, text(value)?)),
        _ => None,
    }
}

fn attribute(node: &IdedExpr) -> Option<&'static str> {
    match path(node).as_str() {
        "resource.name" => Some("the resource name"),
        "resource.type" => Some("the resource type"),
        "resource.service" => Some("the service"),
        _ => None,
    }
}

/// `request.time.getHours("Europe/Berlin")` and the like.
fn part_of_time(node: &IdedExpr) -> Option<String> {
    let Expr::Call(CallExpr {
        func_name,
        target: Some(target),
        args,
    }) = &node.expr
    else {
        return None;
    };
    let part = match func_name.as_str() {
        "getHours" => "the hour",
        "getMinutes" => "the minute",
        // CEL counts from Sunday.
        "getDayOfWeek" => "the day of the week (0 is Sunday)",
        _ => return None,
    };
    if path(target) != "request.time" {
        return None;
    }
    match args.as_slice() {
        [] => Some(format!("{part} in UTC")),
        [zone] => Some(format!("{part} in {}", text(zone)?)),
        _ => None,
    }
}

/// A name with its fields, such as `resource.name`; empty for what is none.
fn path(node: &IdedExpr) -> String {
    match &node.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) if !select.test => {
            format!("{}.{}", path(&select.operand), select.field)
        }
        _ => String::new(),
    }
}

fn text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => {
            Some(format!("“{}”", shown_up_to(text.inner(), LITERAL_LENGTH)))
        }
        _ => None,
    }
}

fn number(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(number.inner().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_conditions_have_words() {
        for (expression, words) in [
            (
                r#"resource.name.startsWith("projects/web/zones/b")"#,
                "the resource name begins with “projects/web/zones/b”",
            ),
            (
                "resource.type == 'compute.googleapis.com/Instance' && resource.name.endsWith('-db')",
                "the resource type is “compute.googleapis.com/Instance” and the resource name ends with “-db”",
            ),
            (
                "resource.service != 'a' && (resource.name == 'b' || resource.name == 'c')",
                "the service is not “a” and (the resource name is “b” or the resource name is “c”)",
            ),
            (
                "request.time.getHours('Europe/Berlin') >= 9 && request.time.getHours('Europe/Berlin') < 17",
                "the hour in “Europe/Berlin” is at least 9 and the hour in “Europe/Berlin” is less than 17",
            ),
            (
                "request.time < timestamp('2040-01-01T00:00:00Z')",
                "the time is before “2040-01-01T00:00:00Z”",
            ),
            (
                "resource.matchTag('1/env', 'prod') && resource.hasTagKey('1/x')",
                "the resource has the tag “1/env” with the value “prod” and the resource has the tag “1/x”",
            ),
            (
                "request.time.getDayOfWeek() <= 5",
                "the day of the week (0 is Sunday) in UTC is at most 5",
            ),
        ] {
            assert_eq!(
                plain_words(expression).as_deref(),
                Some(words),
                "{expression}"
            );
        }
    }

    #[test]
    fn a_part_without_words_leaves_the_whole_without() {
        for expression in [
            "",
            "true",
            "resource.name.startsWith('a') && f(b)",
            "!resource.name.startsWith('a')",
            "resource.name.startsWith(a)",
            "'a'.startsWith('b')",
            "resource.name.extract('a/{x}') == 'b'",
            "resource.size == 'b'",
            "'a' == resource.name",
            "request.time < '2040'",
            "a ? b : c",
            "a(",
        ] {
            assert_eq!(plain_words(expression), None, "{expression}");
        }
        let long = ["resource.name == 'a'"; MOST_TERMS + 1].join(" || ");
        assert_eq!(plain_words(&long), None);
    }

    #[test]
    fn attack_17_literals_are_shown_as_they_are() {
        let said = plain_words("resource.name == 'a\\u202e\\n” or “b'").unwrap();
        assert_eq!(said, "the resource name is “a\\u{202e}\\n” or “b”");
    }
}
