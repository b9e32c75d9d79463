//! Assertions as IAP signs them, and as others would like to.

mod claims;
mod keys;
mod layer;
mod signatures;
pub(crate) mod signer;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use signer::{KeyServer, Signer};

const AUDIENCE: &str = "/projects/123/global/backendServices/456";

fn at(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn claims_at(time: Timestamp) -> Value {
    json!({
        "iss": "https://cloud.google.com/iap",
        "aud": AUDIENCE,
        "sub": "accounts.google.com:1234567890",
        "email": "alice@example.com",
        "hd": "example.com",
        "iat": time.as_second(),
        "exp": time.as_second() + 600,
    })
}

/// With some claims set, or left out where null.
fn claims_with(changes: &Value) -> Value {
    let mut claims = claims_at(now());
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

struct Iap {
    signer: Signer,
    server: KeyServer,
    assertions: Assertions,
}

async fn iap() -> Iap {
    let signer = Signer::new("key-1");
    let server = KeyServer::start(&[signer.jwk()]).await;
    let assertions = Assertions::new(AUDIENCE, &server.url()).unwrap();
    Iap {
        signer,
        server,
        assertions,
    }
}

impl Iap {
    async fn says(&self, changes: &Value) -> Result<SignedIn, Refused> {
        let assertion = self.signer.sign(&claims_with(changes));
        self.assertions.verify(&assertion, now()).await
    }

    async fn refuses(&self, assertion: &str) -> Refused {
        let refused = self.assertions.verify(assertion, now()).await.unwrap_err();
        assert!(!refused.sentence().contains("key"), "{refused:?}");
        if assertion.len() > 20 {
            for text in [refused.sentence(), refused.detail()] {
                assert!(!text.contains(&assertion[assertion.len() - 20..]), "{text}");
            }
        }
        refused
    }
}

#[test]
fn flags_that_cannot_work_are_refused_with_their_names() {
    let url = "https://www.gstatic.com/iap/verify/public_key-jwk";
    assert!(Assertions::new(AUDIENCE, url).is_ok());
    for audience in ["", " ", "a b", "a\n"] {
        let why = Assertions::new(audience, url).unwrap_err();
        assert!(why.starts_with("--iap-audience"), "{why}");
    }
    for url in ["", "keys", "file:///keys", "ftp://example.com/keys"] {
        let why = Assertions::new(AUDIENCE, url).unwrap_err();
        assert!(why.starts_with("--iap-jwks-url"), "{why}");
    }
}
