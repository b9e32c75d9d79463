//! What the proxy asserts of a person: a JSON Web Token, right in every part unless a test asks otherwise.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account_number;
use super::keys::{Key, base64url};
use crate::state::State;

/// How long an assertion counts, in seconds.
const LIFE: i64 = 600;

/// An assertion to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    email: String,
    audience: String,
    /// Claims with other values; null leaves one out.
    #[serde(default)]
    overrides: Map<String, Value>,
    /// Fields of the header with other values; null leaves one out.
    #[serde(default)]
    header: Map<String, Value>,
    /// `alg: none`, without a signature.
    #[serde(default)]
    unsigned: bool,
    /// Which key signs; the listed one when absent.
    key: Option<OtherKey>,
}

/// A key besides the listed one.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OtherKey {
    /// One that nobody knows, under the name of the listed one.
    Other,
}

impl Mint {
    /// An assertion without anything special.
    pub fn plain(email: &str, audience: &str) -> Self {
        Self {
            email: email.to_owned(),
            audience: audience.to_owned(),
            ..Self::default()
        }
    }

    /// The token.
    ///
    /// # Errors
    /// When there is no key, or no random numbers.
    pub fn sign(&self, state: &State) -> Result<String, String> {
        let listed = state.iap.keys.listed()?;
        let header = if self.unsigned {
            json!({"alg": "none", "typ": "JWT"})
        } else {
            json!({"alg": "ES256", "typ": "JWT", "kid": listed.id()})
        };
        let message = format!(
            "{}.{}",
            part(header, &self.header),
            part(self.claims(state), &self.overrides)
        );
        let signature = match (self.unsigned, self.key) {
            (true, _) => String::new(),
            (false, None) => listed.sign(&message)?,
            (false, Some(OtherKey::Other)) => Key::generate()?.sign(&message)?,
        };
        Ok(format!("{message}.{signature}"))
    }

    fn claims(&self, state: &State) -> Value {
        let now = state.clock.now().as_second();
        let mut claims = json!({
            "iss": "https://cloud.google.com/iap",
            "aud": self.audience,
            "sub": format!("accounts.google.com:{}", account_number(&self.email)),
            "email": self.email,
            "iat": now,
            "exp": now + LIFE,
        });
        // Accounts of consumers have no hosted domain.
        if let Some((_, domain)) = self
            .email
            .split_once('@')
            .filter(|(_, domain)| *domain != "gmail.com")
        {
            claims["hd"] = json!(domain);
        }
        if let Some(device) = state.devices.get(&self.email.to_ascii_lowercase()) {
            claims["google"] = json!({"access_levels": device.access_levels});
            if !device.id.is_empty() {
                claims["google"]["device_id"] = json!(device.id);
            }
        }
        claims
    }
}

/// One of the first two parts of a token, with what differs put in.
fn part(mut fields: Value, differing: &Map<String, Value>) -> String {
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in differing {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    base64url(fields.to_string().as_bytes())
}
