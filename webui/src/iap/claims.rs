//! What an assertion claims, once its signature is verified.

use jiff::{SignedDuration, Timestamp};
use jit_access_core::request::person;
use jit_access_core::visible_text::{is_invisible, shown};
use serde::Deserialize;
use serde_json::Value;

use super::refused::Refused;

/// Who issues assertions.
const ISSUER: &str = "https://cloud.google.com/iap";
/// How far the clocks may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// IAP's are good for ten minutes, and both clocks may be off.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_secs(660);
/// Google's own accounts. Other sources (Identity Platform, workforce pools) assert e-mail addresses of
/// their own making.
const SOURCE: &str = "accounts.google.com:";
/// The longest annotation about a device or access levels, in characters.
const LONGEST_ANNOTATION: usize = 2_000;

/// A person whom IAP vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The account's e-mail address in lower case.
    pub email: String,
    /// The device, where IAP knows it; fit for an annotation.
    pub device_id: Option<String>,
    /// The access levels that were met, where IAP knows them; together fit for an annotation.
    pub access_levels: Vec<String>,
    /// When the assertion ends.
    pub expires: Timestamp,
}

impl SignedIn {
    /// The access levels in one line.
    #[must_use]
    pub fn access_levels_line(&self) -> Option<String> {
        (!self.access_levels.is_empty()).then(|| self.access_levels.join(SEPARATOR))
    }
}

/// Between access levels.
const SEPARATOR: &str = ", ";

/// As they stand in the token; each is checked for its type when it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    iss: Value,
    aud: Value,
    sub: Value,
    email: Value,
    iat: Value,
    exp: Value,
    gcip: Value,
    google: Value,
}

impl Claims {
    /// Who is signed in, if all of it is right at `now`.
    pub(super) fn check(&self, audience: &str, now: Timestamp) -> Result<SignedIn, Refused> {
        // A list of issuers or audiences is none of IAP's.
        if self.iss.as_str() != Some(ISSUER) {
            return Err(Refused::invalid(format!(
                "iss is {}, not IAP's \"{ISSUER}\"",
                quoted(&self.iss)
            )));
        }
        if self.aud.as_str() != Some(audience) {
            return Err(Refused::invalid(format!(
                "aud is {}, and --iap-audience is \"{}\": is this the load balancer's backend service?",
                quoted(&self.aud),
                shown(audience)
            )));
        }
        let expires = self.check_times(now)?;
        let email = self.check_person()?;
        Ok(SignedIn {
            email,
            device_id: device_id(&self.google["device_id"]),
            access_levels: access_levels(&self.google["access_levels"]),
            expires,
        })
    }

    fn check_times(&self, now: Timestamp) -> Result<Timestamp, Refused> {
        let expires = time(&self.exp).ok_or_else(|| Refused::invalid("exp is not a time"))?;
        let issued = time(&self.iat).ok_or_else(|| Refused::invalid("iat is not a time"))?;
        if now.duration_since(expires) >= LEEWAY {
            return Err(Refused::invalid(format!(
                "the assertion ended at {expires}"
            )));
        }
        if issued.duration_since(now) > LEEWAY {
            return Err(Refused::invalid(format!(
                "the assertion begins at {issued}, and here it is {now}: is a clock wrong?"
            )));
        }
        if expires.duration_since(issued) > LONGEST_LIFE {
            return Err(Refused::invalid(format!(
                "the assertion runs from {issued} to {expires}, longer than IAP's do"
            )));
        }
        Ok(expires)
    }

    fn check_person(&self) -> Result<String, Refused> {
        let subject = self
            .sub
            .as_str()
            .filter(|subject| !subject.is_empty())
            .ok_or_else(|| Refused::invalid("sub is not a text"))?;
        let of_google = subject
            .strip_prefix(SOURCE)
            .is_some_and(|account| !account.is_empty());
        if !of_google || !self.gcip.is_null() {
            return Err(Refused::forbidden(
                "You are signed in with another source of identities: sign in with a Google account.",
                format!("sub {} is not of {SOURCE}", shown(subject)),
            ));
        }
        let email = self
            .email
            .as_str()
            .filter(|email| !email.is_empty())
            .ok_or_else(|| Refused::invalid("email is not a text"))?;
        // IAP writes the source before the address in its unsigned header; here only `sub` has it so far.
        let email = email
            .strip_prefix(SOURCE)
            .unwrap_or(email)
            .to_ascii_lowercase();
        person(&email).map_err(|why| {
            Refused::forbidden(
                format!(
                    "You are signed in as {}, which is not a person's Google account: sign in as a person.",
                    shown(&email)
                ),
                shown(&why),
            )
        })?;
        Ok(email)
    }
}

/// A NumericDate in whole seconds, as IAP writes it.
fn time(claim: &Value) -> Option<Timestamp> {
    Timestamp::from_second(claim.as_i64()?).ok()
}

fn quoted(claim: &Value) -> String {
    match claim {
        Value::Null => "absent".to_owned(),
        Value::String(text) => format!("\"{}\"", shown(text)),
        other => shown(&other.to_string()),
    }
}

/// Whether text can stand in an annotation as it is.
fn is_plain_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() || is_invisible(c))
}

/// Nobody can be let in or shut out by it, so what cannot be shown is left out, and what is cut says so.
fn device_id(claim: &Value) -> Option<String> {
    let text = claim.as_str()?.trim();
    if !is_plain_line(text) {
        return None;
    }
    if text.chars().count() <= LONGEST_ANNOTATION {
        return Some(text.to_owned());
    }
    let cut = text.chars().take(LONGEST_ANNOTATION - 1);
    Some(cut.chain(['…']).collect())
}

/// The levels that fit into one line, and how many more there are.
fn access_levels(claim: &Value) -> Vec<String> {
    let mut levels: Vec<String> = claim
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::trim)
        .filter(|level| is_plain_line(level))
        .map(str::to_owned)
        .collect();
    let found = levels.len();
    while length(&levels) + length_of_rest(found - levels.len()) > LONGEST_ANNOTATION {
        levels.pop();
    }
    if let Some(rest) = rest(found - levels.len()) {
        levels.push(rest);
    }
    levels
}

fn length(levels: &[String]) -> usize {
    let texts: usize = levels.iter().map(|level| level.chars().count()).sum();
    texts + SEPARATOR.len() * levels.len().saturating_sub(1)
}

fn rest(more: usize) -> Option<String> {
    (more > 0).then(|| format!("… and {more} more"))
}

fn length_of_rest(more: usize) -> usize {
    rest(more).map_or(0, |rest| SEPARATOR.len() + rest.chars().count())
}
