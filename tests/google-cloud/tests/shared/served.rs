//! A simulator served for one test, and a plain HTTP client for it.

use google_cloud_simulator::{World, serve};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running simulator; it ends with the test's runtime.
pub struct Served {
    pub base: String,
    http: reqwest::Client,
}

impl Served {
    /// Serves the small world that most tests use.
    pub async fn new() -> Self {
        Self::with(world()).await
    }

    pub async fn with(world: Value) -> Self {
        let world: World = serde_json::from_value(world).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self::at(&listener);
        tokio::spawn(async move { serve(listener, world).await.unwrap() });
        this
    }

    /// A client of what is or will be served here.
    pub fn at(listener: &TcpListener) -> Self {
        let base = format!("http://{}", listener.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, http }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    /// A call that must succeed.
    pub async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The policy of a resource, version 3.
    pub async fn policy(&self, resource: &str) -> Value {
        let (status, policy) = self
            .post(
                &format!("/v3/{resource}:getIamPolicy"),
                json!({"options": {"requestedPolicyVersion": 3}}),
            )
            .await;
        assert_eq!(status, 200, "{policy}");
        policy
    }

    /// Writes a policy.
    pub async fn set(&self, resource: &str, policy: Value) -> (u16, Value) {
        self.post(
            &format!("/v3/{resource}:setIamPolicy"),
            json!({"policy": policy}),
        )
        .await
    }

    /// Arms a fault.
    pub async fn fault(&self, fault: Value) -> String {
        let (status, body) = self.post("/control/faults", fault).await;
        assert_eq!(status, 200, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// The methods and statuses of the log.
    pub async fn log(&self) -> Vec<(String, u64)> {
        let log = self.ok("/control/log").await;
        let entries = log["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| {
                (
                    entry["method"].as_str().unwrap().to_owned(),
                    entry["status"].as_u64().unwrap(),
                )
            })
            .collect()
    }
}

/// Sends a request that is expected to be answered.
pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// The sentence of a Google error.
pub fn sentence(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}

pub fn world() -> Value {
    json!({
        "organizations": [{"id": "1", "displayName": "example.com"}],
        "folders": [{"id": "10", "parent": "organizations/1", "displayName": "Production"}],
        "projects": [
            {"id": "web-prod", "number": "1001", "parent": "folders/10", "displayName": "Web"},
            {"id": "data-prod", "number": "1002", "parent": "folders/10"},
        ],
        "users": ["alice@example.com", "bob@example.com"],
        "groups": {
            "ops@example.com": ["user:bob@example.com", "group:sre@example.com"],
            "sre@example.com": ["user:alice@example.com"],
        },
        "roles": [{"name": "projects/web-prod/roles/own", "title": "Own", "includedPermissions": ["compute.instances.reset"]}],
        "policies": {
            "projects/web-prod": {
                "bindings": [
                    {"role": "roles/viewer", "members": ["user:alice@example.com"]},
                    {"role": "roles/compute.admin", "members": ["group:ops@example.com"],
                     "condition": {"title": "eligible", "expression": "has({}.jitAccessConstraint)"}},
                ],
                "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}],
                "futureField": {"kept": true},
            },
            "folders/10": {"bindings": [{"role": "roles/logging.viewer", "members": ["group:ops@example.com"]}]},
        },
        "topics": ["projects/web-prod/topics/jit"],
    })
}
