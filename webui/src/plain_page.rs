//! A page that says one thing: for answers that are given before there is anybody to show more to.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ title }} - JIT Access</title><link rel="stylesheet" href="/assets/style.css"></head>
<body><main><h1>{{ title }}</h1><p>{{ sentence }}</p><p><a href="/">Back to JIT Access</a></p></main></body>
</html>
"#
)]
struct PlainPage<'a> {
    title: &'a str,
    sentence: &'a str,
}

/// A page with a title, a sentence, and a way back.
#[must_use]
pub fn plain_page(status: StatusCode, title: &str, sentence: &str) -> Response {
    match (PlainPage { title, sentence }).render() {
        Ok(page) => (status, Html(page)).into_response(),
        // The status says the most important.
        Err(_) => status.into_response(),
    }
}
