//! Assertions as IAP signs them, and as others would like to.

mod keys;
pub(crate) mod signer;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;

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

#[tokio::test]
async fn a_genuine_assertion_says_who_is_signed_in() {
    let iap = iap().await;
    let device = json!({"google": {"device_id": "d-1", "access_levels": ["accessPolicies/1/accessLevels/corp", "b"]}});
    let signed_in = iap.says(&device).await.unwrap();
    assert_eq!(
        signed_in,
        SignedIn {
            email: "alice@example.com".into(),
            device_id: Some("d-1".into()),
            access_levels: vec!["accessPolicies/1/accessLevels/corp".into(), "b".into()],
            expires: at(600),
        }
    );
    let line = signed_in.access_levels_line().unwrap();
    assert_eq!(line, "accessPolicies/1/accessLevels/corp, b");
    let without = iap.says(&json!({})).await.unwrap();
    assert_eq!(without.device_id, None);
    assert_eq!(without.access_levels_line(), None);
}

#[tokio::test]
async fn attack_8_a_wrong_or_missing_claim_is_refused() {
    let iap = iap().await;
    let second = now().as_second();
    for (changes, status) in [
        (json!({"iss": null}), 401),
        (json!({"iss": "https://accounts.google.com"}), 401),
        (json!({"iss": "https://cloud.google.com/iap/"}), 401),
        (json!({"iss": ["https://cloud.google.com/iap"]}), 401),
        (json!({"aud": null}), 401),
        (json!({"aud": ""}), 401),
        (
            json!({"aud": "/projects/123/global/backendServices/457"}),
            401,
        ),
        (json!({"aud": [AUDIENCE]}), 401),
        (json!({"aud": [AUDIENCE, "/projects/9/apps/x"]}), 401),
        (json!({"sub": null}), 401),
        (json!({"sub": ""}), 401),
        (json!({"sub": 7}), 401),
        (json!({"sub": "1234567890"}), 403),
        (json!({"sub": "accounts.google.com:"}), 403),
        (json!({"sub": "accounts.google.com.evil:1"}), 403),
        (
            json!({"sub": "securetoken.google.com/my-project/tenant:uid"}),
            403,
        ),
        (json!({"sub": "sts.google.com:principal"}), 403),
        (json!({"gcip": {"auth_time": 1}}), 403),
        (json!({"email": null}), 401),
        (json!({"email": ""}), 401),
        (json!({"email": ["alice@example.com"]}), 401),
        (json!({"exp": null}), 401),
        (json!({"exp": "never"}), 401),
        (json!({"exp": i64::MAX}), 401),
        (json!({"exp": -1}), 401),
        (json!({"exp": 1e300}), 401),
        (json!({"iat": null}), 401),
        (json!({"iat": "now"}), 401),
        (json!({"iat": i64::MIN}), 401),
        (json!({"exp": second + 661}), 401),
        (json!({"iat": second - 61}), 401),
    ] {
        let refused = iap.says(&changes).await.unwrap_err();
        assert_eq!(refused.status(), status, "{changes}: {refused:?}");
    }
    assert!(iap.says(&json!({"exp": second + 660})).await.is_ok());
}

#[tokio::test]
async fn a_wrong_audience_or_issuer_is_logged_beside_the_right_one() {
    let iap = iap().await;
    let other = "/projects/123/global/backendServices/457";
    for (changes, there, expected) in [
        (
            json!({"aud": other}),
            "\"/projects/123/global/backendServices/457\"",
            AUDIENCE,
        ),
        (
            json!({"aud": "a\n\u{202e}b"}),
            "\"a\\n\\u{202e}b\"",
            AUDIENCE,
        ),
        (json!({"aud": "x".repeat(4000)}), "xxx…\"", AUDIENCE),
        (
            json!({"iss": "https://accounts.google.com"}),
            "\"https://accounts.google.com\"",
            "https://cloud.google.com/iap",
        ),
    ] {
        let refused = iap.says(&changes).await.unwrap_err();
        let detail = refused.detail();
        assert!(detail.contains(there), "{detail}");
        assert!(detail.contains(&format!("\"{expected}\"")), "{detail}");
        assert!(detail.len() < 400, "{detail}");
        // What this installation expects is not told to whoever tries.
        assert!(!refused.sentence().contains(expected), "{refused:?}");
    }
}

#[tokio::test]
async fn attack_22_an_expired_or_future_assertion_is_refused() {
    let iap = iap().await;
    let assertion = iap.signer.sign(&claims_at(now()));
    for (seconds, accepted) in [
        (-31, false),
        (-30, true),
        (0, true),
        (600, true),
        (629, true),
        (630, false),
        (86_400, false),
    ] {
        let result = iap.assertions.verify(&assertion, at(seconds)).await;
        assert_eq!(result.is_ok(), accepted, "{seconds}: {result:?}");
        if let Err(refused) = result {
            assert_eq!(refused.status(), 401);
        }
    }
}

#[tokio::test]
async fn attack_22_the_header_does_not_choose_the_algorithm() {
    let iap = iap().await;
    let claims = claims_at(now());
    let kid = "key-1";
    let public = iap.signer.public_point();
    for (header, signature) in [
        (json!({"alg": "none", "kid": kid}), Vec::new()),
        (json!({"alg": "None", "kid": kid}), Vec::new()),
        (json!({"kid": kid}), Vec::new()),
        (json!({"alg": "ES256", "kid": kid}), Vec::new()),
        (json!({"alg": "ES256", "kid": kid}), vec![0; 64]),
    ] {
        let forged = signer::join(&header, &claims, |_| signature.clone());
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{header}");
    }
    for alg in ["HS256", "HS384", "HS512"] {
        let header = json!({"alg": alg, "kid": kid});
        for secret in [&public[..], &public[1..]] {
            let forged = signer::join(&header, &claims, |text| signer::hs256(secret, text));
            assert_eq!(iap.refuses(&forged).await.status(), 401, "{alg}");
        }
    }
    for alg in ["RS256", "PS256", "ES384", "EdDSA", "es256", "ES256K"] {
        let header = json!({"alg": alg, "kid": kid});
        let forged = iap.signer.sign_with(&header, &claims);
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{alg}");
    }
    // None of these is worth a key.
    let fresh = self::iap().await;
    for alg in ["none", "HS256", "ES384"] {
        let forged = fresh
            .signer
            .sign_with(&json!({"alg": alg, "kid": kid}), &claims);
        fresh.refuses(&forged).await;
    }
    assert_eq!(fresh.server.downloads(), 0);
}

#[tokio::test]
async fn attack_22_another_key_or_a_key_in_the_header_proves_nothing() {
    let iap = iap().await;
    let claims = claims_at(now());
    let stranger = Signer::new("key-1");
    assert_eq!(iap.refuses(&stranger.sign(&claims)).await.status(), 401);
    for header in [
        json!({"alg": "ES256", "kid": "key-1", "jwk": stranger.jwk()}),
        json!({"alg": "ES256", "jwk": stranger.jwk()}),
        json!({"alg": "ES256", "kid": "key-1", "jku": "https://evil.example.com/keys"}),
    ] {
        let forged = stranger.sign_with(&header, &claims);
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{header}");
    }
    let critical = json!({"alg": "ES256", "kid": "key-1", "crit": ["b64"], "b64": false});
    let forged = iap.signer.sign_with(&critical, &claims);
    assert_eq!(iap.refuses(&forged).await.status(), 401);
    let without_id = iap.signer.sign_with(&json!({"alg": "ES256"}), &claims);
    assert_eq!(iap.refuses(&without_id).await.status(), 401);
}

#[tokio::test]
async fn attack_22_altered_claims_and_garbage_are_refused() {
    let iap = iap().await;
    let genuine = iap.signer.sign(&claims_at(now()));
    let [header, _, signature] = genuine.split('.').collect::<Vec<_>>()[..] else {
        panic!("{genuine}");
    };
    let mallory = signer::encode(&claims_with(&json!({"email": "mallory@example.com"})));
    let no_claims = iap.signer.sign(&json!(["not", "claims"]));
    let twice = claims_at(now()).to_string();
    let repeated = signer::join_text(
        r#"{"alg":"ES256","kid":"key-1"}"#,
        &twice.replacen('{', r#"{"email":"mallory@example.com","#, 1),
        |text| iap.signer.signature(text),
    );
    for assertion in [
        String::new(),
        "x".into(),
        "..".into(),
        "a.b.c".into(),
        format!("{header}.{mallory}.{signature}"),
        format!("{genuine}."),
        format!("{genuine}.x"),
        format!("{genuine}="),
        format!(" {genuine}"),
        format!("Bearer {genuine}"),
        genuine[..genuine.len() - 2].into(),
        format!("{genuine},{genuine}"),
        no_claims,
        repeated,
        "ä".repeat(100),
    ] {
        assert_eq!(iap.refuses(&assertion).await.status(), 401, "{assertion}");
    }
    assert!(iap.assertions.verify(&genuine, now()).await.is_ok());
}

#[tokio::test]
async fn attack_22_a_huge_assertion_is_not_read() {
    let iap = iap().await;
    let huge = iap
        .signer
        .sign(&claims_with(&json!({"x": "x".repeat(16_384)})));
    assert_eq!(iap.refuses(&huge).await.status(), 401);
    assert_eq!(iap.server.downloads(), 0);
    let large = iap
        .signer
        .sign(&claims_with(&json!({"x": "x".repeat(8_000)})));
    assert!(iap.assertions.verify(&large, now()).await.is_ok());
}

#[tokio::test]
async fn attack_7_one_mailbox_is_one_person_and_a_person() {
    let iap = iap().await;
    for (email, read) in [
        ("Alice@Example.COM", "alice@example.com"),
        ("accounts.google.com:alice@example.com", "alice@example.com"),
        ("o'brien+x@example.com", "o'brien+x@example.com"),
    ] {
        let signed_in = iap.says(&json!({"email": email})).await.unwrap();
        assert_eq!(signed_in.email, read);
    }
    for email in [
        "robot@web-prod.iam.gserviceaccount.com",
        "ROBOT@WEB-PROD.IAM.GSERVICEACCOUNT.COM",
        "123-compute@developer.gserviceaccount.com",
        "alice",
        "alice@localhost",
        " alice@example.com",
        "alice@example.com\n",
        "alice@example.com,bob@example.com",
        "al\u{131}ce@example.com",
        // Lower case of the Kelvin sign is k.
        "\u{212a}im@example.com",
        "securetoken.google.com/p/t:alice@example.com",
        "accounts.google.com:accounts.google.com:alice@example.com",
        "system:serviceaccount:a:b",
    ] {
        let refused = iap.says(&json!({"email": email})).await.unwrap_err();
        assert_eq!(refused.status(), 403, "{email}: {refused:?}");
        assert!(
            refused.sentence().contains("sign in as a person"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn attack_17_what_is_said_of_the_device_is_fit_for_an_annotation() {
    let iap = iap().await;
    let device = async |google: Value| iap.says(&json!({"google": google})).await.unwrap();
    for odd in [
        json!({"device_id": "a\nb"}),
        json!({"device_id": "a\u{202e}b"}),
        json!({"device_id": "\u{200b}"}),
        json!({"device_id": "  "}),
        json!({"device_id": 7}),
        json!({"access_levels": "all"}),
        json!({"access_levels": [1, "a\u{0}b", ""]}),
        json!("odd"),
        json!([]),
    ] {
        let signed_in = device(odd.clone()).await;
        assert_eq!(signed_in.device_id, None, "{odd}");
        assert!(signed_in.access_levels.is_empty(), "{odd}");
    }
    let long = device(json!({"device_id": "ü".repeat(2_001)})).await;
    let id = long.device_id.unwrap();
    assert_eq!(id.chars().count(), 2_000);
    assert!(id.ends_with("ü…"), "{id}");
    let exact = device(json!({"device_id": "ü".repeat(2_000)})).await;
    assert_eq!(exact.device_id, Some("ü".repeat(2_000)));
    let many: Vec<String> = (0..300).map(|n| format!("level-{n}")).collect();
    let line = device(json!({"access_levels": many})).await;
    let line = line.access_levels_line().unwrap();
    assert!(line.chars().count() <= 2_000, "{line}");
    assert!(line.starts_with("level-0, level-1, "), "{line}");
    assert!(
        line.ends_with(" more") && line.contains(", … and "),
        "{line}"
    );
    let one = device(json!({"access_levels": ["x".repeat(2_001)]})).await;
    assert_eq!(one.access_levels, ["… and 1 more"]);
}

fn behind(assertions: &Assertions) -> Router {
    let page = |signed_in: SignedIn, headers: HeaderMap| async move {
        format!("{} {}", signed_in.email, headers.len())
    };
    Router::new()
        .route("/", get(page))
        .layer(axum::middleware::from_fn_with_state(
            assertions.clone(),
            require,
        ))
}

async fn open(router: Router, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = axum::http::Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let page = to_bytes(answer.into_body(), 100_000).await.unwrap();
    (status, String::from_utf8(page.to_vec()).unwrap())
}

const HEADER: &str = "x-goog-iap-jwt-assertion";
const FORGED: [(&str, &str); 2] = [
    (
        "x-goog-authenticated-user-email",
        "accounts.google.com:bob@example.com",
    ),
    ("x-goog-authenticated-user-id", "accounts.google.com:42"),
];

#[tokio::test]
async fn attack_22_unsigned_headers_are_nobody() {
    let iap = iap().await;
    let pages = || behind(&iap.assertions);
    assert_eq!(open(pages(), &[]).await.0, 401);
    let (status, page) = open(pages(), &FORGED).await;
    assert_eq!(status, 401);
    assert!(page.contains("You are not signed in"), "{page}");
    let assertion = iap.signer.sign(&claims_at(Timestamp::now()));
    assert_eq!(open(pages(), &[("authorization", &assertion)]).await.0, 401);
    assert_eq!(open(pages(), &[("cookie", &assertion)]).await.0, 401);
    // Beside a genuine one they are not even seen.
    let both = [FORGED[0], FORGED[1], (HEADER, &assertion)];
    let page = open(pages(), &both).await;
    assert_eq!(page, (200, "alice@example.com 0".to_owned()));
}

#[tokio::test]
async fn attack_22_of_several_assertions_none_counts() {
    let iap = iap().await;
    let genuine = iap.signer.sign(&claims_at(Timestamp::now()));
    for second in [&*genuine, "", "x"] {
        let headers = [(HEADER, &*genuine), (HEADER, second)];
        assert_eq!(open(behind(&iap.assertions), &headers).await.0, 401);
    }
}

#[tokio::test]
async fn attack_22_a_page_without_the_layer_is_closed() {
    let iap = iap().await;
    let page = |signed_in: SignedIn| async move { signed_in.email };
    let forgotten = Router::new().route("/", get(page));
    let assertion = iap.signer.sign(&claims_at(Timestamp::now()));
    assert_eq!(open(forgotten, &[(HEADER, &assertion)]).await.0, 401);
}

#[tokio::test]
async fn who_is_refused_reads_why() {
    let iap = iap().await;
    let robot = "<b>robot</b>@web-prod.iam.gserviceaccount.com";
    let mut claims = claims_at(Timestamp::now());
    claims["email"] = robot.into();
    let assertion = iap.signer.sign(&claims);
    let (status, page) = open(behind(&iap.assertions), &[(HEADER, &assertion)]).await;
    assert_eq!(status, 403);
    assert!(page.contains("sign in as a person"), "{page}");
    assert!(!page.contains("<b>"), "{page}");
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
