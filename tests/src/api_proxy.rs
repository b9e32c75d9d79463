//! A proxy between the controller and the API server that logs writes, and stops or refuses those
//! that a test names: so the controller can be killed between any two of its writes.

mod gate;
mod rules;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use rules::{Moment, Pattern};
use rules::{Rules, Verdict};

use crate::kubeconfig;

/// A write that came by.
#[derive(Debug, Clone)]
pub struct Write {
    /// POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body, null when it is no JSON.
    pub body: Value,
    /// The API server's status, or the one it was refused with; none while it is not answered.
    pub status: Option<u16>,
}

/// A running proxy. It listens on plain HTTP and adds the credentials of the identity it was made for.
#[derive(Debug)]
pub struct ApiProxy {
    url: String,
    shared: Arc<Mutex<Shared>>,
    open: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    writes: Vec<Write>,
    rules: Rules,
}

/// A write that will be held. When this value goes, the write goes on.
#[derive(Debug)]
pub struct Held {
    reached: watch::Receiver<Option<Write>>,
    _release: watch::Sender<()>,
}

impl Held {
    /// Waits until the write is here, and returns it.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn reached(&mut self, limit: Duration) -> Result<Write> {
        let arrival = self.reached.wait_for(Option::is_some);
        let write = tokio::time::timeout(limit, arrival)
            .await
            .with_context(|| {
                format!(
                    "the write to hold did not come within {} s",
                    limit.as_secs_f32()
                )
            })?
            .context("the proxy is gone")?;
        write.clone().context("a write that was reached is there")
    }

    /// Lets the write go on.
    pub fn release(self) {}
}

impl ApiProxy {
    /// Starts a proxy that speaks to the API server as the kubeconfig with this text says. It belongs
    /// to the runtime of the calling test.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(kubeconfig: &str) -> Result<Self> {
        let client = kubeconfig::client(kubeconfig).await?;
        let shared = Arc::<Mutex<Shared>>::default();
        let router = Router::new()
            .fallback(forward)
            .with_state((client, Arc::clone(&shared)));
        let inner = TcpListener::bind("127.0.0.1:0").await?;
        let outer = TcpListener::bind("127.0.0.1:0").await?;
        let (inner_address, outer_address) = (inner.local_addr()?, outer.local_addr()?);
        let (open, is_open) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends with the task; an error has nobody to go to.
            let _ = axum::serve(inner, router).await;
        });
        tasks.spawn(gate::run(outer, inner_address, is_open));
        Ok(Self {
            url: format!("http://{outer_address}"),
            shared,
            open,
            _tasks: tasks,
        })
    }

    /// The text of a kubeconfig that leads through the proxy.
    #[must_use]
    pub fn kubeconfig_text(&self, namespace: &str) -> String {
        let identities = [("proxied", kubeconfig::Identity::Anonymous)];
        kubeconfig::text(&self.url, None, namespace, &identities)
    }

    /// All writes so far.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.shared).writes.clone()
    }

    /// The writes so far that fit a pattern.
    #[must_use]
    pub fn writes_like(&self, pattern: &Pattern) -> Vec<Write> {
        let mut writes = self.writes();
        writes.retain(|write| pattern.fits(write));
        writes
    }

    /// Forgets the writes so far.
    pub fn clear(&self) {
        lock(&self.shared).writes.clear();
    }

    /// Will hold the first write that fits, after `skip` that pass: before it reaches the API server, or
    /// after it took effect and before the controller hears of that.
    #[must_use]
    pub fn hold(&self, pattern: Pattern, skip: usize, moment: Moment) -> Held {
        let (arrived, reached) = watch::channel(None);
        let (release, released) = watch::channel(());
        lock(&self.shared)
            .rules
            .hold(pattern, skip, moment, arrived, released);
        Held {
            reached,
            _release: release,
        }
    }

    /// Will refuse `count` writes that fit with this HTTP status, before they reach the API server.
    pub fn refuse(&self, pattern: Pattern, count: usize, status: u16) {
        lock(&self.shared).rules.refuse(pattern, count, status);
    }

    /// Forgets all that is to be held or refused.
    pub fn clear_rules(&self) {
        lock(&self.shared).rules = Rules::default();
    }

    /// Cuts all connections, watches too, and takes no new ones.
    pub fn cut_off(&self) {
        self.open.send_replace(false);
    }

    /// Takes connections again.
    pub fn reconnect(&self) {
        self.open.send_replace(true);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

type Forwarding = (kube::Client, Arc<Mutex<Shared>>);

async fn forward(State((client, shared)): State<Forwarding>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "the proxy could not read the request",
        );
    };
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    if parts.method == Method::GET {
        return send(&client, parts.method, &path, &parts.headers, body).await;
    }
    let write = Write {
        method: parts.method.to_string(),
        path: path.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        status: None,
    };
    let (index, verdict) = {
        let mut shared = lock(&shared);
        let verdict = shared.rules.judge(&write);
        shared.writes.push(write.clone());
        (shared.writes.len() - 1, verdict)
    };
    if let Some(Verdict::Hold(hold)) = &verdict
        && hold.moment == Moment::Before
    {
        hold.wait(&write).await;
    }
    let answer = match &verdict {
        Some(Verdict::Refuse(status)) => refusal(*status, "the proxy was told to refuse this"),
        _ => send(&client, parts.method, &path, &parts.headers, body).await,
    };
    // Cleared in between when there is none.
    if let Some(logged) = lock(&shared).writes.get_mut(index) {
        logged.status = Some(answer.status().as_u16());
    }
    if let Some(Verdict::Hold(hold)) = &verdict
        && hold.moment == Moment::After
    {
        hold.wait(&write).await;
    }
    answer
}

async fn send(
    client: &kube::Client,
    method: Method,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Response {
    let mut request = http::Request::new(kube::client::Body::from(body));
    *request.method_mut() = method;
    let Ok(uri) = path.parse() else {
        return refusal(StatusCode::BAD_REQUEST, "the proxy could not read the path");
    };
    *request.uri_mut() = uri;
    *request.headers_mut() = headers.clone();
    for name in [header::HOST, header::AUTHORIZATION, header::CONNECTION] {
        request.headers_mut().remove(name);
    }
    match client.send(request).await {
        Ok(answer) => {
            let (mut parts, body) = answer.into_parts();
            // What frames the answer here is this server's own affair.
            for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
                parts.headers.remove(name);
            }
            Response::from_parts(parts, Body::new(body))
        }
        Err(error) => refusal(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

/// A refusal in the API server's words.
fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": status.canonical_reason().unwrap_or_default().replace(' ', ""),
        "code": status.as_u16(),
    });
    (status, axum::Json(body)).into_response()
}
