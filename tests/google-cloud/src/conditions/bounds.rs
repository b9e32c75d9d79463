//! Bounds on an expression before it reaches the parser, which ends the process on deep input instead of refusing it.

const LONGEST: usize = 4_096;
const DEEPEST: usize = 20;
const MOST_OPERATORS: usize = 500;

/// Whether the parser can be trusted with this text.
///
/// The scan sees code wherever the parser's lexer could: only a literal that is well-formed to its end hides what is
/// in it, and what no well-formed expression has is refused at once.
///
/// # Errors
/// A sentence that names the bound that is exceeded, or what is not well-formed.
pub fn check(source: &str) -> Result<(), String> {
    if source.len() > LONGEST {
        return Err(format!(
            "expression is {} bytes long, at most {LONGEST} are allowed",
            source.len()
        ));
    }
    let bytes = source.as_bytes();
    let (mut at, mut depth, mut operators) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                at = string_end(bytes, at, false).unwrap_or(at + 1);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = bytes[at..]
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(bytes.len(), |length| at + length);
                continue;
            }
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => {
                let end = word_end(bytes, at);
                let word = &bytes[at..end];
                operators += usize::from(word == b"in");
                at = match bytes.get(end) {
                    Some(b'"' | b'\'') => prefixed_string_end(bytes, word, end)?,
                    _ => end,
                };
                continue;
            }
            b'`' => return Err("expression has a back-tick outside of a string".to_owned()),
            b'(' | b'[' | b'{' => {
                depth += 1;
                operators += 1;
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'&' | b'|' | b'=' if bytes.get(at + 1) == Some(&byte) => {
                operators += 1;
                at += 1;
            }
            _ => operators += 1,
        }
        if depth > DEEPEST {
            return Err(format!(
                "expression nests brackets deeper than {DEEPEST} levels"
            ));
        }
        at += 1;
    }
    if operators > MOST_OPERATORS {
        return Err(format!(
            "expression has more than {MOST_OPERATORS} operators"
        ));
    }
    Ok(())
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80))
        .map_or(bytes.len(), |length| start + length)
}

/// The end of a literal with a prefix: `r` for raw, `b` for bytes, or both in this order.
fn prefixed_string_end(bytes: &[u8], prefix: &[u8], quote: usize) -> Result<usize, String> {
    let raw = match prefix.to_ascii_lowercase().as_slice() {
        b"b" => false,
        b"r" | b"br" => true,
        _ => return Err("expression has a word directly before a quote".to_owned()),
    };
    string_end(bytes, quote, raw)
        .ok_or_else(|| "expression has a string that is not well-formed".to_owned())
}

/// The end of the literal whose first quote is at `start`; none if it is not well-formed.
fn string_end(bytes: &[u8], start: usize, raw: bool) -> Option<usize> {
    let quote = bytes[start];
    let triple = [quote; 3];
    if bytes[start..].starts_with(&triple)
        && let Some(end) = body_end(bytes, start + 3, &triple, raw)
    {
        return Some(end);
    }
    body_end(bytes, start + 1, &[quote], raw)
}

fn body_end(bytes: &[u8], start: usize, close: &[u8], raw: bool) -> Option<usize> {
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(close) {
            return Some(at + close.len());
        }
        at += match bytes[at] {
            b'\\' if !raw => escape_length(&bytes[at..])?,
            b'\n' | b'\r' if close.len() == 1 => return None,
            _ => 1,
        };
    }
    None
}

/// The length of the escape at the beginning; none if CEL knows no such escape.
fn escape_length(bytes: &[u8]) -> Option<usize> {
    let digits = |count: usize, digit: fn(&u8) -> bool| {
        bytes
            .get(2..2 + count)
            .filter(|digits| digits.iter().all(digit))
            .map(|_| 2 + count)
    };
    match bytes.get(1)? {
        b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`' => {
            Some(2)
        }
        b'x' | b'X' => digits(2, u8::is_ascii_hexdigit),
        b'u' => digits(4, u8::is_ascii_hexdigit),
        b'U' => digits(8, u8::is_ascii_hexdigit),
        b'0'..=b'3' => digits(2, |digit| (b'0'..=b'7').contains(digit)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_strings_and_comments_does_not_count() {
        let brackets = "(".repeat(50);
        for source in [
            format!("\"{brackets}\" == ''"),
            format!("'''{brackets}'''"),
            format!("true // {brackets}"),
            format!("r\"\\\" == \"{brackets}\""),
            format!("\"\\\"{brackets}\""),
        ] {
            assert_eq!(check(&source), Ok(()), "{source}");
        }
    }

    #[test]
    fn deep_long_and_busy_text_is_refused() {
        assert!(check(&"(".repeat(21)).unwrap_err().contains("deeper"));
        assert!(check(&"a".repeat(4_097)).unwrap_err().contains("4097"));
        assert!(
            check(&format!("a{}", ".b".repeat(501)))
                .unwrap_err()
                .contains("500")
        );
        assert!(
            check(&format!("a{}", " in a".repeat(501)))
                .unwrap_err()
                .contains("500")
        );
        assert!(
            check(&format!("{}true", "!".repeat(501)))
                .unwrap_err()
                .contains("500")
        );
    }

    #[test]
    fn what_is_no_literal_for_the_parser_hides_nothing() {
        let brackets = "(".repeat(21);
        let openings = [
            "'\n",
            "'\r",
            "\"\\q",
            "foor\"\\\"",
            "1r\"\\\"",
            "rb\"\\\"",
            "\u{e9}r\"\\\"",
            "`a//b`",
            "r\"\n",
        ];
        for opening in openings {
            assert!(
                check(&format!("{opening}{brackets}\"'")).is_err(),
                "{opening}"
            );
        }
        assert!(check(&format!("'''{brackets}")).is_err());
    }
}
