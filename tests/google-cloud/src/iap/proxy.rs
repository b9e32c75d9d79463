//! The proxy: who is not signed in chooses an account, everybody else is forwarded with an assertion.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State as Shared};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use axum::routing::{any, get};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::forward::{self, Forward};
use super::{pages, session};
use crate::server::Simulator;

/// The largest form that signing in sends.
const LARGEST_FORM: usize = 16 << 10;

/// Identity-Aware Proxy in front of one application.
#[derive(Debug)]
pub struct IapProxy {
    /// Where browsers reach it.
    pub listener: TcpListener,
    /// The application's base URL, if it is known already; the control API can say it later.
    pub upstream: Option<String>,
    /// The audience of its assertions: `/projects/NUMBER/global/backendServices/ID`.
    pub audience: String,
}

#[derive(Debug, Clone)]
struct Proxy {
    simulator: Simulator,
    audience: String,
    forward: Forward,
}

/// Serves the proxy until the task is dropped.
///
/// # Errors
/// A listener that fails.
pub async fn serve(proxy: IapProxy, simulator: Simulator) -> anyhow::Result<()> {
    let shared = Proxy {
        simulator,
        audience: proxy.audience,
        forward: Forward::new()?,
    };
    let router = Router::new()
        .route(pages::SIGN_IN, get(sign_in_page).post(sign_in))
        .route("/_gcp_iap/clear_login_cookie", get(sign_out))
        .fallback(any(application))
        .with_state(shared);
    axum::serve(
        proxy.listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
    .context("the simulated Identity-Aware Proxy ended")
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "continue", default)]
    wanted: String,
}

async fn sign_in_page(
    Shared(proxy): Shared<Proxy>,
    Query(wanted): Query<Wanted>,
) -> Response<Body> {
    let accounts = proxy.simulator.lock().people();
    pages::sign_in(StatusCode::OK, &accounts, local(&wanted.wanted))
}

async fn sign_in(Shared(proxy): Shared<Proxy>, request: Request) -> Response<Body> {
    let Ok(bytes) = axum::body::to_bytes(request.into_body(), LARGEST_FORM).await else {
        return pages::refusal(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.");
    };
    let field = |name: &str| {
        form_urlencoded::parse(&bytes)
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
            .unwrap_or_default()
    };
    let account = field("account");
    let known = proxy.simulator.lock().people().contains(&account);
    let cookie = session::set_cookie(Some(&account)).filter(|_| known);
    let Some(cookie) = cookie else {
        return pages::refusal(
            StatusCode::BAD_REQUEST,
            "Nobody has this account: choose one of the page.",
        );
    };
    let mut response = pages::redirect(StatusCode::SEE_OTHER, local(&field("continue")));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

async fn sign_out(Shared(proxy): Shared<Proxy>) -> Response<Body> {
    let accounts = proxy.simulator.lock().people();
    let mut response = pages::sign_in(StatusCode::OK, &accounts, "/");
    if let Some(cookie) = session::set_cookie(None) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn application(
    Shared(proxy): Shared<Proxy>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (account, assertion, upstream) = {
        let state = proxy.simulator.lock();
        let people = state.people();
        // An account that left the world is signed out.
        let Some(account) =
            session::account(request.headers()).filter(|account| people.contains(account))
        else {
            return not_signed_in(&request, &people);
        };
        let assertion = super::assertion(&state, &account, &proxy.audience);
        (account, assertion, state.iap.upstream.clone())
    };
    let Some(upstream) = upstream else {
        return pages::no_upstream("no application was named yet");
    };
    let assertion = match assertion {
        Ok(assertion) => assertion,
        Err(sentence) => return pages::refusal(StatusCode::INTERNAL_SERVER_ERROR, &sentence),
    };
    let person = forward::Person {
        account: &account,
        assertion: &assertion,
        client: client.ip(),
    };
    match proxy.forward.send(&upstream, &person, request).await {
        Ok(response) => response,
        Err(sentence) => pages::no_upstream(&sentence),
    }
}

/// A page that was asked for leads to signing in and back; a call of a script fails, as it does with Google's.
fn not_signed_in(request: &Request, people: &[String]) -> Response<Body> {
    if is_navigation(request.method(), request.headers()) {
        let wanted = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("continue", local(wanted))
            .finish();
        return pages::redirect(StatusCode::FOUND, &format!("{}?{query}", pages::SIGN_IN));
    }
    pages::sign_in(StatusCode::UNAUTHORIZED, people, "/")
}

fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes()))
    };
    method == Method::GET
        && !is("x-requested-with", "XMLHttpRequest")
        && (is("sec-fetch-mode", "navigate") || !headers.contains_key("sec-fetch-mode"))
}

/// A path on this host; the root for whatever leads elsewhere, to a browser that forgives much.
fn local(wanted: &str) -> &str {
    let leads_away = !wanted.starts_with('/')
        || wanted.starts_with("//")
        || wanted.contains('\\')
        || wanted
            .chars()
            .any(|character| !character.is_ascii_graphic())
        || wanted.parse::<Uri>().is_err();
    if leads_away { "/" } else { wanted }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_paths_of_this_host_are_led_to() {
        for path in ["/", "/requests/a?x=1&y=//z", "/a%20b"] {
            assert_eq!(local(path), path);
        }
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x=1",
            "/\t/evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
