//! *My requests*.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::{Frame, Tab, live, render};
use crate::app::Shared;
use crate::iap::SignedIn;
use crate::view::{RequestView, is_open};

/// How many finished ones are shown below.
const MOST_ENDED: usize = 5;

#[derive(Template)]
#[template(path = "mine.html")]
struct MinePage {
    frame: Frame,
    open: Vec<RequestView>,
    ended: Vec<RequestView>,
    more_ended: usize,
}

/// What the person asked for: what runs and waits, and the last of what is over.
pub async fn show(State(app): Shared, me: SignedIn) -> Response {
    let now = Timestamp::now();
    let catalogue = app.catalogue.current();
    let own = app
        .requests
        .all(|request| request.spec.requester == me.email);
    let (open, ended): (Vec<_>, Vec<_>) = own.iter().partition(|request| is_open(request));
    let view = |request: &&_| RequestView::new(request, &catalogue, app.cluster.me(), now);
    let frame = Frame::new(&app, &me.email, Tab::Mine, "My requests")
        .live_at(live::of_mine(&app, &me.email));
    let page = MinePage {
        frame,
        open: open.iter().map(view).collect(),
        more_ended: ended.len().saturating_sub(MOST_ENDED),
        ended: ended.iter().take(MOST_ENDED).map(view).collect(),
    };
    render(StatusCode::OK, &page)
}
