//! What may come from another site: nothing that changes anything.
//!
//! Who is signed in comes with every request that the browser sends, also with one that a stranger's
//! page made it send. So a request that may change something must come from a page of our own. The
//! browser says where it comes from in headers which no script can set; no token in a form and no
//! session is needed for that.

use axum::extract::Request;
use axum::http::header::{ALLOW, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::plain_page::plain_page;
use crate::shown_path::shown_path;

/// Which site made the browser send this.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Whether the browser came by https, as the load balancer says.
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A layer that refuses what another site's page made a browser send, and methods that no page of
/// ours uses. Reading is free: it changes nothing.
pub async fn require_own(request: Request, next: Next) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        Method::POST => match check(request.headers()) {
            Ok(()) => next.run(request).await,
            Err(why) => {
                tracing::warn!(
                    path = shown_path(&request),
                    why,
                    "a cross-site request was refused"
                );
                plain_page(
                    StatusCode::FORBIDDEN,
                    "Not from here",
                    "This was not sent from a page of JIT Access, so nothing was done: go back, and press the button there.",
                )
            }
        },
        _ => {
            let mut answer = plain_page(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not possible",
                "JIT Access knows no such method: use its pages.",
            );
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            answer
        }
    }
}

/// Whether a page of our own sent this.
fn check(headers: &HeaderMap) -> Result<(), &'static str> {
    if headers.contains_key(&SEC_FETCH_SITE) {
        return match only(headers, &SEC_FETCH_SITE) {
            Some("same-origin") => Ok(()),
            _ => Err("Sec-Fetch-Site is not same-origin"),
        };
    }
    // Browsers before 2023, and every one on plain HTTP other than to the machine itself.
    let origin = only(headers, &ORIGIN).ok_or("neither Sec-Fetch-Site nor one Origin")?;
    let host = only(headers, &HOST).ok_or("not one Host")?;
    let (scheme, from) = origin.split_once("://").ok_or("Origin names no site")?;
    let default_port = match scheme {
        "https" => ":443",
        // Whoever is on the path can answer for the site by plain HTTP, and send from there.
        "http" if came_by_https(headers) => return Err("Origin is plain HTTP, the site is not"),
        "http" => ":80",
        _ => return Err("Origin is neither http nor https"),
    };
    let bare = |site: &str| {
        site.strip_suffix(default_port)
            .unwrap_or(site)
            .to_ascii_lowercase()
    };
    if !from.is_empty() && bare(from) == bare(host) {
        Ok(())
    } else {
        Err("Origin is another site than Host")
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether the browser came by https.
pub(crate) fn came_by_https(headers: &HeaderMap) -> bool {
    only(headers, &X_FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::any;
    use tower::ServiceExt;

    use super::*;

    async fn send(method: &str, headers: &[(&str, &str)]) -> Response {
        let router = Router::new()
            .route("/requests", any(|| async { "done" }))
            .layer(axum::middleware::from_fn(require_own));
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri("/requests");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    async fn post(headers: &[(&str, &str)]) -> u16 {
        send("POST", headers).await.status().as_u16()
    }

    const HOST: (&str, &str) = ("host", "jit.example.com");

    #[tokio::test]
    async fn attack_23_only_a_page_of_our_own_changes_anything() {
        let same = ("sec-fetch-site", "same-origin");
        assert_eq!(post(&[HOST, same]).await, 200);
        // As sent by a page with a strict Referrer-Policy.
        assert_eq!(post(&[HOST, same, ("origin", "null")]).await, 200);
        for site in [
            "cross-site",
            "same-site",
            "none",
            "",
            "Same-Origin",
            "same-origin, x",
        ] {
            let own = ("origin", "https://jit.example.com");
            assert_eq!(
                post(&[HOST, own, ("sec-fetch-site", site)]).await,
                403,
                "{site}"
            );
        }
        let twice = [HOST, same, ("sec-fetch-site", "cross-site")];
        assert_eq!(post(&twice).await, 403);
    }

    #[tokio::test]
    async fn attack_23_an_older_browser_says_its_origin() {
        for (host, origin) in [
            ("jit.example.com", "https://jit.example.com"),
            ("JIT.example.com", "https://jit.example.com"),
            ("jit.example.com:443", "https://jit.example.com"),
            ("10.0.0.7:8000", "http://10.0.0.7:8000"),
            ("[::1]:8000", "http://[::1]:8000"),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(post(&headers).await, 200, "{headers:?}");
        }
        for origin in [
            "null",
            "",
            "https://",
            "https://evil.example.com",
            "https://jit.example.com.evil.com",
            "https://evil.com#jit.example.com",
            "https://jit.example.com@evil.com",
            "https://evil.com/jit.example.com",
            "https://jit.example.com:8443",
            "https://jit.example.com:80",
            "http://jit.example.com:443",
            "https://jit.example.com/",
            "chrome-extension://jit.example.com",
            "jit.example.com",
            "https://jit.example.com https://evil.com",
        ] {
            assert_eq!(post(&[HOST, ("origin", origin)]).await, 403, "{origin}");
        }
        let own = ("origin", "https://jit.example.com");
        assert_eq!(post(&[own]).await, 403);
        assert_eq!(post(&[HOST, ("host", "evil.com"), own]).await, 403);
        assert_eq!(
            post(&[HOST, own, ("origin", "https://evil.com")]).await,
            403
        );
    }

    #[tokio::test]
    async fn attack_23_plain_http_does_not_speak_for_a_site_on_https() {
        let plain = ("origin", "http://jit.example.com");
        assert_eq!(post(&[HOST, plain]).await, 200);
        let https = ("x-forwarded-proto", "https");
        assert_eq!(post(&[HOST, plain, https]).await, 403);
        assert_eq!(
            post(&[HOST, ("origin", "https://jit.example.com"), https]).await,
            200
        );
    }

    #[tokio::test]
    async fn attack_23_who_says_nothing_is_refused_with_a_way_back() {
        assert_eq!(post(&[]).await, 403);
        // A Referer is no proof: it is often absent.
        assert_eq!(
            post(&[HOST, ("referer", "https://jit.example.com/")]).await,
            403
        );
        let answer = send("POST", &[HOST]).await;
        let page = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("nothing was done"), "{page}");
        assert!(page.contains("<a href=\"/\">"), "{page}");
    }

    #[tokio::test]
    async fn a_link_from_elsewhere_opens_a_page() {
        let elsewhere = ("sec-fetch-site", "cross-site");
        for method in ["GET", "HEAD"] {
            assert_eq!(send(method, &[HOST, elsewhere]).await.status(), 200);
        }
    }

    #[tokio::test]
    async fn other_methods_do_not_exist() {
        for method in [
            "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "X",
        ] {
            let answer = send(method, &[HOST, ("sec-fetch-site", "same-origin")]).await;
            assert_eq!(answer.status(), 405, "{method}");
            assert_eq!(answer.headers()["allow"], "GET, HEAD, POST");
        }
    }
}
