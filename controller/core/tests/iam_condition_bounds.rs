//! Attack 28: a condition so deep or long that the parser ends the process, for everybody.
//!
//! A stack overflow is no panic: without the bounds these tests do not fail, they end. They run in
//! whatever profile the tests are built with; an unoptimised build needs the most stack.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::thread;

use jiff::Timestamp;
use jit_access_core::iam_condition::{
    MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_OPERATOR_TOKENS, Reading, Readings, Term, compose,
    compose_without_window, narrowing, own_end, read, same,
};
use proptest::prelude::*;
use proptest::sample::select;

const MARKER: &str = "has({}.jitAccessConstraint)";

/// Half of a tokio worker's stack: the other half is the callers'.
const STACK: usize = 1024 * 1024;

fn on_a_worker<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap()
}

/// Everything that the module does with a text, and with what comes of it. Whether any of it was parsed.
fn use_everything(text: &str) -> bool {
    let marked = format!("{MARKER} && ({text})");
    let reading = Readings::default().read(&marked).clone();
    assert_eq!(reading, read(&marked));
    let _ = format!("{reading:#?}");
    let _ = read(&format!("{text} // jitAccessConstraint"));
    let _ = own_end(&format!(
        "{text} && request.time < timestamp('2026-11-23T20:00:00Z')"
    ));
    let _ = same(text, text);
    let resource_condition = match &reading {
        Reading::Eligible(eligible) => eligible.resource_condition.as_ref(),
        _ => None,
    };
    let narrowed = narrowing(text).ok();
    both(resource_condition, narrowed.as_ref());
    both(None, narrowed.as_ref());
    resource_condition.is_some() || narrowed.is_some()
}

fn both(resource_condition: Option<&Term>, narrowed: Option<&Term>) {
    let (start, end) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let _ = compose(start, end, resource_condition, narrowed);
    let _ = compose_without_window(resource_condition, narrowed);
    // Comparing, printing and dropping a deep tree recurse too.
    assert_eq!(resource_condition, resource_condition.cloned().as_ref());
    assert_eq!(narrowed, narrowed.cloned().as_ref());
    let _ = format!("{narrowed:?}");
}

/// What one level of nesting looks like: before and after the next level, and the operators that it takes.
const NESTED: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("f(", ")"),
    ("{a:", "}"),
    ("{", ":a}"),
    ("a[", "]"),
    ("a.f(", ")"),
    ("T{a:", "}"),
    ("a.T{a:", "}"),
    ("!(", ")"),
    ("-(", ")"),
    ("a?b:(", ")"),
    ("a?(", "):b"),
    ("(", ")?a:b"),
    ("a in [", "]"),
    ("a&&(", ")"),
    ("(", ")||a"),
    ("1+(", ")"),
    ("(", ")*1"),
    ("(", ").a"),
    ("[", "][0]"),
    ("a<(", ")"),
    ("has((", ").a)"),
    ("l.all(x,", ")"),
    ("l.exists(x,", ")"),
    ("l.exists_one(x,", ")"),
    ("l.map(x,", ")"),
    ("l.map(x,x,", ")"),
    ("l.filter(x,", ")"),
    ("[", "].all(x,x)"),
];

/// What can be repeated without nesting: the start, and what is put after or before it.
const REPEATED: &[(&str, &str, &str)] = &[
    ("", "a", ".a"),
    ("", "a", "[0]"),
    ("", "a", ".f()"),
    ("!", "a", ""),
    ("-", "a", ""),
    ("-", "1", ""),
    ("", "a", "--a"),
    ("", "a", "?a:a"),
    ("a?", "a", ":a"),
    ("a?a:", "a", ""),
    ("", "a", " in a"),
    ("", "a", "&&a"),
    ("", "a", "||a"),
    ("", "a", "&&a||a"),
    ("", "a", "+a"),
    ("", "a", "*a"),
    ("", "a", "%a-a"),
    ("", "a", "==a"),
    ("", "a", "<=a"),
    ("", "a", ".all(x,x)"),
    ("", "a", ".map(x,x)"),
    ("", "[a", ",a"),
    ("", "f(a", ",a"),
    ("", "{a:a", ",a:a"),
    ("(", "a", ""),
    ("", "a", ")"),
    ("", "a", "a "),
    ("", "'a'", "'a'"),
];

fn nested(level: (&str, &str), depth: usize, inner: &str) -> String {
    format!("{}{inner}{}", level.0.repeat(depth), level.1.repeat(depth))
}

fn repeated((before, start, after): (&str, &str, &str), times: usize) -> String {
    let closing = match start.chars().next() {
        Some('[') => "]",
        Some('{') => "}",
        Some('f') => ")",
        _ => "",
    };
    format!(
        "{}{start}{}{closing}",
        before.repeat(times),
        after.repeat(times)
    )
}

/// The largest `shape(n)` that passes the bounds also with a marker and parentheses around it: beyond it nothing is
/// parsed.
fn largest(shape: impl Fn(usize) -> String) -> String {
    let passes = |text: &str| {
        !matches!(read(&format!("{MARKER} && ({text})")), Reading::Unreadable(why)
            if why.contains("bytes") || why.contains("deep") || why.contains("operators"))
    };
    let sizes: Vec<usize> = (1..=MAX_EXPRESSION_BYTES).collect();
    shape(sizes.partition_point(|size| passes(&shape(*size))))
}

#[test]
fn attack_28_the_deepest_and_longest_text_of_each_shape_is_survived() {
    let parsed = on_a_worker(|| {
        let mut parsed = 0;
        for level in NESTED {
            parsed += usize::from(use_everything(&largest(|depth| nested(*level, depth, "a"))));
        }
        for shape in REPEATED {
            parsed += usize::from(use_everything(&largest(|times| repeated(*shape, times))));
        }
        parsed
    });
    // Most shapes are valid at their largest, so it was the parser that survived and not the scan that refused.
    assert!(parsed >= 40, "{parsed}");
}

#[test]
fn attack_28_deep_and_long_at_once_is_survived() {
    on_a_worker(|| {
        // All brackets, with the rest of the operators spread over the levels.
        for level in NESTED {
            for chain in [("", "a", "[0]"), ("a?a:", "a", ""), ("", "a", "-a")] {
                use_everything(&largest(|times| {
                    let before = repeated((chain.0, "", ""), times) + level.0;
                    let after = level.1.to_owned() + &chain.2.repeat(times);
                    nested((&before, &after), MAX_DEPTH - 3, "a")
                }));
            }
        }
    });
}

#[test]
fn attack_28_what_is_beyond_the_bounds_is_never_parsed() {
    on_a_worker(|| {
        for times in [MAX_OPERATOR_TOKENS + 1, 10_000, 100_000] {
            for level in NESTED {
                assert!(!use_everything(&nested(*level, times, "a")), "{level:?}");
            }
            // What takes no operator tokens is refused by its length, or by the parser.
            for shape in REPEATED.iter().filter(|shape| !shape.2.contains(',')) {
                assert!(!use_everything(&repeated(*shape, times)), "{shape:?}");
            }
        }
    });
}

#[test]
fn an_error_beyond_column_65535_is_no_panic() {
    let text = format!("{MARKER} && {}&", " ".repeat(70_000));
    assert!(matches!(read(&text), Reading::Unreadable(_)));
    assert!(narrowing(&text).is_err());
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Tokens of CEL, separated by `¦`.
const TOKENS: &str = "(¦)¦[¦]¦{¦}¦.¦,¦:¦?¦!¦-¦+¦*¦/¦%¦<¦<=¦==¦!=¦&&¦||¦ in ¦a¦a¦a¦b.c¦1¦0x¦1u¦1.5e3¦.5¦true¦null\
    ¦'x'¦b'\\xff'¦r'\\'¦ ¦\n¦\r¦has(¦{}¦l.all(x,¦x)¦T{¦while¦has({}.jitAccessConstraint)¦// x\n\
    ¦timestamp('x')¦request.time<¦'\\ud800'¦99999999999999999999";

/// What is no token.
const BROKEN: &str =
    "'¦\"¦'''¦\"\"\"¦r'¦b\"¦\\¦\\x4¦//¦&¦|¦=¦in¦\u{c}¦\0¦é¦✌¦\u{feff}¦`¦#¦jitAccessConstraint";

/// Tokens in any order, and now and then what is none.
fn pieces() -> impl Strategy<Value = &'static str> {
    let one_of = |list: &'static str| select(list.split('¦').collect::<Vec<_>>());
    prop_oneof![60 => one_of(TOKENS), 1 => one_of(BROKEN)]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn attack_28_random_pieces_are_survived(pieces in prop::collection::vec(pieces(), 0..200)) {
        on_a_worker(move || use_everything(&pieces.concat()));
    }

    #[test]
    fn attack_28_random_characters_are_survived(text in any::<String>()) {
        on_a_worker(move || use_everything(&text));
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn attack_28_up_to_100_000_random_characters_are_survived(
        pieces in prop::collection::vec(pieces(), 1..500),
        length in 0..100_000_usize,
    ) {
        let text: String = pieces.concat().chars().cycle().take(length).collect();
        on_a_worker(move || use_everything(&text));
    }
}
