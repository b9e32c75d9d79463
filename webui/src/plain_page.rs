//! A page that says one thing: for answers that are given before there is anybody to show more to.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::assets::address;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>{{ title }} · JIT Access</title><link rel="stylesheet" href="{{ style }}"></head>
<body><main id="main"><h1>{{ title }}</h1><p>{{ sentence }}</p><p><a href="/">Back to JIT Access</a></p></main></body>
</html>
"#
)]
struct PlainPage<'a> {
    title: &'a str,
    style: String,
    sentence: &'a str,
}

/// A page with a title, a sentence, and a way back.
#[must_use]
pub fn plain_page(status: StatusCode, title: &str, sentence: &str) -> Response {
    let page = PlainPage {
        title,
        style: address("style.css"),
        sentence,
    };
    match page.render() {
        Ok(page) => (status, Html(page)).into_response(),
        // The status says the most important.
        Err(_) => status.into_response(),
    }
}
