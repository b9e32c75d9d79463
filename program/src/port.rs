//! Ports that are listened on.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Opens a port, and says in the log which it is: `admin listening on …` for `--admin-listen`.
///
/// # Errors
/// A sentence that names the flag and the address.
pub async fn bind(flag: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("{flag} {address} cannot be opened: {error}"))?;
    let address = listener.local_addr()?;
    let what = if flag == "--admin-listen" {
        "admin "
    } else {
        ""
    };
    tracing::info!("{what}listening on {address}");
    Ok(listener)
}
