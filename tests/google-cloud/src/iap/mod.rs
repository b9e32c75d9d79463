//! Identity-Aware Proxy: the key that it signs with, what it asserts of a person, and the proxy itself,
//! with a page of its own in place of Google's sign-in.

pub mod assertion;
mod forward;
pub mod keys;
mod pages;
pub mod proxy;
mod session;

use assertion::Mint;
use keys::Keys;

/// The part of the state that Identity-Aware Proxy has.
#[derive(Debug, Default)]
pub struct Iap {
    /// The keys that assertions are signed with.
    pub keys: Keys,
    /// The base URL that the proxy forwards to; none until somebody says one.
    pub upstream: Option<String>,
}

/// The number of an account, the same in every run, as Google's: 21 digits that begin with 1.
pub fn account_number(email: &str) -> String {
    // FNV-1a: it need only be stable and spread.
    let hash = email
        .to_ascii_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("1{hash:020}")
}

/// An assertion about this account as the proxy makes it for each request.
///
/// # Errors
/// As [`Mint::sign`].
pub fn assertion(
    state: &crate::state::State,
    email: &str,
    audience: &str,
) -> Result<String, String> {
    Mint::plain(email, audience).sign(state)
}

#[cfg(test)]
mod tests {
    use super::account_number;

    #[test]
    fn an_account_has_one_number_whatever_its_spelling() {
        let number = account_number("alice@example.com");
        assert_eq!(number, account_number("Alice@example.com"));
        assert_ne!(number, account_number("bob@example.com"));
        assert_eq!(number.len(), 21);
    }
}
