//! The layer in front of all pages.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use tower::ServiceExt;

use super::*;

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
