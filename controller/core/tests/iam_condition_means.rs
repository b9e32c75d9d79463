//! Attacks 7, 17 and 27: a condition that means something else than intended.
//!
//! Conditions are made from a grammar and by damaging them, composed, and evaluated. The judge evaluates the
//! original parts, each alone, and never looks at what the module cut or joined.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::HashMap;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::parser::Parser;
use cel::{Context, Value};
use jiff::{Timestamp, ToSpan};
use jit_access_core::iam_condition::{
    MAX_EXPRESSION_BYTES, Reading, Term, compose, narrowing, own_end, read,
};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

const MARKER: &str = "has({}.jitAccessConstraint)";
const START: &str = "2026-11-23T20:00:00Z";
const END: &str = "2026-11-23T20:30:00Z";

// --- the judge

fn at(text: &str) -> Timestamp {
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

fn parse(text: &str) -> IdedExpr {
    Parser::new()
        .parse(text)
        .unwrap_or_else(|_| panic!("is no CEL: {text}"))
}

const MARKER_NAMES: &[&str] = &["jitAccessConstraint", "multiPartyApprovalConstraint"];

/// The tree with every marker true.
fn with_markers_true(mut tree: IdedExpr) -> IdedExpr {
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

// --- the grammar: an expression is its tokens, so that any layout can be put between them

type Tokens = Vec<String>;

fn tokens(text: &str) -> Tokens {
    text.split('¦').map(str::to_owned).collect()
}

/// What is true, false, or an error, in every kind of literal and with whatever could mislead a text search.
const ATOMS: &[&str] = &[
    "true",
    "false",
    "undefined",
    "1 / 0¦==¦1",
    r#"resource¦.¦name¦.¦startsWith¦(¦"projects/_/buckets/a"¦)"#,
    r#"resource¦.¦name¦.¦startsWith¦(¦'projects/_/buckets/b'¦)"#,
    r#"resource¦.¦name¦.¦endsWith¦(¦r"\x"¦)"#,
    r#"resource¦.¦name¦.¦endsWith¦(¦"\x5cx"¦)"#,
    r#"resource¦.¦name¦.¦endsWith¦(¦"\\x"¦)"#,
    r#"resource¦.¦name¦.¦contains¦(¦"é"¦)"#,
    r"resource¦.¦name¦.¦matches¦(¦R'.*\\x$'¦)",
    "resource¦.¦type¦==¦'storage.googleapis.com/Object'",
    "resource¦.¦type¦in¦[¦'a'¦,¦'storage.googleapis.com/Object'¦,¦]",
    "has¦(¦resource¦.¦name¦)",
    "has¦(¦{¦}¦.¦name¦)",
    "request¦.¦time¦.¦getHours¦(¦'Europe/Berlin'¦)¦==¦21",
    "request¦.¦time¦>=¦timestamp¦(¦'2026-11-23T20:10:00Z'¦)",
    "timestamp¦(¦'2026-11-23T20:20:00Z'¦)¦>¦request¦.¦time¦+¦duration¦(¦'1s'¦)",
    r#""a && b // ) \" has({}.jitAccessConstraint)"¦==¦'a && b // ) " has({}.jitAccessConstraint)'"#,
    "'''x'\n&& (\" // '''¦!=¦'x'",
    r#"r"""\"""¦==¦'\\'"#,
    r"b'\377&&'¦==¦B'\xff\x26&'",
    "'✌'¦==¦'\\u270c'",
    "[¦1¦,¦2¦]¦.¦exists¦(¦x¦,¦x¦>¦1¦)",
    "[¦1¦,¦2¦]¦.¦all¦(¦x¦,¦x¦>¦1¦)",
    "{¦'&&'¦:¦1¦}¦[¦'&&'¦]¦==¦1",
    "size¦(¦resource¦.¦name¦)¦>¦-¦1",
];

fn wrapped(before: &str, tokens: Tokens, after: &str) -> Tokens {
    [vec![before.to_owned()], tokens, vec![after.to_owned()]].concat()
}

fn joined(terms: &[Tokens], operator: &str) -> Tokens {
    terms.join(&operator.to_owned())
}

/// An expression that can be an operand of `&&` without parentheses of its own.
fn operand() -> impl Strategy<Value = Tokens> {
    let atom = select(ATOMS).prop_map(tokens);
    atom.prop_recursive(3, 12, 3, |inner| {
        let inner = inner.boxed();
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            inner.clone().prop_map(|e| wrapped("(", e, ")")),
            inner
                .clone()
                .prop_map(|e| wrapped("!", wrapped("(", e, ")"), "")),
            several
                .clone()
                .prop_map(|terms| wrapped("(", joined(&terms, "||"), ")")),
            several
                .clone()
                .prop_map(|terms| wrapped("(", joined(&terms, "&&"), ")")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| {
                let rest = joined(&[joined(&[a, b], "?"), c], ":");
                wrapped("(", rest, ")")
            }),
        ]
    })
}

/// Any expression: also an `||` or a `?:` without parentheses.
fn expression() -> impl Strategy<Value = Tokens> {
    prop_oneof![
        3 => operand(),
        1 => prop::collection::vec(operand(), 2..4).prop_map(|terms| joined(&terms, "||")),
        1 => prop::collection::vec(operand(), 2..4).prop_map(|terms| joined(&terms, "&&")),
        1 => (operand(), operand(), operand())
            .prop_map(|(a, b, c)| joined(&[joined(&[a, b], "?"), c], ":")),
    ]
}

/// What may stand between two tokens, in one line.
const SPACES: &[&str] = &["", " ", "  "];

/// … and in the condition of a binding.
const LAYOUT: &[&str] = &[
    "",
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\u{c}\r\n",
    "// c\n",
    " // ) && (\n",
    "//\"\n",
    "// ''' \\\n",
    " // has({}.jitAccessConstraint) || \r true\n",
    "//é\n",
];

fn laid_out(tokens: &[String], layout: &[&str]) -> String {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut text = String::new();
    for (token, space) in tokens
        .iter()
        .filter(|t| !t.is_empty())
        .zip(layout.iter().cycle())
    {
        let touching = is_word(text.chars().last()) && is_word(token.chars().next());
        text.push_str(if space.is_empty() && touching {
            " "
        } else {
            space
        });
        text.push_str(token);
    }
    text.push_str(layout.last().copied().unwrap_or_default());
    text
}

fn layout(spaces: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(spaces), 1..12)
}

fn narrowing_text() -> impl Strategy<Value = String> {
    let one_line = expression().prop_filter("one line", |tokens| !tokens.concat().contains('\n'));
    (one_line, layout(SPACES)).prop_map(|(tokens, layout)| laid_out(&tokens, &layout))
}

/// The terms of a binding's condition, some of them in parentheses together.
fn conjunction(terms: Vec<Tokens>, from: Index, to: Index) -> Tokens {
    let (from, to) = (from.index(terms.len()), to.index(terms.len()));
    if from >= to {
        return joined(&terms, "&&");
    }
    let mut terms = terms;
    let group: Vec<Tokens> = terms.drain(from..=to).collect();
    terms.insert(from, wrapped("(", joined(&group, "&&"), ")"));
    joined(&terms, "&&")
}

// --- what is shown

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Composes, and compares with the parts at every instant; a refusal must be one of a limit.
fn assert_means(
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

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn attack_27_a_grant_is_true_exactly_when_window_and_all_conditions_are(
        parts in prop::collection::vec(operand(), 0..4),
        ends in subsequence(vec!["2026-11-23T20:20:00Z", "2026-11-23T21:00:00Z"], 0..=2),
        marker_at in any::<Index>(),
        (from, to) in any::<(Index, Index)>(),
        layout in layout(LAYOUT),
        narrowed in prop::option::of(narrowing_text()),
    ) {
        let mut judged: Vec<IdedExpr> = parts.iter().map(|part| parse(&laid_out(part, &[" "]))).collect();
        let mut terms = parts;
        for end in &ends {
            let term = format!("request¦.¦time¦<¦timestamp¦(¦'{end}'¦)");
            judged.push(parse(&laid_out(&tokens(&term), &[" "])));
            terms.insert(terms.len() / 2, tokens(&term));
        }
        let marker = tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)");
        terms.insert(marker_at.index(terms.len() + 1), marker);
        let condition = laid_out(&conjunction(terms, from, to), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);

        let Reading::Eligible(eligible) = read(&condition) else {
            return Err(TestCaseError::fail(format!("{:?}: {condition}", read(&condition))));
        };
        prop_assert_eq!((eligible.self_approval, eligible.peer_approval), (true, false));
        prop_assert_eq!(eligible.end, ends.iter().map(|end| at(end)).min());
        let end = eligible.end.map_or(at(END), |own| own.min(at(END)));
        let narrowed = narrowed.map(|text| narrowing(&text).map_err(|why| format!("{why} {text}")).unwrap());
        judged.extend(narrowed.as_ref().map(|term| parse(term.text())));
        assert_means(eligible.resource_condition.as_ref(), narrowed.as_ref(), end, &judged)?;
    }

    #[test]
    fn a_marker_below_the_top_level_makes_nothing_eligible(
        others in prop::collection::vec(operand(), 1..4),
        misplaced in select(vec![
            "(¦M¦||¦E¦)", "(¦E¦&&¦E¦||¦M¦)", "!¦M", "!¦(¦M¦)", "!¦!¦M", "f¦(¦M¦)", "(¦M¦?¦E¦:¦E¦)", "(¦E¦?¦M¦:¦E¦)",
            "M¦==¦true", "[¦M¦]¦[¦0¦]", "{¦1¦:¦M¦}¦[¦1¦]", "[¦1¦]¦.¦all¦(¦x¦,¦M¦)", "HAS¦(¦{¦}¦.¦jitAccessConstraint¦)",
            "{¦}¦.¦jitAccessConstraint", "has¦(¦resource¦.¦jitAccessConstraint¦)", "(¦E¦&&¦!¦(¦E¦||¦M¦)¦)",
        ]),
        marker in select(vec![
            "jitAccessConstraint", "JITACCESSCONSTRAINT", "multiPartyApprovalConstraint", "multipartyapprovalconstraint",
        ]),
        also_well_placed in any::<bool>(),
        place in any::<Index>(),
        (from, to) in any::<(Index, Index)>(),
        layout in layout(LAYOUT),
    ) {
        let inner = others[0].clone();
        let misplaced = misplaced.split('¦').flat_map(|token| match token {
            "M" => tokens(&format!("has¦(¦{{¦}}¦.¦{marker}¦)")),
            "E" => inner.clone(),
            other => vec![other.to_owned()],
        });
        let mut terms = others.clone();
        terms.insert(place.index(terms.len() + 1), misplaced.collect());
        if also_well_placed {
            terms.push(tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        }
        let condition = laid_out(&conjunction(terms, from, to), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);
        prop_assert_eq!(read(&condition), Reading::MarkerNotTopLevel, "{}", condition);
    }

    #[test]
    fn a_marker_under_an_or_of_the_whole_makes_nothing_eligible(
        before in prop::collection::vec(operand(), 0..3),
        after in operand(),
        layout in layout(LAYOUT),
    ) {
        let mut terms = before;
        terms.push(tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        let condition = laid_out(&joined(&[joined(&terms, "&&"), after], "||"), &layout);
        prop_assume!(condition.len() <= MAX_EXPRESSION_BYTES);
        prop_assert_eq!(read(&condition), Reading::MarkerNotTopLevel, "{}", condition);
    }
}

/// What an attacker would put into a condition.
fn injection() -> impl Strategy<Value = &'static str> {
    select(vec![
        ")",
        "(",
        ") || (",
        ") || (true",
        "true) || (true",
        "//",
        " // ",
        "/",
        "\n",
        "\r",
        "\r// x\r|| true",
        "\"",
        "'",
        "'''",
        "\"\"\"",
        "r'",
        "b\"",
        "\\",
        "\\\"",
        "\\'",
        "&&",
        "||",
        "|| true",
        "&& true",
        "?",
        ":",
        "true ? ",
        " : true",
        "!",
        "!!",
        "-",
        ",",
        "[",
        "]",
        "{",
        "}",
        ".",
        " in ",
        "\0",
        "\u{c}",
        "\u{2028}",
        "é",
        "`",
        ";",
        "has({}.jitAccessConstraint)",
        "&& has({}.jitAccessConstraint)",
        "jitAccessConstraint",
        "HAS({}.x)",
        "true",
        "request.time < timestamp('2100-01-01T00:00:00Z')",
        "|| request.time > timestamp('2000-01-01T00:00:00Z')",
    ])
}

#[derive(Debug, Clone)]
enum Damage {
    Insert(Index, &'static str),
    Delete(Index, usize),
    Repeat(Index, usize),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        4 => (any::<Index>(), injection()).prop_map(|(place, text)| Damage::Insert(place, text)),
        1 => (any::<Index>(), 1..6_usize).prop_map(|(place, length)| Damage::Delete(place, length)),
        1 => (any::<Index>(), 1..20_usize).prop_map(|(place, length)| Damage::Repeat(place, length)),
    ];
    prop::collection::vec(one, 0..4)
}

fn damaged(text: &str, damage: Vec<Damage>) -> String {
    damage.into_iter().fold(text.to_owned(), |text, damage| {
        let characters: Vec<char> = text.chars().collect();
        let (place, deleted, inserted) = match damage {
            Damage::Insert(place, inserted) => (place, 0, inserted.to_owned()),
            Damage::Delete(place, length) => (place, length, String::new()),
            Damage::Repeat(place, length) => {
                let from = place.index(characters.len() + 1);
                (
                    place,
                    0,
                    characters.iter().skip(from).take(length).collect(),
                )
            }
        };
        let from = place.index(characters.len() + 1);
        let (before, after) = characters.split_at(from);
        before
            .iter()
            .copied()
            .chain(inserted.chars())
            .chain(after.iter().copied().skip(deleted))
            .collect()
    })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn attack_17_a_damaged_narrowing_is_refused_or_narrows(
        text in narrowing_text(),
        damage in damage(),
        resource in prop::option::of(operand()),
    ) {
        let text = damaged(&text, damage);
        let Ok(narrowed) = narrowing(&text) else { return Ok(()) };
        let mut judged = vec![parse(&text)];
        let resource_condition = resource.and_then(|tokens| {
            let resource = laid_out(&tokens, &[" "]);
            judged.push(parse(&resource));
            match read(&format!("{MARKER} && {resource}")) {
                Reading::Eligible(eligible) => eligible.resource_condition,
                other => panic!("{other:?}: {resource}"),
            }
        });
        assert_means(resource_condition.as_ref(), Some(&narrowed), at(END), &judged)?;
    }

    #[test]
    fn attack_17_random_text_is_refused_or_narrows(pieces in prop::collection::vec(injection(), 1..8)) {
        let text = pieces.concat();
        if let Ok(narrowed) = narrowing(&text) {
            assert_means(None, Some(&narrowed), at(END), &[parse(&text)])?;
        }
    }

    #[test]
    fn attack_7_a_narrowing_that_names_a_marker_is_refused(
        before in narrowing_text(),
        after in narrowing_text(),
        operator in select(vec!["&&", "||", "&& !", "== ", "? true :"]),
        marker in select(vec![MARKER, "has({}.JitAccessConstraint)", "has( { } . multiPartyApprovalConstraint )"]),
    ) {
        for text in [
            format!("({before}) {operator} {marker}"),
            format!("{marker} && ({after})"),
            format!("({before}) || [{marker} && ({after})][0]"),
        ] {
            prop_assert!(narrowing(&text).is_err(), "{}", text);
        }
    }

    #[test]
    fn attack_27_a_damaged_eligible_condition_grants_no_more_than_it_says(
        parts in prop::collection::vec(operand(), 1..4),
        place in any::<Index>(),
        layout in layout(LAYOUT),
        damage in damage(),
    ) {
        let mut terms = parts;
        terms.insert(place.index(terms.len() + 1), tokens("has¦(¦{¦}¦.¦jitAccessConstraint¦)"));
        let text = damaged(&laid_out(&joined(&terms, "&&"), &layout), damage);
        let Reading::Eligible(eligible) = read(&text) else { return Ok(()) };
        let end = eligible.end.map_or(at(END), |own| own.min(at(END)));
        assert_means(eligible.resource_condition.as_ref(), None, end, &[with_markers_true(parse(&text))])?;
    }
}
