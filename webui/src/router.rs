//! Which address leads where, and through what each call passes before.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::app::{App, Shared, is_name};
use crate::form::Name;
use crate::iap::{Assertions, SignedIn};
use crate::pages::problem::{Way, problem};
use crate::pages::{
    Frame, Tab, ask, assets, decide, history, live, mine, request, resources, send, waiting,
};
use crate::plain_page::plain_page;
use crate::{headers, iap, metrics, origin};

/// The whole site. Only the answer to a load balancer's probe needs no assertion, and it says
/// nothing.
pub fn router(app: &Arc<App>, assertions: &Assertions) -> Router {
    let pages = Router::new()
        .route("/", get(ask::show).post(ask::change))
        .route("/preview", get(back).post(send::preview))
        .route("/requests", get(mine::show).post(send::send))
        .route("/requests/{name}", get(request::show))
        .route(
            "/requests/{name}/decision",
            get(back_to_request).post(decide::decide),
        )
        .route(
            "/requests/{name}/withdrawal",
            get(back_to_request).post(decide::withdraw),
        )
        .route(
            "/requests/{name}/end",
            get(back_to_request).post(decide::end),
        )
        .route("/waiting", get(waiting::show).post(waiting::decide))
        .route("/history", get(history::show))
        .route("/resources", get(resources::search))
        .route("/live", get(live::changes))
        .fallback(no_page)
        .layer(middleware::from_fn_with_state(
            Arc::clone(app),
            not_too_many,
        ))
        .route("/assets/{version}/{name}", get(assets::asset))
        // Of all routes so far.
        .method_not_allowed_fallback(no_method)
        .with_state(Arc::clone(app))
        .layer(middleware::from_fn(origin::require_own))
        .layer(middleware::from_fn_with_state(
            assertions.clone(),
            iap::require,
        ));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(pages)
        .layer(middleware::from_fn(headers::protect))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app.metrics),
            metrics::count,
        ))
}

/// Who loads the answer to a form by its address wants the form: the sign-in page leads there too, when a
/// session had ended.
async fn back() -> Redirect {
    Redirect::to("/")
}

async fn back_to_request(State(app): Shared, me: SignedIn, Name(name): Name) -> Response {
    if is_name(&name) {
        Redirect::to(&format!("/requests/{name}")).into_response()
    } else {
        no_page(State(app), me).await
    }
}

/// A layer that answers so many calls of one person at once, and no more: all people share what the API server
/// gives this program.
async fn not_too_many(State(app): Shared, me: SignedIn, request: Request, next: Next) -> Response {
    let Some(_place) = app.calls.take(&me.email) else {
        return plain_page(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many at once",
            "You ask for too much at the same time, and nothing was done: wait until it is there, then try again.",
        );
    };
    next.run(request).await
}

async fn no_page(State(app): Shared, me: SignedIn) -> Response {
    let frame = Frame::new(&app, &me.email, Tab::None, "No such page");
    let sentence = "There is no page at this address.";
    problem(frame, StatusCode::NOT_FOUND, sentence, vec![Way::home()])
}

async fn no_method(State(app): Shared, me: SignedIn) -> Response {
    let frame = Frame::new(&app, &me.email, Tab::None, "Not like this");
    let sentence = "This address takes no such call. A page that you reloaded may have been the answer to a form.";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    problem(frame, status, sentence, vec![Way::home()])
}
