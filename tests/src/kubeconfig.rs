//! Kubeconfig files, as JSON, which is YAML too.

use anyhow::Result;
use base64::Engine as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::certificates::Signed;

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// By a client certificate.
    Certificate(Signed),
    /// By a bearer token.
    Token(String),
    /// Not at all.
    Anonymous,
}

impl Identity {
    fn user(&self) -> Value {
        match self {
            Self::Certificate(signed) => json!({
                "client-certificate-data": base64(&signed.certificate),
                "client-key-data": base64(&signed.key),
            }),
            Self::Token(token) => json!({"token": token}),
            Self::Anonymous => json!({}),
        }
    }
}

/// The text of a kubeconfig with one context for each named identity; the first one is current.
/// `authority` is the PEM certificate that the server's is signed by; none for plain HTTP.
#[must_use]
pub fn text(
    server: &str,
    authority: Option<&str>,
    namespace: &str,
    identities: &[(&str, Identity)],
) -> String {
    let mut cluster = json!({"server": server});
    if let Some(authority) = authority {
        cluster["certificate-authority-data"] = base64(authority).into();
    }
    let contexts: Vec<Value> = identities
        .iter()
        .map(|(name, _)| {
            json!({"name": name, "context": {"cluster": "jit-access", "user": name, "namespace": namespace}})
        })
        .collect();
    let users: Vec<Value> = identities
        .iter()
        .map(|(name, identity)| json!({"name": name, "user": identity.user()}))
        .collect();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "jit-access", "cluster": cluster}],
        "contexts": contexts,
        "users": users,
        "current-context": identities.first().map(|(name, _)| *name),
    });
    format!("{config:#}\n")
}

/// A client from a kubeconfig's text.
///
/// # Errors
/// When the text is no kubeconfig.
pub async fn client(text: &str) -> Result<kube::Client> {
    let mut config = kube::Config::from_custom_kubeconfig(
        Kubeconfig::from_yaml(text)?,
        &KubeConfigOptions::default(),
    )
    .await?;
    // A test wants to see a failure, not a later success.
    config.default_retry = false;
    Ok(kube::Client::try_from(config)?)
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}
