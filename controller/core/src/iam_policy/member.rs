//! Who a member of a binding is. Prefixes are compared exactly; addresses without regard to the
//! case of ASCII letters, as Google keeps them the way they were typed.

/// Whether a member such as `user:Alice@example.com` is the person with this address.
/// `deleted:user:…` never is.
#[must_use]
pub fn is_user(member: &str, email: &str) -> bool {
    !email.is_empty()
        && member
            .strip_prefix("user:")
            .is_some_and(|address| address.eq_ignore_ascii_case(email))
}

/// The address of a member such as `user:Alice@example.com`, in lower case; `None` for others, deleted
/// users included.
#[must_use]
pub fn user_of(member: &str) -> Option<String> {
    member
        .strip_prefix("user:")
        .filter(|address| !address.is_empty())
        .map(str::to_ascii_lowercase)
}

/// The address of a member such as `group:ops@example.com`, in lower case; `None` for others,
/// deleted groups included.
#[must_use]
pub fn group_of(member: &str) -> Option<String> {
    member
        .strip_prefix("group:")
        .filter(|address| !address.is_empty())
        .map(str::to_ascii_lowercase)
}

/// Whether a member is `user:…` and the same as `other`.
pub(super) fn same_user(member: &str, other: &str) -> bool {
    other
        .strip_prefix("user:")
        .is_some_and(|email| is_user(member, email))
}

/// Whether a member is this person, whose account may be deleted meanwhile.
#[must_use]
pub fn is_user_or_deleted(member: &str, email: &str) -> bool {
    same_user_or_deleted(member, &format!("user:{email}"))
}

/// Whether a member is `user:…`, or what Google makes of it when the account is deleted
/// (`deleted:user:alice@example.com?uid=123`), which becomes access again if it is restored.
pub(super) fn same_user_or_deleted(member: &str, other: &str) -> bool {
    let deleted = || {
        let (address, _uid) = member.strip_prefix("deleted:")?.rsplit_once("?uid=")?;
        Some(same_user(address, other))
    };
    same_user(member, other) || deleted().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_prefix_and_address() {
        for member in ["user:alice@example.com", "user:Alice@EXAMPLE.com"] {
            assert!(is_user(member, "alice@example.com"), "{member}");
        }
        for member in [
            "alice@example.com",
            "User:alice@example.com",
            "user: alice@example.com",
            "user:alice@example.com ",
            "user:alice@example.co",
            "group:alice@example.com",
            "serviceAccount:alice@example.com",
            "deleted:user:alice@example.com?uid=1",
            "user:user:alice@example.com",
            "user:alice@example.com?uid=1",
            // KELVIN SIGN folds to k in Unicode only.
            "user:alice@example.\u{212a}om",
        ] {
            assert!(!is_user(member, "alice@example.com"), "{member}");
        }
        assert!(!is_user("user:", ""));
        assert!(!is_user("user:\u{212a}im@example.com", "kim@example.com"));
    }

    #[test]
    fn the_address_of_a_person_is_who_the_member_is() {
        for member in [
            "user:Alice@EXAMPLE.com",
            "user:user:alice@example.com",
            "user:\u{212a}im@example.com",
        ] {
            let email = user_of(member).unwrap();
            assert!(is_user(member, &email), "{member}");
            assert_eq!(email, email.to_ascii_lowercase());
        }
        for member in [
            "user:",
            "User:alice@example.com",
            "group:alice@example.com",
            "deleted:user:alice@example.com?uid=1",
        ] {
            assert_eq!(user_of(member), None, "{member}");
        }
    }

    #[test]
    fn a_group_is_known_by_its_prefix() {
        assert_eq!(
            group_of("group:Ops@Example.com").as_deref(),
            Some("ops@example.com")
        );
        for member in [
            "group:",
            "Group:ops@example.com",
            "deleted:group:ops@example.com?uid=1",
        ] {
            assert_eq!(group_of(member), None, "{member}");
        }
    }

    #[test]
    fn a_deleted_account_is_told_from_a_living_one() {
        let alice = "user:alice@example.com";
        let deleted = "deleted:user:Alice@example.com?uid=123";
        assert!(same_user_or_deleted(deleted, alice));
        assert!(!same_user(deleted, alice));
        for other in [
            "deleted:user:alice@example.com",
            "deleted:group:alice@example.com?uid=123",
            "deleted:user:bob@example.com?uid=123",
            "deleted:deleted:user:alice@example.com?uid=1",
        ] {
            assert!(!same_user_or_deleted(other, alice), "{other}");
        }
        assert!(!same_user(alice, "alice@example.com"));
    }
}
