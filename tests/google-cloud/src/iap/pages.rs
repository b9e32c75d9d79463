//! The proxy's own pages: signing in, and an upstream that does not answer.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

/// Where the account is chosen.
pub const SIGN_IN: &str = "/_gcp_iap/sign_in";

/// Nothing of them is loaded from anywhere, and nothing runs.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 26rem; margin: 4rem auto; padding: 0 1rem }
ul { list-style: none; padding: 0 }
button { font: inherit; width: 100%; text-align: left; padding: .75rem 1rem; margin: .25rem 0 }
";

/// The page to choose an account; `wanted` is where it leads to.
pub fn sign_in(status: StatusCode, accounts: &[String], wanted: &str) -> Response<Body> {
    let wanted = escape(wanted);
    let choices: String = accounts
        .iter()
        .map(|account| {
            let account = escape(account);
            format!("<li><button name=\"account\" value=\"{account}\">{account}</button></li>\n")
        })
        .collect();
    let choices = if choices.is_empty() {
        "<p>The simulated world has no users yet.</p>".to_owned()
    } else {
        format!(
            "<form method=\"post\" action=\"{SIGN_IN}\">\n<input type=\"hidden\" name=\"continue\" value=\"{wanted}\">\n\
             <ul>\n{choices}</ul>\n</form>"
        )
    };
    page(
        status,
        "Choose who you are",
        &format!(
            "<p>This page simulates Google&rsquo;s sign-in in front of Identity-Aware Proxy. It asks for no password.</p>\n{choices}"
        ),
    )
}

/// The upstream cannot be reached, or none was said; `sentence` says which.
pub fn no_upstream(sentence: &str) -> Response<Body> {
    page(
        StatusCode::BAD_GATEWAY,
        "The application does not answer",
        &format!(
            "<p>The simulated Identity-Aware Proxy cannot forward this request: {}.</p>",
            escape(sentence)
        ),
    )
}

/// A refusal in a sentence.
pub fn refusal(status: StatusCode, sentence: &str) -> Response<Body> {
    page(
        status,
        "This cannot be done",
        &format!("<p>{}</p>", escape(sentence)),
    )
}

/// Leads a browser elsewhere on this host.
pub fn redirect(status: StatusCode, to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}

fn page(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text as it may stand in HTML, in an attribute too.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
