//! Answers with a style sheet, a script or the icon.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets::{file, is_version};
use crate::plain_page::plain_page;

/// Answers with a file. One of another version of the program is not kept: during an update both run.
pub async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let Some((kind, content)) = file(&name) else {
        let sentence = "There is no file at this address.";
        return plain_page(StatusCode::NOT_FOUND, "No such file", sentence);
    };
    let kept = if is_version(&version) {
        "private, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    (headers, content).into_response()
}
