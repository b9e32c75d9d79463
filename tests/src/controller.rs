//! The real controller as a process.

use std::path::Path;

use anyhow::Result;

use crate::folder::Folder;
use crate::server::Server;

/// Starts it as whoever the kubeconfig says, against Google at this URL, and waits until it is ready.
///
/// # Errors
/// With the end of its log when it does not become ready.
pub async fn start(
    folder: &Folder,
    name: &str,
    kubeconfig: &Path,
    google: &str,
    flags: &[String],
) -> Result<Server> {
    Server::start(
        folder,
        "jit-access-controller",
        name,
        kubeconfig,
        google,
        flags,
    )
    .await
}
