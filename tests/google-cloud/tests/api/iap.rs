//! Identity-Aware Proxy: its keys and assertions, signing in, and what reaches the application.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::routing::{any, get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::channel::mpsc;
use google_cloud_simulator::{IapProxy, serve_with_iap};
use reqwest::{Method, Response, redirect};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::served::{Served, world};

const AUDIENCE: &str = "/projects/1/global/backendServices/1";
const KEYS: &str = "/iap/verify/public_key-jwk";
const COOKIE: &str = "GCP_IAP_AUTH_TOKEN_SIMULATED=alice@example.com";
const SECOND: Duration = Duration::from_secs(1);

/// Header, claims, and whether the signature is that of a listed key with this id.
fn read(token: &str, keys: &Value) -> (Value, Value, bool) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let json = |text: &str| serde_json::from_slice::<Value>(&bytes(text)).unwrap();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == json(header)["kid"]);
    let verified = key.is_some_and(|key| {
        let point = [
            vec![4],
            bytes(key["x"].as_str().unwrap()),
            bytes(key["y"].as_str().unwrap()),
        ]
        .concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(format!("{header}.{claims}").as_bytes(), &bytes(signature))
            .is_ok()
    });
    (json(header), json(claims), verified)
}

async fn mint(google: &Served, differing: Value) -> String {
    let mut body = json!({"email": "alice@example.com", "audience": AUDIENCE});
    for (name, value) in differing.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = google.request(Method::POST, "/control/iap/assertion");
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

#[tokio::test]
async fn an_assertion_has_iaps_claims_and_a_listed_keys_signature() {
    let google = Served::new().await;
    let devices = json!({"devices": {"alice@example.com": {"id": "d-1", "accessLevels": ["accessPolicies/1/accessLevels/corp"]}}});
    assert_eq!(google.post("/control/world", devices).await.0, 200);
    let keys = google.ok(KEYS).await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    for (field, value) in [
        ("alg", "ES256"),
        ("crv", "P-256"),
        ("kty", "EC"),
        ("use", "sig"),
    ] {
        assert_eq!(keys["keys"][0][field], value);
    }
    let (header, claims, verified) = read(&mint(&google, json!({})).await, &keys);
    assert!(verified);
    assert_eq!(header["alg"], "ES256");
    assert_eq!(claims["iss"], "https://cloud.google.com/iap");
    assert_eq!(claims["aud"], AUDIENCE);
    assert_eq!(claims["email"], "alice@example.com");
    assert_eq!(claims["hd"], "example.com");
    let number = claims["sub"].as_str().unwrap();
    assert!(number.starts_with("accounts.google.com:1"), "{number}");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        600
    );
    assert_eq!(
        claims["google"],
        json!({"access_levels": ["accessPolicies/1/accessLevels/corp"], "device_id": "d-1"})
    );
    let other = json!({"email": "bob@gmail.com"});
    let (_, claims, _) = read(&mint(&google, other).await, &keys);
    assert_eq!(claims.get("hd"), None, "a consumer's account has no domain");
    assert_eq!(claims.get("google"), None);
}

#[tokio::test]
async fn a_test_can_have_every_part_of_an_assertion_wrong() {
    let google = Served::new().await;
    let keys = google.ok(KEYS).await;
    let differing = json!({"overrides": {"exp": 1, "email": null}, "header": {"kid": "none"}});
    let (header, claims, verified) = read(&mint(&google, differing).await, &keys);
    assert_eq!((&claims["exp"], claims.get("email")), (&json!(1), None));
    assert_eq!(header["kid"], "none");
    assert!(!verified);

    let (header, _, verified) = read(&mint(&google, json!({"key": "other"})).await, &keys);
    assert_eq!(header["kid"], keys["keys"][0]["kid"]);
    assert!(!verified, "it is signed with a key that nobody knows");

    let unsigned = mint(&google, json!({"unsigned": true})).await;
    assert!(unsigned.ends_with('.'), "{unsigned}");
    assert_eq!(read(&unsigned, &keys).0["alg"], "none");
}

#[tokio::test]
async fn a_rotation_leaves_one_new_key_and_fetches_are_counted() {
    let google = Served::new().await;
    let before = google.ok(KEYS).await;
    let token = mint(&google, json!({})).await;
    assert_eq!(google.post("/control/iap/rotate", json!({})).await.0, 200);
    let after = google.ok(KEYS).await;
    assert_ne!(before["keys"][0]["kid"], after["keys"][0]["kid"]);
    assert!(read(&token, &before).2 && !read(&token, &after).2);
    assert!(read(&mint(&google, json!({})).await, &after).2);
    let fetches = google.log().await;
    assert_eq!(fetches, vec![("iap.keys".to_owned(), 200); 2]);
    google
        .fault(json!({"method": "iap.keys", "status": 503}))
        .await;
    assert_eq!(
        google.get(KEYS).await.0,
        503,
        "faults hit it as other calls"
    );
}

/// The proxy before an application that remembers what reached it.
struct Proxied {
    google: Served,
    base: String,
    http: reqwest::Client,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>;

impl Proxied {
    async fn new() -> Self {
        let seen = Seen::default();
        let application = Router::new()
            .route("/events", get(events))
            .fallback(any(remember))
            .with_state(seen.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, application).await.unwrap() });
        let this = Self::without_upstream(seen).await;
        let (status, _) = this
            .google
            .post("/control/iap/upstream", json!({"upstream": upstream}))
            .await;
        assert_eq!(status, 200);
        this
    }

    async fn without_upstream(seen: Seen) -> Self {
        let (apis, listener) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let base = format!("http://{}", listener.local_addr().unwrap());
        let google = Served::at(&apis);
        let proxy = IapProxy {
            listener,
            upstream: None,
            audience: AUDIENCE.to_owned(),
        };
        let world = serde_json::from_value(world()).unwrap();
        tokio::spawn(async move { serve_with_iap(apis, world, proxy).await.unwrap() });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            google,
            base,
            http,
            seen,
        }
    }

    /// A GET as whoever these headers say.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.http.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn choose(&self, form: &str) -> Response {
        self.http
            .post(format!("{}/_gcp_iap/sign_in", self.base))
            .body(form.to_owned())
            .send()
            .await
            .unwrap()
    }
}

async fn remember(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: Bytes) -> String {
    seen.lock().unwrap().push((uri, headers, body));
    "the application".to_owned()
}

/// One event, and then nothing for ever. The client's leaving is remembered as a request for `/left`.
async fn events(State(seen): State<Seen>) -> Body {
    struct Leaves(Seen);
    impl Drop for Leaves {
        fn drop(&mut self) {
            let left = (Uri::from_static("/left"), HeaderMap::new(), Bytes::new());
            self.0.lock().unwrap().push(left);
        }
    }
    let leaves = Leaves(seen);
    let (sender, receiver) = mpsc::unbounded();
    sender
        .unbounded_send(Ok::<_, Infallible>("data: first\n\n"))
        .unwrap();
    Body::from_stream(futures::StreamExt::map(receiver, move |event| {
        let _keep = (&leaves, &sender);
        event
    }))
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn who_is_not_signed_in_chooses_an_account_and_comes_back() {
    let iap = Proxied::new().await;
    let asked = iap.get("/requests/a?x=1", &[]).await;
    assert_eq!(asked.status(), 302);
    let to = header(&asked, "location").to_owned();
    let page = iap.get(&to, &[]).await.text().await.unwrap();
    assert!(page.contains("simulates Google"), "{page}");
    assert!(page.contains("value=\"/requests/a?x=1\""), "{page}");
    assert!(page.contains("value=\"bob@example.com\""), "{page}");

    let chosen = iap
        .choose("account=alice%40example.com&continue=%2Frequests%2Fa%3Fx%3D1")
        .await;
    assert_eq!(chosen.status(), 303);
    assert_eq!(header(&chosen, "location"), "/requests/a?x=1");
    let cookie = header(&chosen, "set-cookie");
    assert_eq!(
        cookie,
        "GCP_IAP_AUTH_TOKEN_SIMULATED=alice@example.com; Path=/; HttpOnly; SameSite=Lax"
    );
    let pair = cookie.split(';').next().unwrap();
    let page = iap.get("/requests/a?x=1", &[("cookie", pair)]).await;
    assert_eq!(page.text().await.unwrap(), "the application");

    let gone = iap
        .get("/_gcp_iap/clear_login_cookie", &[("cookie", pair)])
        .await;
    assert!(header(&gone, "set-cookie").contains("Max-Age=0"));
    assert!(gone.text().await.unwrap().contains("Choose who you are"));
}

#[tokio::test]
async fn signing_in_leads_nowhere_else_and_makes_up_nobody() {
    let iap = Proxied::new().await;
    for elsewhere in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
    ] {
        let form = format!("account=alice%40example.com&continue={elsewhere}");
        assert_eq!(header(&iap.choose(&form).await, "location"), "/");
    }
    let made_up = iap.choose("account=mallory%40example.com").await;
    assert_eq!(made_up.status(), 400);
    assert!(!made_up.headers().contains_key("set-cookie"));
    let forged = [("cookie", "GCP_IAP_AUTH_TOKEN_SIMULATED=mallory@example.com")];
    assert_eq!(iap.get("/", &forged).await.status(), 302);
    for script in [
        ("x-requested-with", "XMLHttpRequest"),
        ("sec-fetch-mode", "cors"),
    ] {
        assert_eq!(iap.get("/", &[script]).await.status(), 401);
    }
    assert!(iap.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn attack_22_what_only_the_proxy_may_say_is_taken_out() {
    let iap = Proxied::new().await;
    let headers = [
        ("cookie", COOKIE),
        ("cookie", "theme=dark"),
        ("x-goog-iap-jwt-assertion", "forged"),
        (
            "x-goog-authenticated-user-email",
            "accounts.google.com:bob@example.com",
        ),
        ("X-Goog-Whatever", "forged"),
        ("te", "trailers"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("host", "jit.example.com"),
        ("origin", "https://jit.example.com"),
        ("sec-fetch-site", "same-origin"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    assert_eq!(iap.get("/page?q=%2F", &headers).await.status(), 200);
    let (uri, seen, _) = iap.seen.lock().unwrap().pop().unwrap();
    assert_eq!(uri, "/page?q=%2F");
    let text = |name: &str| seen[name].to_str().unwrap().to_owned();
    let (_, claims, verified) = read(
        &text("x-goog-iap-jwt-assertion"),
        &iap.google.ok(KEYS).await,
    );
    assert!(verified);
    assert_eq!(claims["email"], "alice@example.com");
    assert_eq!(claims["aud"], AUDIENCE);
    assert_eq!(
        text("x-goog-authenticated-user-email"),
        "accounts.google.com:alice@example.com"
    );
    assert_eq!(
        text("x-goog-authenticated-user-id"),
        claims["sub"].as_str().unwrap()
    );
    assert_eq!(text("cookie"), "theme=dark");
    assert_eq!(text("host"), "jit.example.com");
    assert_eq!(text("origin"), "https://jit.example.com");
    assert_eq!(text("sec-fetch-site"), "same-origin");
    assert_eq!(text("x-forwarded-for"), "192.0.2.1, 127.0.0.1");
    for name in ["x-goog-whatever", "te", "connection", "x-private"] {
        assert!(!seen.contains_key(name), "{name}");
    }
    for (name, values) in [("x-goog-iap-jwt-assertion", 1), ("host", 1), ("cookie", 1)] {
        assert_eq!(seen.get_all(name).iter().count(), values, "{name}");
    }
}

#[tokio::test]
async fn forms_and_their_lengths_arrive() {
    let iap = Proxied::new().await;
    let large = "x".repeat(300_000);
    for body in ["a=1&b=2", large.as_str()] {
        let answer = iap
            .http
            .post(format!("{}/form", iap.base))
            .header("cookie", COOKIE)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "the application");
        let (_, headers, arrived) = iap.seen.lock().unwrap().pop().unwrap();
        assert!(arrived == body.as_bytes());
        assert_eq!(headers["content-length"], body.len().to_string().as_str());
    }
}

#[tokio::test]
async fn events_flow_at_once_and_end_when_the_client_leaves() {
    let iap = Proxied::new().await;
    let mut stream = iap.get("/events", &[("cookie", COOKIE)]).await;
    let first = timeout(SECOND, stream.chunk()).await.unwrap().unwrap();
    assert_eq!(first.unwrap(), "data: first\n\n");
    assert!(iap.seen.lock().unwrap().is_empty());
    drop(stream);
    let left = async {
        while iap.seen.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(5 * SECOND, left).await.unwrap();
    assert_eq!(iap.seen.lock().unwrap()[0].0, "/left");
}

#[tokio::test]
async fn an_application_that_does_not_answer_is_said() {
    let iap = Proxied::without_upstream(Seen::default()).await;
    let signed_in = [("cookie", COOKIE)];
    let none = iap.get("/", &signed_in).await;
    assert_eq!(none.status(), 502);
    assert!(
        none.text()
            .await
            .unwrap()
            .contains("no application was named yet")
    );
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (upstream, status) in [(upstream.as_str(), 200), ("ftp://x", 400)] {
        let body = json!({"upstream": upstream});
        assert_eq!(
            iap.google.post("/control/iap/upstream", body).await.0,
            status
        );
    }
    let dead = iap.get("/", &signed_in).await;
    assert_eq!(dead.status(), 502);
    assert!(dead.text().await.unwrap().contains("cannot forward"));
}
