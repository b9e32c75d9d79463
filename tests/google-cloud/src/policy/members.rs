//! Members of a binding: their types and how Google writes them.

use crate::errors::ApiError;

/// Whether this has the form of an e-mail address.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_graphic() && !"@?:,;<>()[]\"'".contains(c))
    };
    plain(local) && plain(domain) && is_domain(domain)
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// The member as Google stores it: e-mail addresses and domains in lower case.
///
/// # Errors
/// 400 for an unknown type, a bad address, and for `allUsers` and `allAuthenticatedUsers`, which Resource Manager
/// does not take. The sentences are assumed.
pub fn canonical(member: &str) -> Result<String, ApiError> {
    if member == "allUsers" || member == "allAuthenticatedUsers" {
        return Err(ApiError::invalid(format!(
            "The member {member} cannot be granted roles on this resource."
        )));
    }
    let unknown = || {
        ApiError::invalid(format!(
            "The member {member} is of an unknown type. Please set the correct type, for example user:, group: or serviceAccount:."
        ))
    };
    let (kind, id) = member.split_once(':').ok_or_else(unknown)?;
    let invalid = || {
        ApiError::invalid(format!(
            "Invalid principal: {member} has no valid identifier."
        ))
    };
    match kind {
        "user" | "group" | "serviceAccount" if is_email(id) => {
            Ok(format!("{kind}:{}", id.to_ascii_lowercase()))
        }
        "domain" if is_domain(id) => Ok(format!("domain:{}", id.to_ascii_lowercase())),
        "principal" | "principalSet" if id.starts_with("//") && id.len() > 2 => {
            Ok(member.to_owned())
        }
        "deleted" => {
            let (kind, rest) = id.split_once(':').ok_or_else(invalid)?;
            let (email, uid) = rest.split_once("?uid=").ok_or_else(invalid)?;
            let known = matches!(kind, "user" | "group" | "serviceAccount");
            if known && is_email(email) && !uid.is_empty() {
                Ok(format!(
                    "deleted:{kind}:{}?uid={uid}",
                    email.to_ascii_lowercase()
                ))
            } else {
                Err(invalid())
            }
        }
        "user" | "group" | "serviceAccount" | "domain" | "principal" | "principalSet" => {
            Err(invalid())
        }
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_lower_case() {
        assert_eq!(
            canonical("user:Alice@Example.COM").unwrap(),
            "user:alice@example.com"
        );
        assert_eq!(
            canonical("deleted:user:A@x.com?uid=12").unwrap(),
            "deleted:user:a@x.com?uid=12"
        );
        assert_eq!(
            canonical("domain:Example.com").unwrap(),
            "domain:example.com"
        );
    }

    #[test]
    fn what_is_no_member_is_refused() {
        for bad in [
            "alice@example.com",
            "User:a@x.com",
            "user:alice",
            "user:",
            "",
            "allUsers",
            "deleted:user:a@x.com",
            "people:a@x.com",
        ] {
            assert_eq!(canonical(bad).unwrap_err().code, 400, "{bad}");
        }
        assert!(
            canonical("alice@example.com")
                .unwrap_err()
                .message
                .contains("unknown type")
        );
    }
}
