//! The client of the Kubernetes API.

use anyhow::Context as _;
use kube::Client;

/// A client for the cluster of KUBECONFIG, or of the pod's own service account.
///
/// # Errors
/// When there is neither.
pub async fn kubernetes() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer()
        .await
        .context("no Kubernetes cluster: neither KUBECONFIG nor a pod's own service account")?;
    // The client would hold a call for minutes; a visit comes back by itself.
    config.default_retry = false;
    Client::try_from(config).context("the Kubernetes client cannot be set up")
}
