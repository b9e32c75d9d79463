//! What the caller chooses.

use std::time::Duration;

use crate::error::{Error, Kind};

/// How to reach Google.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// One base URL instead of every Google API's own, such as `http://127.0.0.1:8080`. No credentials are sent to
    /// it. Without it: Google's own addresses, with Application Default Credentials.
    pub endpoint: Option<String>,
    /// Where group memberships come from.
    pub groups: GroupSource,
    /// The `User-Agent` of every call; by default `jit-access/VERSION`.
    pub user_agent: Option<String>,
    /// Timeouts and bounds.
    pub limits: Limits,
}

/// Where group memberships come from (`--groups`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupSource {
    /// Cloud Identity, which Google Workspace has too.
    #[default]
    CloudIdentity,
    /// Nobody is in any group; only bindings that name a person count.
    None,
}

/// Timeouts and bounds; the defaults are those for production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long one attempt of a read may take, connecting and the whole answer included.
    pub read_timeout: Duration,
    /// How long a write may take.
    pub write_timeout: Duration,
    /// How long connecting to Cloud Identity may take. (Google's own clients know only the whole attempt's time.)
    pub connect_timeout: Duration,
    /// How long fetching an access token may take.
    pub credentials_timeout: Duration,
    /// No attempt of a read begins later than this after its first one began.
    pub repeat_within: Duration,
    /// How long looking up a person's groups may take, all its reads and repetitions included.
    pub groups_within: Duration,
    /// How long a refresh of the catalogue may spend on titles of roles and members of groups together: the next
    /// search is worth more than they are.
    pub names_within: Duration,
    /// How often a read is tried at most.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with each further one, and the pause is a random
    /// part of it ("full jitter").
    pub first_pause: Duration,
    /// How many calls may be in flight. Each takes a connection of its own: Google's clients speak HTTP/1.1.
    pub in_flight: usize,
    /// Credentials that failed for good are built anew at most this often.
    pub renew_credentials_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            read_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            credentials_timeout: Duration::from_secs(10),
            // A little more than one timeout, so that a lost answer is asked for once more.
            repeat_within: Duration::from_secs(12),
            groups_within: Duration::from_secs(30),
            names_within: Duration::from_secs(60),
            attempts: 4,
            first_pause: Duration::from_millis(250),
            in_flight: 64,
            renew_credentials_every: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// The base URL of an API, without a slash at its end.
    pub(crate) fn base_url(&self, own: &str) -> String {
        let base = self.endpoint.as_deref().unwrap_or(own);
        base.trim_end_matches('/').to_owned()
    }

    pub(crate) fn user_agent(&self) -> String {
        let default = concat!("jit-access/", env!("CARGO_PKG_VERSION"));
        self.user_agent
            .clone()
            .unwrap_or_else(|| default.to_owned())
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(());
        };
        let base_url = reqwest::Url::parse(endpoint).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if base_url.is_some() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Invalid,
            format!(
                "The Google endpoint {endpoint:?} is no base URL; right would be one such as http://127.0.0.1:8080, \
                 without user, query and fragment."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_endpoint(endpoint: &str) -> Settings {
        Settings {
            endpoint: Some(endpoint.to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn an_endpoint_is_a_base_url() {
        for good in [
            "http://127.0.0.1:8080",
            "https://google.test/",
            "http://[::1]:1/base",
        ] {
            assert_eq!(with_endpoint(good).check(), Ok(()), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:8080",
            "ftp://host",
            "http://",
            "http://user:secret@host",
            "http://host?x=1",
            "http://host#x",
        ] {
            let error = with_endpoint(bad).check().expect_err(bad);
            assert_eq!(error.kind, Kind::Invalid, "{bad}");
            assert!(
                error
                    .message
                    .contains("right would be one such as http://127.0.0.1:8080")
            );
        }
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        assert_eq!(
            with_endpoint("http://h:1/").base_url("https://own"),
            "http://h:1"
        );
        assert_eq!(Settings::default().base_url("https://own"), "https://own");
    }
}
