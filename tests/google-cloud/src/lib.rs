//! A simulated Google Cloud for tests and the demo, as faithful as its clients need.
//!
//! It shares no code with the clients: what both got wrong in the same way would stay unseen.
//!
//! ```no_run
//! # async fn embed() -> anyhow::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! google_cloud_simulator::serve(listener, google_cloud_simulator::World::default()).await
//! # }
//! ```

mod access;
mod answer;
mod api;
mod clock;
mod conditions;
mod connection;
mod control;
mod errors;
mod faults;
mod groups;
mod held;
mod hierarchy;
mod iap;
mod paging;
mod policy;
mod request;
mod request_log;
mod roles;
mod server;
mod state;
mod world;

pub use iap::proxy::IapProxy;
pub use server::{serve, serve_with_iap};
pub use world::{CustomRole, Device, Folder, LowVersionReads, Organization, Project, World};
