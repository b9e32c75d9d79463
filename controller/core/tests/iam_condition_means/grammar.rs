//! Makes expressions: one is its tokens, so that any layout can be put between them.

use proptest::prelude::*;
use proptest::sample::{Index, select};

type Tokens = Vec<String>;

pub(super) fn tokens(text: &str) -> Tokens {
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

pub(super) fn joined(terms: &[Tokens], operator: &str) -> Tokens {
    terms.join(&operator.to_owned())
}

/// An expression that can be an operand of `&&` without parentheses of its own.
pub(super) fn operand() -> impl Strategy<Value = Tokens> {
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
pub(super) const LAYOUT: &[&str] = &[
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

pub(super) fn laid_out(tokens: &[String], layout: &[&str]) -> String {
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

pub(super) fn layout(spaces: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(spaces), 1..12)
}

pub(super) fn narrowing_text() -> impl Strategy<Value = String> {
    let one_line = expression().prop_filter("one line", |tokens| !tokens.concat().contains('\n'));
    (one_line, layout(SPACES)).prop_map(|(tokens, layout)| laid_out(&tokens, &layout))
}

/// The terms of a binding's condition, some of them in parentheses together.
pub(super) fn conjunction(terms: Vec<Tokens>, from: Index, to: Index) -> Tokens {
    let (from, to) = (from.index(terms.len()), to.index(terms.len()));
    if from >= to {
        return joined(&terms, "&&");
    }
    let mut terms = terms;
    let group: Vec<Tokens> = terms.drain(from..=to).collect();
    terms.insert(from, wrapped("(", joined(&group, "&&"), ")"));
    joined(&terms, "&&")
}
