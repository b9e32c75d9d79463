//! The program: `google-cloud-simulator --listen 127.0.0.1:0 [--world FILE.json] [--iap-listen …]`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use google_cloud_simulator::{IapProxy, World, serve, serve_with_iap};
use tokio::net::TcpListener;

/// A simulated Google Cloud for tests and the demo.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The world to begin with, as JSON; without one it is empty.
    #[arg(long)]
    world: Option<PathBuf>,
    /// Where Identity-Aware Proxy listens; it is not simulated without this.
    #[arg(long, requires = "iap_audience")]
    iap_listen: Option<SocketAddr>,
    /// The application behind it, as http://HOST:PORT; the control API can name it later.
    #[arg(long, requires = "iap_listen")]
    iap_upstream: Option<String>,
    /// The audience of its assertions, as /projects/NUMBER/global/backendServices/ID.
    #[arg(long, requires = "iap_listen")]
    iap_audience: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let world: World = match &options.world {
        None => World::default(),
        Some(path) => {
            let text = std::fs::read(path)
                .with_context(|| format!("the world {} cannot be read", path.display()))?;
            serde_json::from_slice(&text).with_context(|| {
                format!(
                    "the world {} is not as README.md describes it",
                    path.display()
                )
            })?
        }
    };
    let listener = listen(options.listen).await?;
    // Programs that start this one wait for exactly this line.
    println!("listening on http://{}", listener.local_addr()?);
    let proxy = match (options.iap_listen, options.iap_audience) {
        (Some(address), Some(audience)) => {
            let listener = listen(address).await?;
            println!("iap listening on http://{}", listener.local_addr()?);
            Some(IapProxy {
                listener,
                upstream: options.iap_upstream,
                audience,
            })
        }
        _ => None,
    };
    std::io::stdout().flush()?;
    match proxy {
        None => serve(listener, world).await,
        Some(proxy) => serve_with_iap(listener, world, proxy).await,
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}
