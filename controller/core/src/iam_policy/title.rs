//! Whose binding it is, by the title of its condition.

/// What every title of ours begins with; the UID of the request follows.
const PREFIX: &str = "jit-access ";

/// Title of the bindings that the JIT Access of Google's samples (the Java product) writes.
const JAVA_PRODUCT: &str = "JIT access activation";

/// The title of a request's bindings. `uid` is the request's `metadata.uid`.
#[must_use]
pub fn title(uid: &str) -> String {
    format!("{PREFIX}{uid}")
}

/// The UID of the request whose binding has this title; `None` if the binding is not ours.
///
/// Ours is exactly the prefix and a UUID as Kubernetes writes it: 36 characters, lower case.
#[must_use]
pub fn request_of_title(title: &str) -> Option<&str> {
    title.strip_prefix(PREFIX).filter(|uid| is_uuid(uid))
}

/// Whether a binding is a grant of the Java product.
#[must_use]
pub fn is_java_product(title: &str) -> bool {
    title == JAVA_PRODUCT
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[test]
    fn our_title_names_its_request() {
        assert_eq!(title(UID), format!("jit-access {UID}"));
        assert_eq!(request_of_title(&title(UID)), Some(UID));
    }

    #[test]
    fn what_only_resembles_our_title_is_not_ours() {
        for other in [
            String::new(),
            "jit-access ".to_owned(),
            "jit-access".to_owned(),
            UID.to_owned(),
            format!("jit-access {UID} "),
            format!(" jit-access {UID}"),
            format!("jit-access  {UID}"),
            format!("jit-access\u{a0}{UID}"),
            format!("jit-access {UID}\n"),
            format!("Jit-Access {UID}"),
            format!("jit-access {}", UID.to_uppercase()),
            format!("jit-access {{{UID}}}"),
            format!("jit-access {}", UID.replace('-', "")),
            format!("jit-access {}", UID.replace('7', "g")),
            format!("jit-access {}", UID.replace("40de", "40dé")),
            format!("jit-access {}", &UID[1..]),
            format!("jit-access {UID}{UID}"),
            "jit-access 7c9e6679a7425-40de-944b-e07fc1f90ae7".to_owned(),
        ] {
            assert_eq!(request_of_title(&other), None, "{other:?}");
        }
    }

    #[test]
    fn the_java_product_is_known_by_its_exact_title() {
        assert!(is_java_product("JIT access activation"));
        for other in [
            "",
            "jit access activation",
            "JIT access activation ",
            "JIT access",
        ] {
            assert!(!is_java_product(other), "{other:?}");
        }
    }
}
