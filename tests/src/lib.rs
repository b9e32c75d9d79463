//! The test bench: a real API server, a simulated Google Cloud, the real controller, and what users do.

pub mod api_proxy;
pub mod bench;
pub mod case;
pub mod certificates;
pub mod control_plane;
pub mod controller;
pub mod eventually;
pub mod faults;
pub mod folder;
pub mod install;
pub mod kubeconfig;
pub mod kubectl;
pub mod ports;
pub mod process;
pub mod programs;
pub mod request;
pub mod server;
pub mod simulator;
pub mod webui;
