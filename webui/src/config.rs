//! Flags of the web UI, beside those that all programs share.

use std::net::SocketAddr;

use clap::Parser;
use jiff::SignedDuration;
use jit_access_core::limits::parse_duration;
use jit_access_program::CommonFlags;

/// The web UI of JIT Access: people ask for access and approve, behind Identity-Aware Proxy.
#[derive(Debug, Parser)]
#[command(name = "jit-access-webui", version)]
pub struct Config {
    /// What the programs share.
    #[command(flatten)]
    pub common: CommonFlags,

    /// Audience of the assertions that Identity-Aware Proxy signs: /projects/NUMBER/global/backendServices/ID.
    #[arg(long, env = "JIT_ACCESS_IAP_AUDIENCE", value_parser = audience)]
    pub iap_audience: String,

    /// Where the keys are with which Identity-Aware Proxy signs.
    #[arg(
        long,
        env = "JIT_ACCESS_IAP_JWKS_URL",
        value_parser = url,
        default_value = "https://www.gstatic.com/iap/verify/public_key-jwk"
    )]
    pub iap_jwks_url: String,

    /// The namespace in which requests are made and shown.
    #[arg(long, env = "JIT_ACCESS_NAMESPACE", value_parser = namespace)]
    pub namespace: String,

    /// Address of the pages, plain HTTP.
    #[arg(long, env = "JIT_ACCESS_LISTEN", default_value = "0.0.0.0:8000")]
    pub listen: SocketAddr,

    /// How often the catalogue of who may ask for what is read again.
    #[arg(long, env = "JIT_ACCESS_CATALOGUE_INTERVAL", value_parser = parse_duration, default_value = "5m", hide = true)]
    pub catalogue_interval: SignedDuration,
}

/// An empty audience, or one of spaces, would fit every assertion that has none.
fn audience(text: &str) -> Result<String, String> {
    let path = text.strip_prefix("/projects/").unwrap_or_default();
    if path.split('/').count() >= 2 && !text.contains(char::is_whitespace) {
        Ok(text.to_owned())
    } else {
        Err("must be an audience such as /projects/1234567890/global/backendServices/9876543210, which the page of Identity-Aware Proxy in the Google Cloud console shows".to_owned())
    }
}

fn url(text: &str) -> Result<String, String> {
    let valid = reqwest::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if valid {
        Ok(text.to_owned())
    } else {
        Err("must be an address that begins with https://".to_owned())
    }
}

fn namespace(text: &str) -> Result<String, String> {
    let valid = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if valid {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a namespace, such as jit-requests".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_name_the_flag() {
        let whole = [
            ("--scope", "organizations/1"),
            ("--iap-audience", "/projects/1/global/backendServices/2"),
            ("--namespace", "jit-requests"),
        ];
        let parse = |flag: &str, value: &str| {
            let mut line = vec!["jit-access-webui".to_owned()];
            for (other, good) in whole {
                let value = if other == flag { value } else { good };
                line.push(format!("{other}={value}"));
            }
            if !whole.iter().any(|(other, _)| *other == flag) {
                line.push(format!("{flag}={value}"));
            }
            Config::try_parse_from(line).map_err(|error| error.to_string())
        };
        assert!(parse("--namespace", "jit-requests").is_ok());
        for (flag, value) in [
            ("--iap-audience", ""),
            ("--iap-audience", " "),
            ("--iap-audience", "/projects/"),
            ("--iap-audience", "1234"),
            ("--iap-jwks-url", "ftp://keys"),
            ("--iap-jwks-url", "keys"),
            ("--namespace", "Jit"),
            ("--namespace", ""),
            ("--listen", "8000"),
            ("--max-roles", "0"),
        ] {
            let message = parse(flag, value).unwrap_err();
            assert!(message.contains(flag), "{message}");
        }
    }
}
