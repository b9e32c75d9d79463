//! The condition of a grant.

use std::fmt::Write;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use super::term::Term;
use super::tree::{call, conjuncts, ided, logical_operators, parse};

/// The most logical operators (`&&`, `||`, `!`) that IAM allows in one condition:
/// <https://cloud.google.com/iam/quotas#limits>.
pub const MAX_LOGICAL_OPERATORS: usize = 12;

/// The condition of a grant: `request.time >= timestamp("…") && request.time < timestamp("…")`, then
/// ` && (<resource condition>)`, then ` && (<narrowing>)`.
///
/// The window is in whole seconds, `start` rounded up and `end` down. What was composed is parsed again and must be
/// exactly the `&&` of its parts. The error is a sentence: a limit with its numbers, or an empty window.
pub fn compose(
    start: Timestamp,
    end: Timestamp,
    resource_condition: Option<&Term>,
    narrowing: Option<&Term>,
) -> Result<String, String> {
    let (start, end) = (
        whole_second(start, RoundMode::Ceil)?,
        whole_second(end, RoundMode::Floor)?,
    );
    // Both have the same length and form, so they compare as the times do.
    if start >= end {
        return Err(format!(
            "The window from {start} to {end} is empty; it must end after it starts."
        ));
    }
    let parts: Vec<&Term> = resource_condition.into_iter().chain(narrowing).collect();
    let mut expression =
        format!(r#"request.time >= timestamp("{start}") && request.time < timestamp("{end}")"#);
    for part in &parts {
        // Writing to a String cannot fail.
        let _ = write!(expression, " && ({})", part.text());
    }
    let composed = parse(&expression)
        .map_err(|why| format!("The grant's condition cannot be composed. {why}"))?;
    let window = [
        bound(operators::GREATER_EQUALS, &start),
        bound(operators::LESS, &end),
    ];
    let mut expected: Vec<&IdedExpr> = window.iter().collect();
    expected.extend(parts.iter().flat_map(|part| conjuncts(part.tree())));
    if conjuncts(&composed) != expected {
        return Err("The grant's condition, composed, would mean something else than the window and the given \
                    conditions together; write spec.condition in another way."
            .into());
    }
    let count = logical_operators(&composed);
    if count > MAX_LOGICAL_OPERATORS {
        let own = |part: Option<&Term>| part.map_or(0, |term| logical_operators(term.tree()));
        return Err(format!(
            "The grant's condition would have {count} logical operators (&&, ||, !), and IAM allows \
             {MAX_LOGICAL_OPERATORS}: {} in the eligible binding's condition, {} in spec.condition, {} to join them \
             with the window.",
            own(resource_condition),
            own(narrowing),
            1 + parts.len(),
        ));
    }
    Ok(expression)
}

/// The grant's condition without the window, for `status.plan`; empty when there is neither condition. What
/// [`compose`] would refuse for any window is refused here with the same sentence.
pub fn compose_without_window(
    resource_condition: Option<&Term>,
    narrowing: Option<&Term>,
) -> Result<String, String> {
    // Every window is of the same length and has the same operators.
    let start = Timestamp::UNIX_EPOCH;
    let end = Timestamp::MAX;
    let window = compose(start, end, None, None)?;
    let composed = compose(start, end, resource_condition, narrowing)?;
    let conditions = composed.strip_prefix(&window).unwrap_or(&composed);
    Ok(conditions
        .strip_prefix(" && ")
        .unwrap_or(conditions)
        .to_owned())
}

/// `2026-11-23T20:00:00Z`
fn whole_second(time: Timestamp, mode: RoundMode) -> Result<String, String> {
    time.round(TimestampRound::new().smallest(Unit::Second).mode(mode))
        .ok()
        .map(|rounded| rounded.to_string())
        // Years before 0 and after 9999 have a sign and six digits, and are none of RFC 3339.
        .filter(|text| text.len() == "2026-11-23T20:00:00Z".len())
        .ok_or_else(|| format!("The time {time} cannot be written in an IAM condition."))
}

/// `request.time <operator> timestamp("<time>")`, as the parser builds it.
fn bound(operator: &str, time: &str) -> IdedExpr {
    let request = ided(Expr::Ident("request".into()));
    let request_time = SelectExpr {
        operand: Box::new(request),
        field: "time".into(),
        test: false,
    };
    let text = ided(Expr::Literal(LiteralValue::String(time.to_owned().into())));
    ided(call(
        operator,
        vec![
            ided(Expr::Select(request_time)),
            ided(call("timestamp", vec![text])),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{EligibleCondition, MAX_DEPTH, Reading, narrowing, own_end, read};
    use super::*;

    const WINDOW: &str = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;

    fn resource_condition(text: &str) -> Term {
        match read(&format!("has({{}}.jitAccessConstraint) && {text}")) {
            Reading::Eligible(EligibleCondition {
                resource_condition: Some(term),
                ..
            }) => term,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn composed(resource: Option<&str>, narrowed: Option<&str>) -> Result<String, String> {
        compose(
            "2026-11-23T20:00:00Z".parse().unwrap(),
            "2026-11-23T20:30:00Z".parse().unwrap(),
            resource.map(resource_condition).as_ref(),
            narrowed.map(|text| narrowing(text).unwrap()).as_ref(),
        )
    }

    #[test]
    fn the_parts_stand_in_parentheses_after_the_window() {
        assert_eq!(composed(None, None).unwrap(), WINDOW);
        assert_eq!(
            composed(Some("a"), None).unwrap(),
            format!("{WINDOW} && (a)")
        );
        assert_eq!(
            composed(None, Some("a || b")).unwrap(),
            format!("{WINDOW} && (a || b)")
        );
        assert_eq!(
            composed(Some("a && b"), Some("c ? d : e")).unwrap(),
            format!("{WINDOW} && (a && b) && (c ? d : e)")
        );
        assert_eq!(
            own_end(&composed(Some("a"), None).unwrap()),
            Some("2026-11-23T20:30:00Z".parse().unwrap())
        );
    }

    #[test]
    fn a_comment_in_the_eligible_condition_swallows_nothing() {
        assert_eq!(
            composed(Some("a // )"), Some("b")).unwrap(),
            format!("{WINDOW} && (a) && (b)")
        );
    }

    #[test]
    fn a_window_is_in_whole_seconds_and_never_wider() {
        let window = |start: &str, end: &str| {
            compose(start.parse().unwrap(), end.parse().unwrap(), None, None)
        };
        assert_eq!(
            window("2026-11-23T19:59:59.001Z", "2026-11-23T20:30:00.999Z").unwrap(),
            WINDOW
        );
        for (start, end) in [
            ("2026-11-23T20:00:00Z", "2026-11-23T20:00:00Z"),
            ("2026-11-23T20:00:01Z", "2026-11-23T20:00:00Z"),
            ("2026-11-23T20:00:00.1Z", "2026-11-23T20:00:00.9Z"),
        ] {
            assert!(
                window(start, end).unwrap_err().contains("empty"),
                "{start} {end}"
            );
        }
        assert!(
            compose(Timestamp::MIN, Timestamp::MAX, None, None)
                .unwrap_err()
                .contains("cannot be written")
        );
    }

    #[test]
    fn twelve_logical_operators_are_the_most() {
        // The window has one `&&` and each part adds one.
        let eleven = ["a"; 11].join(" || ");
        assert!(composed(None, Some(&eleven)).is_ok());
        let refusal = composed(None, Some(&format!("{eleven} || a"))).unwrap_err();
        assert!(
            refusal.contains("13 logical operators") && refusal.contains("11 in spec.condition"),
            "{refusal}"
        );
        assert!(composed(Some("!a && b"), Some(&["a"; 8].join(" && "))).is_ok());
        let refusal = composed(Some("!a && b"), Some(&["a"; 9].join(" && "))).unwrap_err();
        assert!(
            refusal
                .contains("2 in the eligible binding's condition, 8 in spec.condition, 3 to join"),
            "{refusal}"
        );
    }

    #[test]
    fn the_bounds_hold_for_the_whole() {
        let long = format!("a == '{}'", "x".repeat(3990));
        assert!(
            composed(Some(&long), Some("b"))
                .unwrap_err()
                .contains("at most 4096")
        );
        let deep = format!("{}a{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
        assert!(composed(Some(&deep), None).unwrap_err().contains("20 deep"));
    }

    #[test]
    fn the_plan_is_the_grant_without_the_window() {
        assert_eq!(compose_without_window(None, None).unwrap(), "");
        for (resource, narrowed) in [
            (Some("a"), None),
            (None, Some("b")),
            (Some("a && c"), Some("b || d")),
        ] {
            let resource = resource.map(resource_condition);
            let narrowed = narrowed.map(|text| narrowing(text).unwrap());
            let plan = compose_without_window(resource.as_ref(), narrowed.as_ref()).unwrap();
            let start = "2026-11-23T20:00:00Z".parse().unwrap();
            let end = "2026-11-23T20:30:00Z".parse().unwrap();
            let grant = compose(start, end, resource.as_ref(), narrowed.as_ref()).unwrap();
            assert_eq!(grant, format!("{WINDOW} && {plan}"));
        }
        let twelve = narrowing(&["a"; 12].join(" || ")).unwrap();
        assert!(
            compose_without_window(None, Some(&twelve))
                .unwrap_err()
                .contains("13 logical operators")
        );
    }
}
