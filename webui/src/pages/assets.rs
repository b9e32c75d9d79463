//! Style sheet, script and icon: part of the program. Their address changes with their content, so
//! that a browser keeps them and yet never has an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

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

/// What all of them are, as a number.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in FILES.iter().flat_map(|(_, _, content)| content.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
});

/// Where a file is.
#[must_use]
pub fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// Answers with a file. One of another version of the program is not kept: during an update both run.
pub async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(other, _, _)| *other == name) else {
        return StatusCode::NOT_FOUND.into_response();
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
