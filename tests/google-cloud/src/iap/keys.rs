//! The ES256 key that assertions are signed with, and the list under which verifiers find it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The length of a coordinate of P-256.
const COORDINATE: usize = 32;

/// The listed key; none before the first [`Keys::rotate`].
#[derive(Debug, Default)]
pub struct Keys {
    listed: Option<Key>,
}

impl Keys {
    /// Makes a new key; the former one is no longer listed.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn rotate(&mut self) -> Result<(), String> {
        self.listed = Some(Key::generate()?);
        Ok(())
    }

    /// The key that is listed.
    ///
    /// # Errors
    /// Before the first rotation.
    pub fn listed(&self) -> Result<&Key, String> {
        self.listed
            .as_ref()
            .ok_or_else(|| "there is no key yet: rotate first".to_owned())
    }

    /// The JSON Web Key Set, in the form of `https://www.gstatic.com/iap/verify/public_key-jwk`.
    pub fn list(&self) -> Value {
        json!({"keys": self.listed.iter().map(Key::public).collect::<Vec<_>>()})
    }
}

/// A key pair with the name that its list has for it.
#[derive(Debug)]
pub struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    /// A new key that no list has.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn generate() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| "a key cannot be made: there are no random numbers".to_owned())?;
        let print = digest(&SHA256, pair.public_key().as_ref());
        let mut id = base64url(print.as_ref());
        // Google's are as short.
        id.truncate(6);
        Ok(Self { id, pair })
    }

    /// Its `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The signature as JWS has it: both numbers one after the other.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn sign(&self, message: &str) -> Result<String, String> {
        self.pair
            .sign(&SystemRandom::new(), message.as_bytes())
            .map(|signature| base64url(signature.as_ref()))
            .map_err(|_| "it cannot be signed: there are no random numbers".to_owned())
    }

    fn public(&self) -> Value {
        // The point uncompressed: one byte that says so, then the coordinates.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point
            .get(1..)
            .and_then(|coordinates| coordinates.split_at_checked(COORDINATE))
            .unwrap_or_default();
        json!({
            "alg": "ES256",
            "crv": "P-256",
            "kid": self.id,
            "kty": "EC",
            "use": "sig",
            "x": base64url(x),
            "y": base64url(y),
        })
    }
}

/// As JWS and JWK write bytes.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
