//! The port that the controller connects to: passes bytes on, and can cut all connections.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes connections on to `target` while `open` says so. Ends, with all connections, when dropped.
pub async fn run(listener: TcpListener, target: SocketAddr, open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Those that ended are forgotten.
        while connections.try_join_next().is_some() {}
        if *open.borrow() {
            connections.spawn(pass(stream, target, open.clone()));
        }
    }
}

async fn pass(mut stream: TcpStream, target: SocketAddr, mut open: watch::Receiver<bool>) {
    let Ok(mut inner) = TcpStream::connect(target).await else {
        return;
    };
    tokio::select! {
        // However a connection ends: both sides see it.
        _ = tokio::io::copy_bidirectional(&mut stream, &mut inner) => {}
        _ = open.wait_for(|open| !open) => {}
    }
}
