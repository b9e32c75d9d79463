//! Bindings that were meant to make somebody eligible and do not, or not as meant.

use std::fmt;

/// Longest piece of somebody else's policy that is quoted, in characters.
const QUOTE_LENGTH: usize = 120;

/// Something about a binding that an administrator should know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Finding {
    /// Where the binding stands.
    pub resource: String,
    /// Its role; empty if it has none that can be read.
    pub role: String,
    /// Title of its condition; may be empty.
    pub title: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a binding", shown(&self.resource))?;
        if !self.role.is_empty() {
            write!(f, " of {}", shown(&self.role))?;
        }
        if !self.title.is_empty() {
            write!(f, " titled \"{}\"", shown(&self.title))?;
        }
        write!(f, " {}", self.problem)
    }
}

/// Text of somebody else's policy as it can be shown in a log or a status: cut, and without
/// control and direction characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(QUOTE_LENGTH)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(QUOTE_LENGTH).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_binding_and_why() {
        let mut finding = Finding {
            resource: "projects/web-prod".to_owned(),
            role: "roles/viewer".to_owned(),
            title: "jit".to_owned(),
            problem: "is odd".to_owned(),
        };
        assert_eq!(
            finding.to_string(),
            "projects/web-prod: a binding of roles/viewer titled \"jit\" is odd"
        );
        finding.role.clear();
        finding.title.clear();
        assert_eq!(finding.to_string(), "projects/web-prod: a binding is odd");
    }

    #[test]
    fn attack_17_hostile_text_is_cut_and_escaped() {
        let hostile = format!("a\n\u{1b}[31m\u{202e}\"{}", "x".repeat(1_000_000));
        let text = shown(&hostile);
        assert!(
            text.starts_with("a\\n\\u{1b}[31m\\u{202e}\\\"xxx"),
            "{text}"
        );
        assert!(text.ends_with("x…"), "{text}");
        assert!(text.chars().count() < 150, "{text}");
    }
}
