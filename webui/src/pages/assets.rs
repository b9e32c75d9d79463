//! Style sheet, script and icon: part of the program. Their address changes with their content, so
//! that a browser keeps them and yet never has an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::fingerprint::fingerprint;
use crate::plain_page::plain_page;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, type and content. The scripts are modules that `app.js` imports from beside itself, so they
/// are always those of one version.
const FILES: [(&str, &str, &str); 10] = [
    ("style.css", CSS, include_str!("../../assets/style.css")),
    ("app.js", SCRIPT, include_str!("../../assets/app.js")),
    ("ask.js", SCRIPT, include_str!("../../assets/ask.js")),
    ("live.js", SCRIPT, include_str!("../../assets/live.js")),
    ("page.js", SCRIPT, include_str!("../../assets/page.js")),
    ("search.js", SCRIPT, include_str!("../../assets/search.js")),
    (
        "sending.js",
        SCRIPT,
        include_str!("../../assets/sending.js"),
    ),
    ("times.js", SCRIPT, include_str!("../../assets/times.js")),
    (
        "waiting.js",
        SCRIPT,
        include_str!("../../assets/waiting.js"),
    ),
    ("icon.svg", SVG, include_str!("../../assets/icon.svg")),
];

/// What all of them are, in a word.
static VERSION: LazyLock<String> =
    LazyLock::new(|| fingerprint(FILES.iter().map(|(_, _, content)| content.as_bytes())));

/// Where a file is.
#[must_use]
pub fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// Answers with a file. One of another version of the program is not kept: during an update both run.
pub async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(other, _, _)| *other == name) else {
        let sentence = "There is no file at this address.";
        return plain_page(StatusCode::NOT_FOUND, "No such file", sentence);
    };
    let kept = if version == *VERSION {
        "private, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    (headers, *content).into_response()
}
