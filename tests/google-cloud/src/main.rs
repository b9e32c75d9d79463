//! The program: `google-cloud-simulator --listen 127.0.0.1:0 [--world FILE.json]`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use google_cloud_simulator::{World, serve};

/// A simulated Google Cloud for tests and the demo.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The world to begin with, as JSON; without one it is empty.
    #[arg(long)]
    world: Option<PathBuf>,
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
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    // Programs that start this one wait for exactly this line.
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    serve(listener, world).await
}
