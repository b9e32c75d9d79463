//! The simulated Google Cloud as a process, and a client of its control API.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::process::{Process, Start};
use crate::{programs, server};

/// For whom the simulated Identity-Aware Proxy vouches for people.
pub const AUDIENCE: &str = "/projects/1/global/backendServices/1";

/// A running simulator, with Identity-Aware Proxy.
#[derive(Debug)]
pub struct Simulator {
    process: Process,
    url: String,
    iap: String,
    http: reqwest::Client,
    /// Held while a policy is read and replaced, so that of two tests' bindings on one resource none is lost.
    binding: tokio::sync::Mutex<()>,
}

/// One call of a Google API, as the simulator logged it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Position in the log, from 1.
    pub seq: u64,
    /// Simulated time.
    pub time: String,
    /// `projects.setIamPolicy`, `groups.memberships.searchTransitiveGroups`, …
    pub method: String,
    /// The resource, or the account of a group look-up.
    pub resource: String,
    /// HTTP status; 0 when it was not answered.
    pub status: u16,
    /// The header `x-goog-request-reason`.
    pub request_reason: Option<String>,
    /// The body of a call that writes.
    #[serde(default)]
    pub body: Value,
}

/// A call that a fault holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldCall {
    /// With which it can be released alone.
    pub id: String,
    /// The method.
    pub method: String,
    /// The resource.
    pub resource: String,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Call>,
    last: u64,
}

impl Simulator {
    /// Starts it with a world, or an empty one, and waits until it listens.
    ///
    /// # Errors
    /// With the end of its log when it does not.
    pub async fn start(folder: &Folder, world: Option<&Path>) -> Result<Self> {
        let mut arguments = vec![
            "--listen=127.0.0.1:0".to_owned(),
            "--iap-listen=127.0.0.1:0".to_owned(),
            format!("--iap-audience={AUDIENCE}"),
        ];
        arguments.extend(world.map(|path| format!("--world={}", path.display())));
        let mut process = Process::start(&Start {
            name: "google-cloud-simulator".to_owned(),
            program: programs::built("google-cloud-simulator")?,
            arguments,
            environment: Vec::new(),
            logs: folder.path().to_path_buf(),
        })?;
        let iap = printed_url(&mut process, "iap listening on ").await?;
        let url = printed_url(&mut process, "listening on ").await?;
        Ok(Self {
            process,
            url,
            iap,
            http: server::client()?,
            binding: tokio::sync::Mutex::default(),
        })
    }

    /// Its base URL, for `--google-endpoint`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of Identity-Aware Proxy, which lets people through to what [`Simulator::put_behind_iap`] said.
    #[must_use]
    pub fn iap_url(&self) -> &str {
        &self.iap
    }

    /// Names the application behind Identity-Aware Proxy.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn put_behind_iap(&self, application: &str) -> Result<()> {
        let body = json!({"upstream": application});
        self.call(Method::POST, "iap/upstream", Some(&body))
            .await
            .map(drop)
    }

    /// What Identity-Aware Proxy asserts of a person, with what is to differ, in the simulator's own words:
    /// `json!({"overrides": {"exp": 1}})`.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read it.
    pub async fn assertion(&self, email: &str, differing: Value) -> Result<String> {
        let mut body = json!({"email": email, "audience": AUDIENCE});
        if let (Some(body), Value::Object(differing)) = (body.as_object_mut(), differing) {
            body.extend(differing);
        }
        self.text(Method::POST, "iap/assertion", Some(&body)).await
    }

    /// Gives Identity-Aware Proxy another key; the former one is no longer listed.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn rotate_iap_key(&self) -> Result<()> {
        self.call(Method::POST, "iap/rotate", None).await.map(drop)
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Adds to the world; parts named again are replaced. The simulator's README has the format.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read it.
    pub async fn add(&self, world: &Value) -> Result<()> {
        self.call(Method::POST, "world", Some(world))
            .await
            .map(drop)
    }

    /// The allow policy of a resource.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn policy(&self, resource: &str) -> Result<Value> {
        self.call(Method::GET, &format!("policy?resource={resource}"), None)
            .await
    }

    /// Replaces the allow policy of a resource, unchecked.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn set_policy(&self, resource: &str, policy: &Value) -> Result<()> {
        self.call(
            Method::PUT,
            &format!("policy?resource={resource}"),
            Some(policy),
        )
        .await
        .map(drop)
    }

    /// Adds a binding to the policy of a resource.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn bind(&self, resource: &str, binding: Value) -> Result<()> {
        let _turn = self.binding.lock().await;
        let mut policy = self.policy(resource).await?;
        match policy.get_mut("bindings").and_then(Value::as_array_mut) {
            Some(bindings) => bindings.push(binding),
            None => policy["bindings"] = json!([binding]),
        }
        self.set_policy(resource, &policy).await
    }

    /// Sets Google's clock relative to ours.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn set_clock(&self, offset_seconds: i64) -> Result<()> {
        let body = json!({"offsetSeconds": offset_seconds});
        self.call(Method::PUT, "clock", Some(&body)).await.map(drop)
    }

    /// Makes every call take this much longer.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn set_latency(&self, milliseconds: u64) -> Result<()> {
        let body = json!({"milliseconds": milliseconds});
        self.call(Method::PUT, "latency", Some(&body))
            .await
            .map(drop)
    }

    /// Adds a fault, in the simulator's own words:
    /// `json!({"method": "setIamPolicy", "resource": "projects/x", "count": 1, "status": 409})`.
    /// Returns its id.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read it.
    pub async fn fault(&self, fault: &Value) -> Result<String> {
        let answer = self.call(Method::POST, "faults", Some(fault)).await?;
        answer["id"]
            .as_str()
            .map(str::to_owned)
            .context("a fault has an id")
    }

    /// Removes one fault. One that is used up is gone already; that is no error.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn remove_fault(&self, id: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("faults/{id}"), None)
            .await
            .map(drop)
    }

    /// The calls that faults hold at the moment.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn held(&self) -> Result<Vec<HeldCall>> {
        let mut answer = self.call(Method::GET, "held", None).await?;
        let calls = answer.get_mut("held").map(Value::take).unwrap_or(answer);
        Ok(serde_json::from_value(calls)?)
    }

    /// Lets a held call go on; all without an id.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn release(&self, id: Option<&str>) -> Result<()> {
        let body = id.map_or_else(|| json!({}), |id| json!({"id": id}));
        self.call(Method::POST, "release", Some(&body))
            .await
            .map(drop)
    }

    /// The Google calls after a position, and the position of the last one. Begin with 0.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn calls_after(&self, position: u64) -> Result<(Vec<Call>, u64)> {
        let log = self
            .call(Method::GET, &format!("log?after={position}"), None)
            .await?;
        let log: Log = serde_json::from_value(log)?;
        Ok((log.entries, log.last))
    }

    /// Whether an account has a role on a resource now, by Google's clock.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn has_role(&self, account: &str, resource: &str, role: &str) -> Result<bool> {
        let question = json!({"principal": account, "resource": resource, "role": role});
        Ok(self.check(&question).await?["granted"] == true)
    }

    /// A question about access in the simulator's own words, with its `time` and resource attributes:
    /// `{"granted": bool, "by": […]}`.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read the question.
    pub async fn check(&self, question: &Value) -> Result<Value> {
        self.call(Method::POST, "check", Some(question)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let text = self.text(method, path, body).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("the simulator answered {path} with {text}"))
    }

    async fn text(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String> {
        let mut request = self
            .http
            .request(method, format!("{}/control/{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("the simulator does not answer\n{}", self.process.tail(20)))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("the simulator refuses {path}: {text}");
        }
        Ok(text)
    }
}

/// The URL of the line that begins with these words.
async fn printed_url(process: &mut Process, words: &str) -> Result<String> {
    process.wait_for_line(&format!("{words}http://"), 0).await?;
    let output = process.output();
    let mut lines = output.lines();
    let url = lines.find_map(|line| line.strip_prefix(words));
    Ok(url.context("the line has an address")?.trim().to_owned())
}
