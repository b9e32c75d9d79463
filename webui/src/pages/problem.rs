//! The page that says what is wrong, and how to go on.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Frame, render};
use crate::cluster::Fault;

/// A way on.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where it leads; a path of this site.
    pub address: String,
    /// What it is called.
    pub label: String,
}

impl Way {
    /// A way to a page.
    #[must_use]
    pub fn to(address: impl Into<String>, label: &str) -> Self {
        Self {
            address: address.into(),
            label: label.to_owned(),
        }
    }

    /// To the form.
    #[must_use]
    pub fn home() -> Self {
        Self::to("/", "Ask for access")
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    sentence: String,
    said: Option<String>,
    ways: Vec<Way>,
}

/// A page with a sentence and ways on.
pub fn problem(frame: Frame, status: StatusCode, sentence: &str, ways: Vec<Way>) -> Response {
    let page = ProblemPage {
        frame,
        sentence: sentence.to_owned(),
        said: None,
        ways,
    };
    render(status, &page)
}

/// What the API server refused, all of it.
pub fn fault(frame: Frame, fault: &Fault, ways: Vec<Way>) -> Response {
    let page = ProblemPage {
        frame,
        sentence: fault.sentence.clone(),
        said: fault.said.clone(),
        ways,
    };
    render(fault.status, &page)
}
