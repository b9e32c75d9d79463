//! The query language of Cloud Asset's searches, as far as it is used: `field:value`, `field=value`, alternatives in
//! parentheses, quotes, a `*` at the end of a value, and free text; terms beside each other must all match.

use crate::errors::ApiError;

/// One term.
#[derive(Debug, PartialEq)]
pub struct Term {
    /// The field's name; none for free text.
    pub field: Option<String>,
    exact: bool,
    alternatives: Vec<String>,
}

impl Term {
    /// Whether one of the texts matches. Without `=` a value matches where its words stand one after another.
    pub fn matches<'a>(&self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        texts.any(|text| {
            self.alternatives.iter().any(|value| {
                if self.exact {
                    value == text
                } else {
                    contains_words(text, value)
                }
            })
        })
    }
}

/// Reads a query.
///
/// # Errors
/// 400 for what is not well-formed, or negated, which is not simulated.
pub fn parse(query: &str) -> Result<Vec<Term>, ApiError> {
    let mut rest = query.trim_start();
    let mut terms = Vec::new();
    while !rest.is_empty() {
        let name_end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let operator = after.chars().next().filter(|c| matches!(c, ':' | '='));
        let (field, exact, value) = match operator {
            Some(operator) if !name.is_empty() => (
                Some(name.to_owned()),
                operator == '=',
                after[1..].trim_start(),
            ),
            _ => (None, false, rest),
        };
        let (alternatives, after) = values(value)?;
        rest = after.trim_start();
        if field.is_none() && alternatives == ["AND"] {
            continue;
        }
        if field.is_none() && (alternatives == ["NOT"] || alternatives == ["OR"]) {
            return Err(ApiError::invalid(
                "Query syntax error: NOT, and OR outside of parentheses, are not simulated.",
            ));
        }
        terms.push(Term {
            field,
            exact,
            alternatives,
        });
    }
    Ok(terms)
}

/// One value, or alternatives in parentheses; and what follows.
fn values(text: &str) -> Result<(Vec<String>, &str), ApiError> {
    let Some(inner) = text.strip_prefix('(') else {
        let (value, rest) = value(text)?;
        return Ok((vec![value], rest));
    };
    let mut rest = inner.trim_start();
    let mut found = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return Ok((found, after));
        }
        let (value, after) = value(rest)?;
        rest = after.trim_start();
        if value != "OR" {
            found.push(value);
        }
    }
}

fn value(text: &str) -> Result<(String, &str), ApiError> {
    let wrong = || ApiError::invalid(format!("Query syntax error near: {text}"));
    if let Some(inner) = text.strip_prefix('"') {
        let (value, rest) = inner.split_once('"').ok_or_else(wrong)?;
        return Ok((value.to_owned(), rest));
    }
    let end = text
        .find(|c: char| c.is_whitespace() || c == '(' || c == ')')
        .unwrap_or(text.len());
    if end == 0 {
        return Err(wrong());
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

fn contains_words(text: &str, value: &str) -> bool {
    let prefix = value.ends_with('*');
    let value = words(value);
    let Some(first) = value.first() else {
        return prefix;
    };
    // Nearly all texts of a large organization end here.
    if !text.to_lowercase().contains(first) {
        return false;
    }
    let text = words(text);
    let last = value.len() - 1;
    text.windows(value.len()).any(|window| {
        window
            .iter()
            .zip(&value)
            .enumerate()
            .all(|(index, (word, wanted))| {
                if prefix && index == last {
                    word.starts_with(wanted)
                } else {
                    word == wanted
                }
            })
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(query: &str, text: &str) -> bool {
        let terms = parse(query).unwrap();
        !terms.is_empty() && terms.iter().all(|term| term.matches([text].into_iter()))
    }

    #[test]
    fn values_match_whole_words_in_order() {
        assert!(matches("policy:amy@gmail.com", "user:amy@gmail.com"));
        assert!(!matches("policy:amy@gmail.com", "user:amyx@gmail.com"));
        assert!(
            matches("policy:comp*", "roles/compute.admin")
                && !matches("policy:comp", "roles/compute.admin")
        );
        assert!(matches(r#"policy:"jit-access""#, "jit-access 0b1c"));
        assert!(matches(
            r#"policy:("user:a@x.com" OR "user:b@x.com")"#,
            "user:b@x.com"
        ));
        assert!(!matches(
            "policy:a@x.com AND policy:b@x.com",
            "user:b@x.com"
        ));
        assert!(
            matches("resource=//x/projects/a", "//x/projects/a")
                && !matches("resource=//x/projects/a", "//x/projects/ab")
        );
        assert!(matches("compute", "roles/compute.admin"));
    }

    #[test]
    fn bad_queries_are_refused() {
        for bad in [
            "policy:\"a",
            "policy:(a OR b",
            "policy:",
            "NOT policy:a",
            "policy:a OR policy:b",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, 400, "{bad}");
        }
        assert_eq!(parse("  ").unwrap(), []);
    }
}
