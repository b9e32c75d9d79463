//! The stream of changes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures::StreamExt;
use jit_access_crds::AccessState;
use serde_json::json;
use tower::ServiceExt;

use super::site::{ALICE, BOB, CAROL, EVE, Site, request};

/// The stream that a page names, as its pieces of text.
async fn stream(
    site: &Site,
    page: &str,
    who: &str,
) -> impl futures::Stream<Item = String> + Unpin + use<> {
    let text = site.get(page, who).await.text;
    let (_, rest) = text.split_once("data-live=\"").unwrap();
    let address = rest.split('"').next().unwrap().replace("&#38;", "&");
    let request = site
        .request(Method::GET, &address, who)
        .body(Body::empty())
        .unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let pieces = response.into_body().into_data_stream();
    Box::pin(pieces.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()))
}

/// Whether a piece comes soon; nothing is proven by waiting longer for nothing.
async fn comes(stream: &mut (impl futures::Stream<Item = String> + Unpin)) -> Option<String> {
    let next = tokio::time::timeout(Duration::from_millis(700), stream.next());
    next.await.ok().flatten()
}

#[tokio::test]
async fn an_open_page_is_told_of_what_concerns_it_and_of_nothing_else() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let mut of_request = stream(&site, "/requests/asks", BOB).await;
    let mut of_mine = stream(&site, "/requests", EVE).await;
    assert_eq!(comes(&mut of_request).await, None);
    site.put(request("asks", Some(AccessState::Active), &json!({})));
    let piece = comes(&mut of_request).await.unwrap();
    assert!(piece.starts_with("event: changed\ndata: "), "{piece}");
    // Nothing about it, not even its state: whoever may see it loads the page.
    assert!(
        !piece.contains("asks") && !piece.contains("Active"),
        "{piece}"
    );
    assert_eq!(comes(&mut of_mine).await, None);
}

#[tokio::test]
async fn nothing_is_missed_between_the_page_and_its_stream() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let text = site.get("/waiting", CAROL).await.text;
    let (_, rest) = text.split_once("data-live=\"").unwrap();
    let address = rest.split('"').next().unwrap().replace("&#38;", "&");
    site.put(request(
        "other",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let request = site
        .request(Method::GET, &address, CAROL)
        .body(Body::empty())
        .unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    let mut pieces = response.into_body().into_data_stream();
    let first = tokio::time::timeout(Duration::from_secs(5), pieces.next()).await;
    let first = first.unwrap().unwrap().unwrap();
    assert!(first.starts_with(b"event: changed"), "{first:?}");
}

#[tokio::test]
async fn streams_are_bounded_and_give_their_place_back() {
    let site = Site::new().await;
    let first = stream(&site, "/requests", ALICE).await;
    assert_eq!(site.app.followers.count(), 1);
    let held: Vec<_> = std::iter::from_fn(|| site.app.followers.take(ALICE)).collect();
    let more = site.get("/live?of=mine&version=x", ALICE).await;
    assert_eq!(more.status, StatusCode::SERVICE_UNAVAILABLE);
    more.has("More pages are open than can be told of changes");
    drop((first, held));
    assert_eq!(site.app.followers.count(), 0);
    let long = format!("/live?of=mine&version={}", "x".repeat(100));
    for address in [
        "/live",
        "/live?of=everything",
        "/live?of=request&name=..%2Fx",
        long.as_str(),
    ] {
        let page = site.get(address, ALICE).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{address}");
        page.has("<a href=\"/\">");
    }
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_lives() {
    let site = Site::new().await;
    let mut of_mine = stream(&site, "/requests", ALICE).await;
    tokio::time::pause();
    for beat in 1..=3 {
        let begun = tokio::time::Instant::now();
        let piece = of_mine.next().await.unwrap();
        assert!(piece.starts_with(':'), "{beat}: {piece}");
        assert_eq!(begun.elapsed().as_secs(), 15, "{beat}");
    }
}
