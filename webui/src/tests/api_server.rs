//! An API server in memory, whose watch tells at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request, Response};
use jiff::Timestamp;
use jit_access_crds::AccessRequest;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::site::NAMESPACE;
use crate::requests::Feed;

/// A call to the API server.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub body: Value,
}

/// The API server: it keeps what is made, and refuses the next write if it is told to.
#[derive(Default)]
pub struct Server {
    pub calls: Vec<Call>,
    pub refusal: Option<(u16, Value)>,
    pub hangs: bool,
    pub objects: BTreeMap<String, AccessRequest>,
    pub version: u64,
    pub feed: Option<Feed>,
}

impl Server {
    pub fn store(&mut self, mut request: AccessRequest) -> AccessRequest {
        self.version += 1;
        request.metadata.namespace = Some(NAMESPACE.to_owned());
        request.metadata.resource_version = Some(self.version.to_string());
        self.objects.insert(request.name_any(), request.clone());
        if let Some(feed) = &mut self.feed {
            feed.put(request.clone());
        }
        request
    }

    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let failure = |code: u16, reason: &str, message: &str| {
            (
                code,
                json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}),
            )
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        if *method != Method::GET
            && let Some((code, status)) = self.refusal.take()
        {
            return (code, status);
        }
        let object = match *method {
            Method::GET => self.objects.get(name).cloned(),
            Method::POST => {
                let mut request: AccessRequest = serde_json::from_value(body.clone()).unwrap();
                if self.objects.contains_key(&request.name_any()) {
                    return failure(409, "AlreadyExists", "it already exists");
                }
                request.metadata.uid = Some(format!("{:08}-made", self.version + 1));
                request.metadata.creation_timestamp = Some(
                    k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::now()),
                );
                Some(self.store(request))
            }
            Method::PATCH => self.objects.get(name).cloned().map(|mut request| {
                let patch = body["metadata"]["annotations"]
                    .as_object()
                    .cloned()
                    .unwrap_or_default();
                for (key, value) in patch {
                    match value.as_str() {
                        Some(text) => request.annotations_mut().insert(key, text.to_owned()),
                        None => request.annotations_mut().remove(&key),
                    };
                }
                self.store(request)
            }),
            _ => None,
        };
        match object {
            Some(object) => (200, serde_json::to_value(object).unwrap()),
            None => failure(404, "NotFound", "not found"),
        }
    }
}

pub fn client(server: Arc<Mutex<Server>>) -> Client {
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let bytes = body.collect_bytes().await.unwrap_or_default();
            let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let path = parts.uri.path().to_owned();
            if server.lock().unwrap().hangs {
                return std::future::pending().await;
            }
            let mut server = server.lock().unwrap();
            let (status, answer) = server.answer(&parts.method, &path, &body);
            server.calls.push(Call {
                method: parts.method,
                path,
                body,
            });
            let response = Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .body(Body::from(answer.to_string()))
                .unwrap();
            Ok::<_, Infallible>(response)
        }
    });
    Client::new(service, NAMESPACE)
}
