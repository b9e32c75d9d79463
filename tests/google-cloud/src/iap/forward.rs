//! One request on its way to the application and its answer on the way back, both as streams.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body::{Frame, SizeHint};

use super::{account_number, session};

/// How long a connection to the application may take. An answer may take any time.
const CONNECT: Duration = Duration::from_secs(5);

/// Headers that are about one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Who sends the request.
#[derive(Debug)]
pub struct Person<'a> {
    /// The e-mail address.
    pub account: &'a str,
    /// What the proxy asserts.
    pub assertion: &'a str,
    /// Where the request comes from.
    pub client: IpAddr,
}

/// The way to applications.
#[derive(Debug, Clone)]
pub struct Forward(reqwest::Client);

impl Forward {
    /// The client. It follows no redirect: those are the browser's.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new() -> anyhow::Result<Self> {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .build()
            .map(Self)
            .context("the client of the simulated Identity-Aware Proxy cannot be made")
    }

    /// Sends a request to the application, and returns its answer as soon as that begins.
    ///
    /// # Errors
    /// What went wrong, when there is no answer.
    pub async fn send(
        &self,
        upstream: &str,
        person: &Person<'_>,
        request: Request,
    ) -> Result<Response<Body>, String> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", upstream.trim_end_matches('/'));
        identify(&mut parts.headers, person)
            .map_err(|_| "the account fits into no header".to_owned())?;
        let answer = self
            .0
            .request(parts.method, url)
            .headers(parts.headers)
            .body(reqwest::Body::wrap(Outgoing(Mutex::new(body))))
            .send()
            .await
            .map_err(|error| format!("{:#}", anyhow::Error::new(error.without_url())))?;
        let mut answer = axum::http::Response::<reqwest::Body>::from(answer).map(Body::new);
        strip_hop_by_hop(answer.headers_mut());
        // As a browser would see it from Google's.
        answer
            .headers_mut()
            .insert(header::VIA, HeaderValue::from_static("1.1 google"));
        Ok(answer)
    }
}

/// Takes out what only the proxy may say, and says it.
fn identify(
    headers: &mut HeaderMap,
    person: &Person<'_>,
) -> Result<(), axum::http::header::InvalidHeaderValue> {
    strip_hop_by_hop(headers);
    session::strip(headers);
    remove(headers, |name| name.as_str().starts_with("x-goog-"));
    let before = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut forwarded: Vec<String> = before.map(str::to_owned).collect();
    forwarded.push(person.client.to_string());
    let source = "accounts.google.com:";
    for (name, value) in [
        ("x-forwarded-for", forwarded.join(", ")),
        ("x-goog-iap-jwt-assertion", person.assertion.to_owned()),
        (
            "x-goog-authenticated-user-email",
            format!("{source}{}", person.account),
        ),
        (
            "x-goog-authenticated-user-id",
            format!("{source}{}", account_number(person.account)),
        ),
    ] {
        headers.insert(name, HeaderValue::from_str(&value)?);
    }
    Ok(())
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    remove(headers, |name| {
        HOP_BY_HOP.contains(&name.as_str()) || named.iter().any(|named| named == name.as_str())
    });
}

fn remove(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_unwanted(name))
        .cloned()
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// A request's body on its way. The client's bodies must be `Sync`, which the server's are not.
#[derive(Debug)]
struct Outgoing(Mutex<Body>);

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}
