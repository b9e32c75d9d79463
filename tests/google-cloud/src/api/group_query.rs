//! The query language of Cloud Identity's group searches: terms of a few forms joined by `&&`.

use crate::errors::ApiError;

/// A query, read.
#[derive(Debug, Default, PartialEq)]
pub struct GroupQuery {
    /// The e-mail of `member_key_id == '…'`, in lower case.
    pub member: Option<String>,
    /// The labels of `'…' in labels`.
    pub labels: Vec<String>,
}

impl GroupQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 for a term of another form.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self::default();
        for term in conjuncts(query) {
            let wrong = || ApiError::invalid(format!("Error(4003): Invalid query term: {term}."));
            let term = term.trim();
            if let Some((text, rest)) = quoted(term) {
                if rest.split_whitespace().ne(["in", "labels"]) {
                    return Err(wrong());
                }
                parsed.labels.push(text);
                continue;
            }
            let (name, value) = term.split_once("==").ok_or_else(wrong)?;
            let (value, rest) = quoted(value.trim()).ok_or_else(wrong)?;
            if !rest.trim().is_empty() {
                return Err(wrong());
            }
            match name.trim() {
                "member_key_id" => parsed.member = Some(value.to_ascii_lowercase()),
                "parent" | "member_key_namespace" => {}
                _ => return Err(wrong()),
            }
        }
        Ok(parsed)
    }
}

/// The parts between `&&` outside of quotes.
fn conjuncts(query: &str) -> Vec<&str> {
    let bytes = query.as_bytes();
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    let mut quote = None;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'&') if bytes.get(at + 1) == Some(&b'&') => {
                parts.push(&query[start..at]);
                start = at + 2;
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&query[start..]);
    parts
}

/// The string literal at the beginning, without escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            c if c == quote => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_forms_are_read() {
        let full = "member_key_id == 'O\\'Neil@example.com' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels && parent == 'customers/C01'";
        let parsed = GroupQuery::parse(full).unwrap();
        assert_eq!(parsed.member.as_deref(), Some("o'neil@example.com"));
        assert_eq!(
            parsed.labels,
            ["cloudidentity.googleapis.com/groups.discussion_forum"]
        );
        let tight = GroupQuery::parse("member_key_id=='a&&b@example.com'&&'x' in labels").unwrap();
        assert_eq!(tight.member.as_deref(), Some("a&&b@example.com"));
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "",
            "member_key_id == alice",
            "member_key_id == 'a' || true",
            "'x' in groups",
            "name == 'x'",
            "member_key_id=='a",
        ] {
            assert_eq!(GroupQuery::parse(bad).unwrap_err().code, 400, "{bad}");
        }
    }
}
