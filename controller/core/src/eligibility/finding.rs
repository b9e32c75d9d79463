//! Bindings that were meant to make somebody eligible and do not, or not as meant.

use std::fmt;

use crate::visible_text::shown;

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
}
