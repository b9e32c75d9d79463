//! The real web UI as a process, and what people's browsers do with it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use http::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::eventually::eventually;
use crate::folder::Folder;
use crate::server::{self, Server};
use crate::simulator::{AUDIENCE, Simulator};

/// How long a page may take to show what it must; lists are read again every few seconds in tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A web UI; it may have been stopped or killed.
#[derive(Debug)]
pub struct WebUi {
    /// The process, with its log, metrics and readiness.
    pub server: Server,
    address: String,
}

impl WebUi {
    /// Starts it as whoever the kubeconfig says, for the requests of this namespace, and waits until it is
    /// ready. `flags` come after those that every start needs.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start(
        folder: &Folder,
        name: &str,
        kubeconfig: &Path,
        google: &str,
        namespace: &str,
        flags: &[String],
    ) -> Result<Self> {
        let mut all = vec![
            format!("--iap-audience={AUDIENCE}"),
            format!("--iap-jwks-url={google}/iap/verify/public_key-jwk"),
            format!("--namespace={namespace}"),
            "--listen=127.0.0.1:0".to_owned(),
        ];
        all.extend_from_slice(flags);
        let mut server =
            Server::start(folder, "jit-access-webui", name, kubeconfig, google, &all).await?;
        let address = address(&mut server).await?;
        Ok(Self { server, address })
    }

    /// Starts it again after it ended, with the same flags, on another port.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.server.start_again().await?;
        self.address = address(&mut self.server).await?;
        Ok(())
    }

    /// Its base URL. Nobody who comes here has passed Identity-Aware Proxy.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The browser of a person who signed in, as Identity-Aware Proxy lets it through.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn browser<'a>(&self, simulator: &'a Simulator, email: &str) -> Result<Browser<'a>> {
        Ok(Browser {
            simulator,
            url: self.url(),
            email: email.to_owned(),
            http: server::client()?,
        })
    }
}

async fn address(server: &mut Server) -> Result<String> {
    // That of the admin port has a word between.
    server.logged_address("INFO listening on ").await
}

/// One person's browser. It follows no redirect, and keeps no cookie: there are none.
#[derive(Debug, Clone)]
pub struct Browser<'a> {
    simulator: &'a Simulator,
    url: String,
    email: String,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub text: String,
}

impl Page {
    /// A header as text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Browser<'_> {
    /// A page.
    ///
    /// # Errors
    /// When there is no answer; a refusal is no error here.
    pub async fn get(&self, path: &str) -> Result<Page> {
        answer(self.request(Method::GET, path).await?).await
    }

    /// A page, once it has a text: the web UI may hear of a change later than the test.
    ///
    /// # Errors
    /// When there is no answer, or no such page in time; then with the last one.
    pub async fn page_with(&self, path: &str, text: &str) -> Result<Page> {
        let mut last = String::new();
        eventually(PATIENCE, async || {
            let page = self.get(path).await?;
            last.clone_from(&page.text);
            Ok(page.text.contains(text).then_some(page))
        })
        .await
        .with_context(|| format!("{path} has no {text:?}: {last}"))
    }

    /// A form, sent from a page of the web UI's own.
    ///
    /// # Errors
    /// When there is no answer; a refusal is no error here.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let request = self
            .request(Method::POST, path)
            .await?
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(fields));
        answer(request).await
    }

    /// A request with a fresh assertion about the person and nothing else, to be altered and sent.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        self.request_with(method, path, json!({})).await
    }

    /// As [`Browser::request`], with an assertion that differs, in the simulator's own words:
    /// `json!({"overrides": {"exp": 1}})`.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn request_with(
        &self,
        method: Method,
        path: &str,
        differing: Value,
    ) -> Result<RequestBuilder> {
        let assertion = self.simulator.assertion(&self.email, differing).await?;
        Ok(self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("x-goog-iap-jwt-assertion", assertion))
    }
}

/// Sends a request.
///
/// # Errors
/// When there is no answer; a refusal is no error here.
pub async fn answer(request: RequestBuilder) -> Result<Page> {
    let answer = request.send().await.context("the web UI does not answer")?;
    Ok(Page {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await?,
    })
}

/// Fields as a browser sends those of a form.
fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}
