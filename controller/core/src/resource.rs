//! Names of Google Cloud resources that hold an IAM policy.

use std::fmt;

/// `projects/ID`, `folders/NUMBER` or `organizations/NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceName(String);

impl ResourceName {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence that says what a name looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let valid = match text.split_once('/') {
            Some(("projects", id)) => is_project_id(id),
            Some(("folders" | "organizations", number)) => is_number(number),
            _ => false,
        };
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "\"{}\" must be projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER",
                text.escape_debug()
            ))
        }
    }

    /// The name as Google's APIs take it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A project ID: 6 to 30 characters, with the prefix `DOMAIN:` in projects of old Google Apps domains
/// (Resource Manager v3, `Project.projectId`).
pub(crate) fn is_project_id(text: &str) -> bool {
    let (domain, id) = match text.split_once(':') {
        Some((domain, id)) => (Some(domain), id),
        None => (None, text),
    };
    let lower_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let domain_valid = domain.is_none_or(|domain| {
        domain.len() >= 2
            && domain.as_bytes()[0].is_ascii_lowercase()
            && lower_or_digit(domain.as_bytes()[domain.len() - 1])
            && domain
                .bytes()
                .all(|byte| lower_or_digit(byte) || byte == b'.' || byte == b'-')
    });
    domain_valid
        && (6..=30).contains(&id.len())
        && id.as_bytes()[0].is_ascii_lowercase()
        && lower_or_digit(id.as_bytes()[id.len() - 1])
        && id.bytes().all(|byte| lower_or_digit(byte) || byte == b'-')
}

/// The number of a folder or an organization, in the one way to write it.
pub(crate) fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for valid in [
            "projects/web-prod",
            "projects/example.com:web-prod",
            "folders/1",
            "organizations/12345678901234567890",
        ] {
            assert_eq!(ResourceName::parse(valid).unwrap().as_str(), valid);
        }
        for invalid in [
            "",
            "projects",
            "projects/",
            "projects/short",
            "projects/Web-Prod",
            "projects/web-prod-",
            "projects/web-prod/",
            "projects/web_prod",
            "projects/123456",
            "projects/.com:web-prod",
            "folders/x",
            "organizations/123456789012345678901",
            "buckets/web-prod",
            "projects/web-prod\n",
        ] {
            assert!(ResourceName::parse(invalid).is_err(), "{invalid}");
        }
    }
}
