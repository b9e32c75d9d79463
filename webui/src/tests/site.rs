//! A site for tests: alice, bob and carol, a small catalogue, and an API server in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use jit_access_core::iam_policy::Policy;
use jit_access_core::limits::{JustificationPattern, Limits};
use jit_access_core::resource::ResourceName;
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_google::catalogue::{Catalogue, FoundPolicy, FoundResource, Snapshot};
use kube::ResourceExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::api_server::{Call, Server, client};
use crate::app::App;
use crate::cluster::Cluster;
use crate::groups::Groups;
use crate::iap::Assertions;
use crate::iap::tests::signer::{KeyServer, Signer};
use crate::metrics::Metrics;
use crate::places::Places;
use crate::requests::Requests;
use crate::router::router;

pub const ALICE: &str = "alice@example.com";
pub const BOB: &str = "bob@example.com";
pub const CAROL: &str = "carol@example.com";
pub const EVE: &str = "eve@example.com";
/// The catalogue knows what it is called, and nobody here is eligible for it.
pub const CUSTOM_ROLE: &str = "organizations/1/roles/breakglass";
/// The web UI's own account.
pub const ME: &str = "system:serviceaccount:jit-access:jit-access-webui";
pub const NAMESPACE: &str = "jit-requests";
const AUDIENCE: &str = "/projects/1/global/backendServices/1";

pub struct Site {
    pub router: Router,
    pub app: Arc<App>,
    pub server: Arc<Mutex<Server>>,
    signer: Signer,
    _keys: KeyServer,
}

/// An answer.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }

    #[track_caller]
    pub fn has(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{text:?} is not in {}", self.text);
        self
    }

    #[track_caller]
    pub fn lacks(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "{text:?} is in {}", self.text);
        self
    }
}

/// What somebody may ask for, as Cloud Asset would tell.
pub fn catalogue() -> Catalogue {
    let resource = |name: &str, title: &str, parent: Option<&str>| FoundResource {
        name: name.to_owned(),
        display_name: title.to_owned(),
        parent: parent.map(str::to_owned),
        ..FoundResource::default()
    };
    let binding = |role: &str, members: &[&str], expression: &str| json!({"role": role, "members": members, "condition": {"title": "t", "expression": expression}});
    let policy = |resource: &str, bindings: &[Value]| FoundPolicy {
        resource: resource.to_owned(),
        policy: serde_json::from_value::<Policy>(json!({"bindings": bindings})).unwrap(),
    };
    let (own, peer) = (
        "has({}.jitAccessConstraint)",
        "has({}.multiPartyApprovalConstraint)",
    );
    let zone =
        r#"has({}.jitAccessConstraint) && resource.name.startsWith("projects/web-prod/zones/b")"#;
    let everybody = [
        "user:alice@example.com",
        "user:bob@example.com",
        "user:carol@example.com",
    ];
    let snapshot = Snapshot::new(
        vec![
            resource("organizations/1", "example.com", None),
            resource("folders/10", "Production", Some("organizations/1")),
            resource("projects/web-prod", "Web", Some("folders/10")),
            resource("projects/data-prod", "Data warehouse", Some("folders/10")),
        ],
        vec![
            policy(
                "folders/10",
                &[binding(
                    "roles/logging.viewer",
                    &["group:sre@example.com"],
                    own,
                )],
            ),
            policy(
                "projects/web-prod",
                &[
                    binding("roles/compute.admin", &["user:alice@example.com"], own),
                    binding("roles/compute.osLogin", &["user:alice@example.com"], zone),
                    binding("roles/storage.admin", &everybody, peer),
                    binding("roles/run.admin", &everybody[..2], peer),
                    binding("roles/run.admin", &["group:unlisted@example.com"], peer),
                ],
            ),
        ],
        [
            ("roles/storage.admin", "Storage Admin"),
            (CUSTOM_ROLE, "Break glass"),
        ]
        .map(|(role, title)| (role.to_owned(), title.to_owned()))
        .into(),
        BTreeMap::from([(
            "sre@example.com".to_owned(),
            Arc::new(BTreeSet::from([ALICE.to_owned()])),
        )]),
    );
    Catalogue::of(snapshot)
}

pub fn limits() -> Limits {
    Limits {
        scope: ResourceName::parse("organizations/1").unwrap(),
        min_duration: SignedDuration::from_mins(1),
        max_duration: SignedDuration::from_hours(2),
        default_duration: SignedDuration::from_hours(1),
        approval_timeout: SignedDuration::from_hours(1),
        max_schedule: SignedDuration::from_hours(168),
        max_roles: 3,
        max_open: 10,
        max_hourly: 30,
        justification_pattern: JustificationPattern::parse("INC-.*").unwrap(),
        justification_hint: "Begin with the incident, such as INC-4711".to_owned(),
        retention: SignedDuration::from_hours(720),
    }
}

impl Site {
    pub async fn new() -> Self {
        Self::with(catalogue(), limits()).await
    }

    pub async fn with(catalogue: Catalogue, limits: Limits) -> Self {
        jit_access_google::install_crypto_provider();
        let (requests, mut feed) = Requests::new(NAMESPACE);
        feed.finish_list();
        let server = Arc::new(Mutex::new(Server {
            feed: Some(feed),
            ..Server::default()
        }));
        let groups = HashMap::from([
            (ALICE.to_owned(), Ok(vec!["sre@example.com".to_owned()])),
            (EVE.to_owned(), Err("Google does not answer.".to_owned())),
        ]);
        let app = Arc::new(App {
            limits,
            requests,
            cluster: Cluster::new(client(Arc::clone(&server)), NAMESPACE, ME),
            catalogue,
            groups: Groups::fixed(std::time::Duration::ZERO, groups),
            metrics: Arc::new(Metrics::default()),
            followers: Places::for_followers(),
            calls: Places::for_calls(),
        });
        let signer = Signer::new("key-1");
        let keys = KeyServer::start(&[signer.jwk()]).await;
        let assertions = Assertions::new(AUDIENCE, &keys.url()).unwrap();
        Self {
            router: router(&app, &assertions),
            app,
            server,
            signer,
            _keys: keys,
        }
    }

    /// Puts a request there, as if it had been made and the watch had told it.
    pub fn put(&self, request: AccessRequest) {
        let mut server = self.server.lock().unwrap();
        server.store(request);
    }

    /// No call is answered any more, and time passes at once where everybody waits. Keys must be known by then.
    pub fn hang(&self) {
        self.server.lock().unwrap().hangs = true;
        tokio::time::pause();
    }

    /// Writes an annotation of which the watch does not tell.
    pub fn decide_unseen(&self, name: &str, key: &str, value: &str) {
        let mut server = self.server.lock().unwrap();
        let request = server.objects.get_mut(name).unwrap();
        let annotations = request.annotations_mut();
        annotations.insert(key.to_owned(), value.to_owned());
    }

    /// The watch failed then.
    pub fn fail_watch(&self, at: Timestamp) {
        let server = self.server.lock().unwrap();
        server.feed.as_ref().unwrap().failed(at);
    }

    pub fn assertion(&self, email: &str) -> String {
        let now = Timestamp::now().as_second();
        self.signer.sign(&json!({
            "iss": "https://cloud.google.com/iap",
            "aud": AUDIENCE,
            "sub": "accounts.google.com:1234567890",
            "email": email,
            "iat": now,
            "exp": now + 600,
            "google": {"device_id": "device-1", "access_levels": ["corp", "managed"]},
        }))
    }

    pub fn request(&self, method: Method, path: &str, email: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "jit.example.com")
            .header("x-goog-iap-jwt-assertion", self.assertion(email))
    }

    pub async fn get(&self, path: &str, email: &str) -> Page {
        let request = self.request(Method::GET, path, email);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, email: &str, fields: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path, email)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 4 << 20).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.server.lock().unwrap().calls)
    }

    pub fn writes(&self) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.method != Method::GET);
        calls
    }

    /// The next write is refused so.
    pub fn refuse(&self, code: u16, reason: &str, message: &str) {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message});
        self.server.lock().unwrap().refusal = Some((code, status));
    }
}

/// A request of alice, in a state; `changes` are merged into the object.
pub fn request(name: &str, state: Option<AccessState>, changes: &Value) -> AccessRequest {
    let created = Timestamp::now() - SignedDuration::from_mins(5);
    let mut object = json!({
        "apiVersion": "jit-access.dev/v1alpha1",
        "kind": "AccessRequest",
        "metadata": {"name": name, "uid": format!("0a1b2c3d-{name}"), "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
        "spec": {
            "requester": ALICE,
            "resource": "projects/web-prod",
            "roles": ["roles/storage.admin"],
            "justification": "INC-4711: disk full",
            "duration": "30m",
            "reviewers": [BOB, CAROL],
        },
    });
    if let Some(state) = state {
        object["status"] = json!({
            "conditions": [{
                "type": "Granted",
                "status": if state == AccessState::Active { "True" } else { "False" },
                "reason": state.as_str(),
                "message": format!("the controller says {state}"),
                "lastTransitionTime": created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            }],
            "plan": {"duration": "30m", "bindings": [{"resource": "projects/web-prod", "role": "roles/storage.admin", "expression": ""}]},
        });
        if state == AccessState::Active {
            let time = |minutes| {
                (Timestamp::now() + SignedDuration::from_mins(minutes))
                    .strftime("%Y-%m-%dT%H:%M:%SZ")
                    .to_string()
            };
            object["status"]["grant"] = json!({"startTime": time(-5), "expireTime": time(25), "bindings": [{"resource": "projects/web-prod", "role": "roles/storage.admin", "title": "jit-access x", "expression": "true"}]});
        }
    }
    merge(&mut object, changes);
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, value) in changes {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, changes) => *into = changes.clone(),
    }
}
