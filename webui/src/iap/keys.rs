//! Google's public keys, by which assertions are verified: downloaded when first needed, and kept.
//!
//! A key id comes from a header that anybody can write, so an unknown one makes us download at most
//! once a minute, however many ask for it.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jit_access_core::visible_text::shown;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::refused::Refused;

const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_LIST: usize = 1024 * 1024;
/// Between downloads for a key that is not on the list.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// Between downloads as long as there is no key at all, and so nobody is let in.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// After this time the list is downloaded again, for what was taken from it.
const OLD_AFTER: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug)]
pub(super) struct Keys {
    http: Client,
    url: Url,
    held: Mutex<Held>,
    /// One downloads, the others wait for the outcome.
    downloading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Held {
    by_id: HashMap<String, DecodingKey>,
    /// When the list was last downloaded.
    downloaded: Option<Timestamp>,
    /// When that was last tried, and why it failed, if it did.
    tried: Option<Timestamp>,
    failure: Option<String>,
}

impl Held {
    /// Whether a download may begin.
    fn may_try(&self, now: Timestamp) -> bool {
        let pause = if self.by_id.is_empty() {
            FIRST_PAUSE
        } else {
            PAUSE
        };
        is_past(self.tried, pause, now)
    }
}

/// Whether a time is so long ago, or there was none. A clock that was set back by more counts too.
fn is_past(time: Option<Timestamp>, span: SignedDuration, now: Timestamp) -> bool {
    time.is_none_or(|time| now.duration_since(time).abs() >= span)
}

impl Keys {
    /// # Errors
    /// A sentence that names the flag.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "--iap-jwks-url \"{}\" {why}: name the https address of IAP's public keys as a JSON Web Key Set",
                url.escape_debug()
            )
        };
        let url = Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
        match url.scheme() {
            "https" => {}
            "http" => {
                if !is_this_machine(&url) {
                    tracing::warn!(
                        %url,
                        "IAP's keys come by plain HTTP: whoever is on the path can sign in as anybody"
                    );
                }
            }
            _ => return Err(wrong("is not https")),
        }
        let http = Client::builder()
            .user_agent(concat!("jit-access-webui/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("The HTTP client cannot be built: {}.", innermost(&error)))?;
        Ok(Self {
            http,
            url,
            held: Mutex::default(),
            downloading: Arc::default(),
        })
    }

    /// The key of this id.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: &str,
        now: Timestamp,
    ) -> Result<DecodingKey, Refused> {
        if let Some(key) = self.known(id) {
            self.renew(now);
            return Ok(key);
        }
        // A task of its own: who asked may go away, and the others wait for it.
        let keys = Arc::clone(self);
        let download = tokio::spawn(async move {
            let _one = keys.downloading.lock().await;
            if keys.held().may_try(now) {
                keys.download(now).await;
            }
        });
        if let Err(error) = download.await {
            tracing::warn!(%error, "the download of IAP's keys ended early");
        }
        let held = self.held();
        match (held.by_id.get(id), &held.failure) {
            (Some(key), _) => Ok(key.clone()),
            (None, None) if !held.by_id.is_empty() => Err(Refused::invalid(format!(
                "kid {} is not on IAP's list",
                shown(id)
            ))),
            // It may be on the list that we could not get.
            (None, failure) => Err(Refused::no_keys(format!(
                "the keys of IAP are not known: {}",
                failure.as_deref().unwrap_or("the download ended early")
            ))),
        }
    }

    fn known(&self, id: &str) -> Option<DecodingKey> {
        self.held().by_id.get(id).cloned()
    }

    /// Downloads an old list anew, without making anybody wait.
    fn renew(self: &Arc<Self>, now: Timestamp) {
        {
            let held = self.held();
            if !is_past(held.downloaded, OLD_AFTER, now) || !held.may_try(now) {
                return;
            }
        }
        if let Ok(one) = Arc::clone(&self.downloading).try_lock_owned() {
            let keys = Arc::clone(self);
            tokio::spawn(async move {
                // Somebody may have finished just now.
                if keys.held().may_try(now) {
                    keys.download(now).await;
                }
                drop(one);
            });
        }
    }

    async fn download(&self, now: Timestamp) {
        let outcome = self.list().await;
        let mut held = self.held();
        held.tried = Some(now);
        match outcome {
            Ok(by_id) => {
                held.by_id = by_id;
                held.downloaded = Some(now);
                held.failure = None;
            }
            Err(why) => {
                tracing::warn!(url = %self.url, why, "IAP's keys could not be downloaded");
                held.failure = Some(why);
            }
        }
    }

    async fn list(&self) -> Result<HashMap<String, DecodingKey>, String> {
        let answer = self.http.get(self.url.clone()).send().await;
        let mut answer = answer.map_err(|error| innermost(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer is {}", answer.status()));
        }
        let mut list = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| innermost(&error))? {
            if list.len() + piece.len() > LONGEST_LIST {
                return Err(format!("the list has more than {LONGEST_LIST} bytes"));
            }
            list.extend_from_slice(&piece);
        }
        parse(&list)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The usable keys of a list; others may be on it.
fn parse(list: &[u8]) -> Result<HashMap<String, DecodingKey>, String> {
    #[derive(Deserialize)]
    struct List {
        keys: Vec<Value>,
    }

    let list: List = serde_json::from_slice(list)
        .map_err(|error| format!("the list is not a JSON Web Key Set ({error})"))?;
    let by_id: HashMap<String, DecodingKey> = list.keys.into_iter().filter_map(usable).collect();
    if by_id.is_empty() {
        return Err("there is no key for ES256 on the list".to_owned());
    }
    Ok(by_id)
}

/// A key for the one algorithm, with its id.
fn usable(key: Value) -> Option<(String, DecodingKey)> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let AlgorithmParameters::EllipticCurve(curve) = &key.algorithm else {
        return None;
    };
    let common = &key.common;
    let fits = curve.curve == EllipticCurve::P256
        && matches!(common.key_algorithm, None | Some(KeyAlgorithm::ES256))
        && matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let decoding = DecodingKey::from_jwk(&key).ok().filter(|_| fits)?;
    Some((key.common.key_id?, decoding))
}

fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_matches(['[', ']']);
        host == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// The last cause: the outer ones only say that there is one.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    shown(&last.to_string())
}
