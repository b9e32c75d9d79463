//! Tokens of a CEL expression, and the bounds that every text passes before it is parsed.
//!
//! Lexical rules: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>. Only what is needed to
//! cut at `&&` is told apart: strings, comments, brackets. A text on which this scan and the parser differ is
//! caught where their results are compared.

use std::ops::Range;

/// The longest expression that is parsed, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 4096;

/// The deepest nesting of `(`, `[` and `{` that is parsed.
pub const MAX_DEPTH: usize = 20;

/// The most operator tokens that are parsed: every `.`, `!`, `?`, `in`, `&&`, `+`, `,`, opening bracket and so on;
/// only closing brackets are not counted.
pub const MAX_OPERATOR_TOKENS: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Identifier, keyword or number (`1.5` is two words and an operator: nothing here needs to know better).
    Word,
    /// String or bytes literal with its prefix and quotes.
    Text,
    Open,
    Close,
    /// `&&`
    And,
    /// `,` and `:`
    Separator,
    Operator,
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Bytes of the source.
    pub(super) range: Range<usize>,
}

/// The tokens of `source`, if it is within the bounds: beyond them the parser overflows the stack, which ends
/// the process. The error is a sentence.
pub(super) fn scan(source: &str) -> Result<Vec<Token>, String> {
    if source.len() > MAX_EXPRESSION_BYTES {
        return Err(format!(
            "The expression is {} bytes long; at most {MAX_EXPRESSION_BYTES} can be read.",
            source.len()
        ));
    }
    let tokens = tokens(source)?;
    let (mut depth, mut operators) = (0_usize, 0_usize);
    for token in &tokens {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!(
                "The expression nests brackets more than {MAX_DEPTH} deep; such an expression is not read."
            ));
        }
        let operator = match token.kind {
            Kind::Open | Kind::And | Kind::Separator | Kind::Operator => true,
            Kind::Word => &source[token.range.clone()] == "in",
            Kind::Text | Kind::Close | Kind::Comment => false,
        };
        operators += usize::from(operator);
    }
    if operators > MAX_OPERATOR_TOKENS {
        return Err(format!(
            "The expression has {operators} operators; at most {MAX_OPERATOR_TOKENS} can be read."
        ));
    }
    Ok(tokens)
}

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let (kind, length) = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'\x0C' => {
                at += 1;
                continue;
            }
            // To this grammar `\r` does not end a comment.
            b'/' if rest.starts_with(b"//") => (
                Kind::Comment,
                rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            ),
            b'"' | b'\'' => (Kind::Text, string(rest, false)?),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => word_or_prefixed_string(rest)?,
            b'(' | b'[' | b'{' => (Kind::Open, 1),
            b')' | b']' | b'}' => (Kind::Close, 1),
            b',' | b':' => (Kind::Separator, 1),
            // A quoted identifier may contain `//` and brackets; the parser refuses it anyway.
            b'`' => {
                return Err(
                    "The expression contains a back-tick, which IAM conditions do not have.".into(),
                );
            }
            _ if rest.starts_with(b"&&") => (Kind::And, 2),
            _ if [&b"||"[..], b"==", b"!=", b"<=", b">="]
                .iter()
                .any(|two| rest.starts_with(two)) =>
            {
                (Kind::Operator, 2)
            }
            // Also what is no token of CEL at all: the parser refuses it.
            _ => (
                Kind::Operator,
                source[at..].chars().next().map_or(1, char::len_utf8),
            ),
        };
        tokens.push(Token {
            kind,
            range: at..at + length,
        });
        at += length;
    }
    Ok(tokens)
}

fn word_or_prefixed_string(rest: &[u8]) -> Result<(Kind, usize), String> {
    let length = rest
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
        .unwrap_or(rest.len());
    let quoted = matches!(rest.get(length), Some(b'"' | b'\''));
    let raw = match &rest[..length] {
        b"b" | b"B" => false,
        b"r" | b"R" | b"br" | b"bR" | b"Br" | b"BR" => true,
        _ => return Ok((Kind::Word, length)),
    };
    if quoted {
        Ok((Kind::Text, length + string(&rest[length..], raw)?))
    } else {
        Ok((Kind::Word, length))
    }
}

/// The length of the string literal at the start of `rest`, quotes included.
fn string(rest: &[u8], raw: bool) -> Result<usize, String> {
    let quote = rest[0];
    let triple = rest.len() >= 3 && rest[..3].iter().all(|b| *b == quote);
    let closing: &[u8] = if triple { &rest[..3] } else { &rest[..1] };
    let mut at = closing.len();
    while let Some(&byte) = rest.get(at) {
        if rest[at..].starts_with(closing) {
            return Ok(at + closing.len());
        }
        at += match byte {
            b'\\' if !raw => 2,
            b'\n' | b'\r' if !triple => break,
            _ => 1,
        };
    }
    // `"""a"`, to CEL an empty string and another one, ends here too: no expression has two side by side.
    Err("The expression has a string that is not closed.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens' texts; comments are shown as `#`.
    fn texts(source: &str) -> Vec<&str> {
        scan(source)
            .unwrap()
            .into_iter()
            .map(|t| {
                if t.kind == Kind::Comment {
                    "#"
                } else {
                    &source[t.range]
                }
            })
            .collect()
    }

    #[test]
    fn strings_hide_what_looks_like_syntax() {
        for text in [
            r#""a && b""#,
            r"'a) && (b'",
            r#""// no comment""#,
            r#""\" && ""#,
            r#""\\""#,
            r#"r"\""#,
            r#"R'\'"#,
            r#"b"&&""#,
            r#"bR"\""#,
            r#""""a " && "" b""""#,
            "'''a\n && b'''",
            r#"r"""\ && """"#,
            r#""""\""" && """"#,
            r#""""#,
            r#""grüße && ✌""#,
        ] {
            let source = format!("x == {text} && y");
            assert_eq!(texts(&source), ["x", "==", text, "&&", "y"], "{source}");
        }
    }

    #[test]
    fn a_word_before_a_quote_is_a_prefix_only_if_cel_says_so() {
        // `rb` is no prefix: to CEL an identifier and an ordinary string, in which `\"` is an escape.
        assert_eq!(texts(r#"rb"\"" x"#), ["rb", r#""\"""#, "x"]);
        assert_eq!(texts(r#"xr"\"" x"#), ["xr", r#""\"""#, "x"]);
    }

    #[test]
    fn a_comment_ends_at_a_line_feed_and_nowhere_else() {
        assert_eq!(texts("a // b && c\n&& d"), ["a", "#", "&&", "d"]);
        assert_eq!(texts("a // b\r&& c"), ["a", "#"]);
        assert_eq!(texts("a / b"), ["a", "/", "b"]);
    }

    #[test]
    fn what_is_not_closed_or_not_iam_is_refused() {
        for source in [r#""a"#, "'a\n'", r#""""a"#, r#""a\"#, r#"r"a"#, "a.`b`"] {
            assert!(scan(source).is_err(), "{source}");
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        assert!(scan(&"a".repeat(MAX_EXPRESSION_BYTES)).is_ok());
        assert!(
            scan(&"a".repeat(MAX_EXPRESSION_BYTES + 1))
                .unwrap_err()
                .contains("4097")
        );
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")")] {
            let nested = |n: usize| format!("{}a{}", open.repeat(n), close.repeat(n));
            assert!(scan(&nested(MAX_DEPTH)).is_ok());
            assert!(scan(&nested(MAX_DEPTH + 1)).is_err());
        }
        for operator in [
            ".a", "[0]", "!", "-", ",a", " in a", "&&a", "||a", "+a", "==a",
        ] {
            assert!(
                scan(&operator.repeat(MAX_OPERATOR_TOKENS)).is_ok(),
                "{operator}"
            );
            assert!(
                scan(&operator.repeat(MAX_OPERATOR_TOKENS + 1)).is_err(),
                "{operator}"
            );
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_are_not_depth() {
        let source = format!("'{}' // {}", "(".repeat(100), "[".repeat(100));
        assert!(scan(&source).is_ok());
    }
}
