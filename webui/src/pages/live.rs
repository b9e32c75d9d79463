//! Tells an open page that what it shows has changed, by server-sent events. The page then loads
//! itself again: what somebody may see is decided there, and nothing but a version is sent here.
//!
//! A load balancer ends a stream after its time-out, and so does the assertion's own end: the browser
//! connects again with the version that it knows, so that nothing in between is missed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use jit_access_core::review::is_reviewer;
use jit_access_crds::AccessRequest;
use kube::ResourceExt;
use tokio::sync::watch;

use super::problem::{Way, problem};
use super::{Frame, Tab};
use crate::app::{App, Shared, is_name};
use crate::form::{QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::places::Place;
use crate::view::concerns;

/// How often a silent stream shows that it lives: load balancers end what is silent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Versions are shorter.
const LONGEST_VERSION: usize = 32;
/// Several changes within this are one.
const TOGETHER: Duration = Duration::from_millis(200);

/// What a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Mine,
    Waiting,
    Request(String),
}

impl Subject {
    fn has(&self, request: &AccessRequest, me: &str) -> bool {
        match self {
            Self::Mine => request.spec.requester == me,
            Self::Waiting => is_reviewer(request, me),
            Self::Request(name) => request.name_any() == *name && concerns(request, me),
        }
    }
}

struct Follower {
    app: Arc<App>,
    me: String,
    subject: Subject,
    known: String,
    changes: watch::Receiver<u64>,
    _place: Place,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            self.changes.mark_unchanged();
            let version = self.subject.version(&self.app, &self.me);
            if version != self.known {
                let event = Event::default().event("changed").data(version.as_str());
                self.known = version;
                return Some((Ok(event), self));
            }
            self.changes.changed().await.ok()?;
            tokio::time::sleep(TOGETHER).await;
        }
    }
}

impl Subject {
    fn version(&self, app: &App, me: &str) -> String {
        app.requests.version(|request| self.has(request, me))
    }
}

/// Where changes of the person's own requests are told.
#[must_use]
pub fn of_mine(app: &App, me: &str) -> String {
    format!("/live?of=mine&version={}", Subject::Mine.version(app, me))
}

/// Where changes of what names the person as reviewer are told.
#[must_use]
pub fn of_waiting(app: &App, me: &str) -> String {
    format!(
        "/live?of=waiting&version={}",
        Subject::Waiting.version(app, me)
    )
}

/// Where changes of one request are told.
#[must_use]
pub fn of_request(app: &App, me: &str, name: &str) -> String {
    let version = Subject::Request(name.to_owned()).version(app, me);
    format!("/live?of=request&name={name}&version={version}")
}

/// A stream of changes.
pub async fn changes(
    State(app): Shared,
    me: SignedIn,
    QueryString(fields): QueryString,
) -> Result<Response, Unreadable> {
    let subject = match (fields.one("of")?, fields.one("name")?) {
        ("mine", "") => Subject::Mine,
        ("waiting", "") => Subject::Waiting,
        ("request", name) if is_name(name) => Subject::Request(name.to_owned()),
        _ => return Err(of_nothing()),
    };
    let known = fields.one("version")?;
    if known.len() > LONGEST_VERSION {
        return Err(of_nothing());
    }
    let Some(place) = app.followers.take(&me.email) else {
        // The page stays as it is, and tries again.
        let frame = Frame::new(&app, &me.email, Tab::None, "Too many pages");
        let sentence = "More pages are open than can be told of changes: close some, or load a page again to see how it is now.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(problem(frame, status, sentence, vec![Way::home()]));
    };
    let follower = Follower {
        changes: app.requests.changes(),
        me: me.email.clone(),
        subject,
        known: known.to_owned(),
        app,
        _place: place,
    };
    let lasts = me.expires.duration_since(Timestamp::now());
    let lasts = Duration::try_from(lasts).unwrap_or_default();
    Ok(
        Sse::new(until(stream::unfold(follower, Follower::next), lasts))
            .keep_alive(KeepAlive::new().interval(HEARTBEAT))
            .into_response(),
    )
}

fn of_nothing() -> Unreadable {
    Unreadable::new(
        StatusCode::BAD_REQUEST,
        "This address tells open pages of changes, and names none that could change: look at a page of JIT Access.",
    )
}

/// Nobody is told anything any more once it is not known who they are.
fn until<S: Stream>(stream: S, lasts: Duration) -> impl Stream<Item = S::Item> {
    stream.take_until(tokio::time::sleep(lasts))
}
