//! What all pages have around their content.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::assets;
use crate::moment::Moment;

/// Which part of the site a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Asking for access.
    Ask,
    /// The person's own requests.
    Mine,
    /// Requests that wait for the person.
    Waiting,
    /// What is over.
    History,
    /// None of them.
    None,
}

/// What stands around the content of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Who is signed in; empty where nobody is.
    pub me: String,
    /// Which part of the site it is.
    pub tab: Tab,
    /// How many requests wait for the person.
    pub waiting: usize,
    /// Since when nothing is known of changes.
    pub stale: Option<Moment>,
    /// Where changes of what the page shows are told; empty: nowhere.
    pub live: String,
    /// Address of the style sheet.
    pub style: String,
    /// Address of the script.
    pub script: String,
    /// Address of the icon.
    pub icon: String,
}

impl Frame {
    /// The frame of a page for somebody who is signed in.
    #[must_use]
    pub fn new(app: &App, me: &str, tab: Tab, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            me: me.to_owned(),
            tab,
            waiting: app.waiting_for(me),
            stale: app.requests.interrupted().map(Moment::new),
            live: String::new(),
            style: assets::address("style.css"),
            script: assets::address("app.js"),
            icon: assets::address("icon.svg"),
        }
    }

    /// Told of changes at this address.
    #[must_use]
    pub fn live_at(mut self, address: String) -> Self {
        self.live = address;
        self
    }

    /// Whether this is the part of the site with this name; for templates.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        matches!(
            (self.tab, name),
            (Tab::Ask, "ask")
                | (Tab::Mine, "mine")
                | (Tab::Waiting, "waiting")
                | (Tab::History, "history")
        )
    }
}

/// A page as an answer.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
