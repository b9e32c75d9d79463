//! An assertion, from the header to the person.

use std::sync::Arc;

use jiff::Timestamp;
use jit_access_core::visible_text::shown;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

use super::claims::{Claims, SignedIn};
use super::keys::Keys;
use super::refused::Refused;

/// IAP's have about 1 KiB.
const LONGEST_ASSERTION: usize = 16 * 1024;

/// Verifies assertions; cheap to clone.
#[derive(Debug, Clone)]
pub struct Assertions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    audience: String,
    validation: Validation,
    keys: Arc<Keys>,
}

impl Assertions {
    /// For one audience, with the keys from a URL; nothing is downloaded yet.
    ///
    /// # Errors
    /// A sentence that names the flag which is wrong.
    pub fn new(audience: &str, jwks_url: &str) -> Result<Self, String> {
        if audience.is_empty()
            || audience
                .chars()
                .any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(format!(
                "--iap-audience \"{}\" must be the audience of IAP's assertions, such as /projects/PROJECT_NUMBER/global/backendServices/SERVICE_ID",
                audience.escape_debug()
            ));
        }
        let keys = Arc::new(Keys::new(jwks_url)?);
        // Which algorithm is ours to say, never the header's.
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By `check` below, by its `now`, and so that the log says what was there and what should be.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self(Arc::new(Inner {
            audience: audience.to_owned(),
            validation,
            keys,
        })))
    }

    /// Who is signed in by this assertion at `now`.
    ///
    /// # Errors
    /// Whatever is not exactly right with it; and where keys are needed that cannot be downloaded.
    pub async fn verify(&self, assertion: &str, now: Timestamp) -> Result<SignedIn, Refused> {
        let inner = &self.0;
        if assertion.len() > LONGEST_ASSERTION {
            return Err(Refused::invalid(format!(
                "the assertion has {} bytes",
                assertion.len()
            )));
        }
        let unreadable =
            |error: jsonwebtoken::errors::Error| Refused::invalid(shown(&error.to_string()));
        // Before any key is looked for: nothing else makes us download.
        let header = decode_header(assertion).map_err(unreadable)?;
        if header.alg != Algorithm::ES256 {
            return Err(Refused::invalid(format!("alg is {:?}", header.alg)));
        }
        if header.crit.is_some() {
            // It demands to be refused by whoever does not know what it names.
            return Err(Refused::invalid("the header has crit"));
        }
        let key_id = header
            .kid
            .ok_or_else(|| Refused::invalid("the header has no kid"))?;
        let key = inner.keys.find(&key_id, now).await?;
        decode::<Claims>(assertion, &key, &inner.validation)
            .map_err(unreadable)?
            .claims
            .check(&inner.audience, now)
    }
}
