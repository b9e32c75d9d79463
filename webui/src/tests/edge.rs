//! The edge of the whole site: nothing without an assertion, nothing from other sites, headers,
//! hostile text.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jit_access_crds::AccessState;
use serde_json::json;

use super::site::{ALICE, BOB, Site, request};

const ADDRESSES: [(&str, &str); 15] = [
    ("GET", "/"),
    ("POST", "/"),
    ("POST", "/preview"),
    ("GET", "/requests"),
    ("POST", "/requests"),
    ("GET", "/requests/asks"),
    ("POST", "/requests/asks/decision"),
    ("POST", "/requests/asks/withdrawal"),
    ("POST", "/requests/asks/end"),
    ("GET", "/waiting"),
    ("POST", "/waiting"),
    ("GET", "/history"),
    ("GET", "/resources?q=w"),
    ("GET", "/live?of=mine&version=x"),
    ("GET", "/assets/x/style.css"),
];

#[tokio::test]
async fn attack_22_no_address_answers_without_an_assertion() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for (method, address) in ADDRESSES.into_iter().chain([("GET", "/nowhere")]) {
        let request = Request::builder()
            .method(method)
            .uri(address)
            .header("host", "jit.example.com")
            .header("sec-fetch-site", "same-origin")
            .header(
                "x-goog-authenticated-user-email",
                "accounts.google.com:bob@example.com",
            )
            .header("x-goog-authenticated-user-id", "accounts.google.com:1")
            .body(Body::empty())
            .unwrap();
        let page = site.send(request).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{method} {address}");
        page.lacks("bob@").lacks("INC-").has("href=\"/\"");
    }
    let probe = Request::get("/healthz").body(Body::empty()).unwrap();
    let page = site.send(probe).await;
    assert_eq!((page.status, page.text.as_str()), (StatusCode::OK, "ok\n"));
}

#[tokio::test]
async fn attack_8_only_google_accounts_of_people_come_in() {
    let site = Site::new().await;
    let page = site.get("/", "robot@p.iam.gserviceaccount.com").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.has("which is not a person&#39;s Google account: sign in as a person");
    assert_eq!(
        site.get("/", "Alice@Example.com").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn attack_23_no_other_site_changes_anything() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let form = "uid=0a1b2c3d-asks&decision=approve";
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("x-nothing", "at all"),
    ] {
        for (_, address) in ADDRESSES
            .into_iter()
            .filter(|(method, _)| *method == "POST")
        {
            let request = site
                .request(Method::POST, address, BOB)
                .header("content-type", "application/x-www-form-urlencoded")
                .header(name, value);
            let page = site.send(request.body(Body::from(form)).unwrap()).await;
            assert_eq!(
                page.status,
                StatusCode::FORBIDDEN,
                "{address} {name}: {value}"
            );
            page.has("<a href=\"/\">");
        }
    }
    assert!(site.writes().is_empty());
    let own = site
        .request(Method::POST, "/requests/asks/decision", BOB)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://jit.example.com");
    let page = site.send(own.body(Body::from(form)).unwrap()).await;
    assert_eq!(page.location(), "/requests/asks?done=approved");
}

#[tokio::test]
async fn attack_23_nothing_is_decided_by_a_link() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for (address, leads_to) in [
        (
            "/requests/asks/decision?uid=0a1b2c3d-asks&decision=approve",
            "/requests/asks",
        ),
        ("/requests/asks/end?uid=0a1b2c3d-asks", "/requests/asks"),
        (
            "/requests/asks/withdrawal?uid=0a1b2c3d-asks",
            "/requests/asks",
        ),
        ("/preview?resource=projects/web-prod", "/"),
    ] {
        let page = site.get(address, BOB).await;
        assert_eq!(page.location(), leads_to, "{address}");
    }
    for address in ["/history", "/assets/x/style.css"] {
        let page = site.post(address, BOB, &[]).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{address}");
        page.has("This address takes no such call.").has("<a ");
    }
    for nowhere in [
        "/requests/..%2Fx/end",
        "/requests/%2Fevil.example.com/decision",
    ] {
        let page = site.get(nowhere, BOB).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
    site.get("/requests/asks?uid=0a1b2c3d-asks&decision=approve", BOB)
        .await
        .has("Your decision");
    site.get("/waiting?request=asks/0a1b2c3d-asks&decision=approve", BOB)
        .await;
    assert!(site.writes().is_empty());
}

#[tokio::test]
async fn every_page_binds_the_browser() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for address in [
        "/",
        "/requests",
        "/requests/asks",
        "/waiting",
        "/history",
        "/nowhere",
        "/requests/none",
    ] {
        let page = site.get(address, ALICE).await;
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{address}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(!page.header("referrer-policy").is_empty());
        // Nothing of another host is loaded, and nothing is inline.
        page.lacks("<style")
            .lacks(" style=")
            .lacks(" onclick=")
            .lacks("src=\"http")
            .lacks("javascript:");
        for script in page.text.split("<script").skip(1) {
            assert!(
                script.starts_with(" src=\"/assets/"),
                "{address}: {script:.60}"
            );
        }
    }
}

#[tokio::test]
async fn assets_are_kept_by_their_content_alone() {
    let site = Site::new().await;
    let page = site.get("/", ALICE).await;
    for (name, kind) in [
        ("style.css", "text/css"),
        ("app.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let (_, rest) = page.text.split_once("/assets/").unwrap();
        let version = rest.split('/').next().unwrap();
        let asset = site.get(&format!("/assets/{version}/{name}"), ALICE).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.header("content-type").starts_with(kind));
        assert!(
            asset.header("cache-control").contains("immutable"),
            "{name}"
        );
        let other = site.get(&format!("/assets/other/{name}"), ALICE).await;
        assert_eq!(other.header("cache-control"), "no-store");
    }
    let none = site.get("/assets/x/..%2Fsecret", ALICE).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    none.has("There is no file at this address.")
        .has("<a href=\"/\">");
}

#[tokio::test]
async fn attack_17_hostile_text_is_shown_harmless_everywhere() {
    let site = Site::new().await;
    let script = "<script>alert(1)</script>";
    let quote = "\"><img src=x onerror=alert(1)>";
    let hostile = json!({
        "metadata": {"annotations": {
            "denied-by.jit-access.dev/x": format!("{BOB}: {script}"),
            "jit-access.dev/created-by": script,
        }},
        "spec": {"justification": format!("INC-1 {script} {quote}"), "resource": quote, "roles": [script], "condition": quote, "duration": quote},
        "status": {
            "conditions": [{"type": "Granted", "status": "False", "reason": "AwaitingApproval", "message": script, "lastTransitionTime": "2026-11-25T12:00:00Z"}],
            "approvals": [{"approver": script, "via": quote, "comment": script, "time": "2026-11-25T12:00:00Z"}],
            "plan": {"duration": script, "bindings": [{"resource": quote, "role": script, "expression": quote}]},
        },
    });
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &hostile,
    ));
    for who in [ALICE, BOB] {
        for address in [
            "/requests",
            "/requests/asks",
            "/waiting",
            "/history",
            "/history?q=%3Cscript%3E",
            "/?like=asks",
        ] {
            let page = site.get(address, who).await;
            page.lacks("<script>").lacks("<img src=x");
        }
    }
    let fields = [
        ("resource", "projects/web-prod"),
        ("role", script),
        ("justification", quote),
        ("duration", quote),
        ("name", quote),
    ];
    for address in ["/", "/preview", "/requests"] {
        site.post(address, ALICE, &fields)
            .await
            .lacks("<script>")
            .lacks("<img src=x");
    }
}

#[tokio::test]
async fn forms_that_are_none_are_pages_with_a_way_back() {
    let site = Site::new().await;
    let huge = "x".repeat(70_000);
    for (kind, body, status) in [
        ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "application/x-www-form-urlencoded",
            huge.as_str(),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            "application/x-www-form-urlencoded",
            "justification=%ff",
            StatusCode::BAD_REQUEST,
        ),
        (
            "application/x-www-form-urlencoded",
            "resource=a&resource=b",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let request = site
            .request(Method::POST, "/requests", ALICE)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind);
        let page = site
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await;
        assert_eq!(page.status, status, "{kind}");
        page.has("<a href=\"/\">");
    }
    let page = site.get("/requests/%ff", ALICE).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.has("<a href=\"/\">");
    let page = site.get("/nowhere", ALICE).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.has("There is no page at this address.")
        .has("Ask for access");
}

#[tokio::test]
async fn nobody_keeps_the_others_waiting() {
    let site = Site::new().await;
    let held: Vec<_> = std::iter::from_fn(|| site.app.calls.take(ALICE)).collect();
    let page = site.get("/requests", ALICE).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.has("wait until it is there").has("<a href=\"/\">");
    assert_eq!(site.get("/requests", BOB).await.status, StatusCode::OK);
    drop(held);
    assert_eq!(site.get("/requests", ALICE).await.status, StatusCode::OK);
    assert_eq!(site.app.calls.count(), 0);
}
