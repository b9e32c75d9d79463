//! Headers of every answer: what a browser may do with a page of ours.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, HeaderName, STRICT_TRANSPORT_SECURITY};
use axum::middleware::Next;
use axum::response::Response;

use crate::origin::came_by_https;

/// A page loads and calls what is ours, runs no script that is written into it, makes no markup from
/// text in a script, sends its forms to us, and is shown in no frame: neither a justification nor
/// another site can put anything between a person and the button.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const ALWAYS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    // Other sites learn nothing. With `no-referrer` browsers send `Origin: null` from our own forms
    // too, which would shut out those that do not say Sec-Fetch-Site.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
];

/// A layer that puts them on every answer. It belongs outside of all others: refusals have them too.
pub async fn protect(request: Request, next: Next) -> Response {
    let https = came_by_https(request.headers());
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    // A page is one person's at one moment; an asset says for itself how long it is good.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if https {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::HeaderMap;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn headers_of(path: &str, scheme: Option<&str>) -> HeaderMap {
        let router = Router::new()
            .route("/", get(|| async { "page" }))
            .route(
                "/assets/app.js",
                get(|| async { ([("cache-control", "max-age=60")], "asset") }),
            )
            .route(
                "/lax",
                get(|| async { [("content-security-policy", "default-src *")] }),
            )
            .layer(axum::middleware::from_fn(protect));
        let mut request = axum::http::Request::builder().uri(path);
        if let Some(scheme) = scheme {
            request = request.header("x-forwarded-proto", scheme);
        }
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().headers().clone()
    }

    #[tokio::test]
    async fn attack_23_every_answer_says_what_a_browser_may_do_with_it() {
        for path in ["/", "/assets/app.js", "/nowhere", "/lax"] {
            let headers = headers_of(path, None).await;
            for (name, value) in ALWAYS {
                let values: Vec<_> = headers.get_all(name).iter().collect();
                assert_eq!(values, [value], "{path}: {name}");
            }
            let policy = headers["content-security-policy"].to_str().unwrap();
            let directives: Vec<_> = policy.split("; ").collect();
            assert_eq!(directives[0], "default-src 'none'");
            assert!(directives.contains(&"frame-ancestors 'none'"), "{policy}");
            assert!(directives.contains(&"form-action 'self'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[tokio::test]
    async fn pages_are_not_kept_and_assets_say_for_themselves() {
        assert_eq!(headers_of("/", None).await["cache-control"], "no-store");
        assert_eq!(
            headers_of("/nowhere", None).await["cache-control"],
            "no-store"
        );
        let asset = headers_of("/assets/app.js", None).await;
        assert_eq!(asset["cache-control"], "max-age=60");
    }

    #[tokio::test]
    async fn a_site_on_https_stays_there() {
        let name = "strict-transport-security";
        assert_eq!(
            headers_of("/", Some("https")).await[name],
            "max-age=31536000"
        );
        assert!(!headers_of("/", Some("http")).await.contains_key(name));
        assert!(!headers_of("/", None).await.contains_key(name));
    }
}
