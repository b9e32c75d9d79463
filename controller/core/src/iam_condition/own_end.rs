//! The end that a condition sets itself: top-level terms `request.time < timestamp("…")`.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::tree::{conjuncts, operands, parse};

/// The earliest end that `expression` sets itself; None when it sets none or cannot be read.
///
/// A term whose timestamp is none never grants in IAM: its end is [`Timestamp::MIN`], which is always over.
pub fn own_end(expression: &str) -> Option<Timestamp> {
    // Nearly all conditions have no such term, and a search is cheaper than a parse.
    if !(expression.contains("request") && expression.contains("timestamp")) {
        return None;
    }
    let tree = parse(expression).ok()?;
    conjuncts(&tree).into_iter().filter_map(end).min()
}

/// The end of the window of a grant, which stands before all other terms of its condition; None if it cannot be read.
///
/// A later term is somebody's own: the eligible binding's or the request's. Where it ends the access, the request
/// still says so itself.
pub fn window_end(expression: &str) -> Option<Timestamp> {
    let tree = parse(expression).ok()?;
    let first = conjuncts(&tree).into_iter().find_map(end)?;
    (first != Timestamp::MIN).then_some(first)
}

/// The end that `term` sets, if it is exactly `request.time < timestamp("…")`, with `<=`, or the other way round.
pub(super) fn end(term: &IdedExpr) -> Option<Timestamp> {
    let comparison = |operator| match operands(term, operator) {
        Some([left, right]) => Some((left, right)),
        _ => None,
    };
    let (time, instant) = comparison(operators::LESS)
        .or_else(|| comparison(operators::LESS_EQUALS))
        .or_else(|| comparison(operators::GREATER).map(|(left, right)| (right, left)))
        .or_else(|| comparison(operators::GREATER_EQUALS).map(|(left, right)| (right, left)))?;
    if !is_request_time(time) {
        return None;
    }
    match operands(instant, "timestamp") {
        Some(
            [
                IdedExpr {
                    expr: Expr::Literal(LiteralValue::String(text)),
                    ..
                },
            ],
        ) => Some(instant_of(text.inner()).unwrap_or(Timestamp::MIN)),
        _ => None,
    }
}

fn is_request_time(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Select(select) if !select.test && select.field == "time" => {
            matches!(&select.operand.expr, Expr::Ident(name) if name == "request")
        }
        _ => false,
    }
}

/// An RFC 3339 timestamp with capital `T` and `Z`, as IAM reads them. Nothing more lenient: to take for a time
/// what IAM takes for none would turn a term that never grants into one that does.
fn instant_of(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let local = text.get(..SHAPE.len())?;
    let fits = local.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *shape,
    });
    // jiff reads a leap second as :59; IAM may not read it at all.
    if !fits || local.ends_with("60") {
        return None;
    }
    let rest = &text[SHAPE.len()..];
    let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let fraction_fits = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        });
    if !fraction_fits {
        return None;
    }
    let time: DateTime = format!("{local}{fraction}").parse().ok()?;
    match offset_of(zone)?.to_timestamp(time) {
        Ok(instant) => Some(instant),
        // CEL's timestamps end a day later than jiff's, and 9999-12-31T23:59:59Z is how many write "for ever".
        Err(_) if zone == "Z" && time.year() == 9999 => Some(Timestamp::MAX),
        Err(_) => None,
    }
}

fn offset_of(zone: &str) -> Option<Offset> {
    let digits = |range: std::ops::Range<usize>| -> Option<i32> {
        let digits = zone.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let sign = match (zone.as_bytes().first()?, zone.len(), zone.as_bytes().get(3)) {
        (b'Z', 1, _) => return Some(Offset::UTC),
        (b'+', 6, Some(b':')) => 1,
        (b'-', 6, Some(b':')) => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(1..3)?, digits(4..6)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_earliest_top_level_term_counts() {
        let noon = at("2026-11-23T12:00:00Z");
        for source in [
            r#"request.time < timestamp("2026-11-23T12:00:00Z")"#,
            r"request.time < timestamp('2026-11-23T12:00:00.000Z')",
            r#"request.time <= timestamp(r"2026-11-23T14:00:00+02:00")"#,
            r#"timestamp("2026-11-23T06:30:00-05:30") > request.time"#,
            r#"timestamp("2026-11-23T12:00:00Z") >= request.time"#,
            r#"(a && (request . time<timestamp( "2026-11-23T12:00:00Z" ))) // x"#,
            r#"request.time < timestamp("2027-01-01T00:00:00Z") && a && request.time < timestamp("2026-11-23T12:00:00Z")"#,
            r#"request.time < timestamp("\x32026-11-23T12:00:00Z")"#,
        ] {
            assert_eq!(own_end(source), Some(noon), "{source}");
        }
    }

    #[test]
    fn what_is_not_exactly_such_a_term_is_none() {
        for source in [
            "",
            "a",
            "request.time < timestamp(",
            r#"request.time > timestamp("2026-11-23T12:00:00Z")"#,
            r#"timestamp("2026-11-23T12:00:00Z") < request.time"#,
            r#"request.time == timestamp("2026-11-23T12:00:00Z")"#,
            r#"request.time < timestamp("2026-11-23T12:00:00Z") || a"#,
            r#"!(request.time < timestamp("2026-11-23T12:00:00Z"))"#,
            r#"request.time < timestamp("2026-11-23T12:00:00Z") + duration("60s")"#,
            r#"request.time < timestamp(1)"#,
            r#"request.time < timestamp(b"2026-11-23T12:00:00Z")"#,
            r#"request.time < "2026-11-23T12:00:00Z".timestamp()"#,
            r#"has(request.time) < timestamp("2026-11-23T12:00:00Z")"#,
            r#"resource.time < timestamp("2026-11-23T12:00:00Z")"#,
            r#"request.time < timestamp("2026-11-23T12:00:00Z", 1)"#,
        ] {
            assert_eq!(own_end(source), None, "{source}");
        }
    }

    #[test]
    fn what_iam_takes_for_no_timestamp_is_over() {
        for text in [
            "",
            "tomorrow",
            "2026-11-23",
            "2026-11-23T12:00Z",
            "2026-11-23T12:00:00",
            "2026-11-23 12:00:00Z",
            "2026-11-23t12:00:00z",
            "20261123T120000Z",
            "2026-11-23T12:00:00,5Z",
            "2026-11-23T12:00:00.Z",
            "2026-11-23T12:00:00.0000000000Z",
            "2026-11-23T12:00:00+02",
            "2026-11-23T12:00:00+0200",
            "2026-11-23T12:00:00+24:00",
            "2026-11-23T12:00:00+02:60",
            "2026-11-23T12:00:00+0é:0",
            "2026-11-23T12:00:00Z[UTC]",
            "2026-11-23T12:00:00Z ",
            " 2026-11-23T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-12-31T23:59:60Z",
            "+002026-11-23T12:00:00Z",
            "-2026-11-23T12:00:00Z",
            "2026-11-2３T12:00:00Z",
            "9999-12-31T23:59:59-01:00",
        ] {
            let source = format!(r#"request.time < timestamp("{text}")"#);
            assert_eq!(own_end(&source), Some(Timestamp::MIN), "{source}");
        }
    }

    #[test]
    fn the_windows_end_is_the_first_and_one_that_can_be_read() {
        let window = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;
        let end = Some(at("2026-11-23T20:30:00Z"));
        assert_eq!(window_end(window), end);
        for narrowed in [
            r#"request.time < timestamp("2020-01-01T00:00:00Z")"#,
            r#"request.time < timestamp("2027-01-01t00:00:00z")"#,
            "a || b",
        ] {
            assert_eq!(
                window_end(&format!("{window} && ({narrowed})")),
                end,
                "{narrowed}"
            );
        }
        for none in [
            "",
            "true",
            r#"request.time < timestamp("never")"#,
            r#"request.time < timestamp("never") && request.time < timestamp("2020-01-01T00:00:00Z")"#,
            r#"request.time < timestamp("2020-01-01T00:00:00Z") || a"#,
        ] {
            assert_eq!(window_end(none), None, "{none}");
        }
    }

    #[test]
    fn for_ever_is_as_late_as_a_timestamp_can_be() {
        let source = r#"request.time < timestamp("9999-12-31T23:59:59.999Z")"#;
        assert_eq!(own_end(source), Some(Timestamp::MAX));
    }
}
