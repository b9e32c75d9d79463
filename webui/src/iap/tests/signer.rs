//! Signs as IAP does, without the library that verifies; and publishes keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) struct Signer {
    id: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    /// Uncompressed: 4, x, y.
    pub(crate) fn public_point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.public_point();
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    pub(crate) fn signature(&self, text: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), text).unwrap();
        signature.as_ref().to_vec()
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(
            &json!({"alg": "ES256", "typ": "JWT", "kid": self.id}),
            claims,
        )
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        join(header, claims, |text| self.signature(text))
    }
}

pub(crate) fn hs256(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, text).as_ref().to_vec()
}

pub(crate) fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

pub(crate) fn join(header: &Value, claims: &Value, signature: impl Fn(&[u8]) -> Vec<u8>) -> String {
    join_text(&header.to_string(), &claims.to_string(), signature)
}

pub(crate) fn join_text(
    header: &str,
    claims: &str,
    signature: impl Fn(&[u8]) -> Vec<u8>,
) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(signature(text.as_bytes()));
    format!("{text}.{signature}")
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
}

/// Publishes keys, and counts who asks.
pub(crate) struct KeyServer {
    address: std::net::SocketAddr,
    downloads: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
}

impl KeyServer {
    pub(crate) async fn start(keys: &[Value]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            downloads: Arc::default(),
            answer: Arc::new(Mutex::new(Answer {
                status: 200,
                headers: vec![],
                body: json!({"keys": keys}).to_string(),
                after: Duration::from_millis(20),
            })),
        };
        let (downloads, answer) = (server.downloads.clone(), server.answer.clone());
        let router = Router::new().fallback(get(move || async move {
            downloads.fetch_add(1, Ordering::SeqCst);
            let answer = answer.lock().unwrap().clone();
            tokio::time::sleep(answer.after).await;
            let status = StatusCode::from_u16(answer.status).unwrap();
            let mut response: Response = (status, answer.body).into_response();
            for (name, value) in answer.headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/iap/verify/public_key-jwk", self.address)
    }

    pub(crate) fn downloads(&self) -> usize {
        self.downloads.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut Answer)) {
        change(&mut self.answer.lock().unwrap());
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.answer_with(200, &json!({"keys": keys}).to_string());
    }

    pub(crate) fn answer_with(&self, status: u16, body: &str) {
        self.change(|answer| {
            answer.status = status;
            body.clone_into(&mut answer.body);
        });
    }

    pub(crate) fn with_header(&self, name: &'static str, value: &str) {
        self.change(|answer| answer.headers.push((name, value.to_owned())));
    }

    pub(crate) fn answer_after(&self, pause: Duration) {
        self.change(|answer| answer.after = pause);
    }

    /// Waits for what happens in the background.
    pub(crate) async fn downloaded(&self, times: usize) {
        for _ in 0..200 {
            if self.downloads() >= times {
                // For the answer to be taken up too.
                tokio::time::sleep(Duration::from_millis(100)).await;
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.downloads(), times);
    }
}
