//! `cargo xtask demo`: builds what the demo runs and starts it. The demo itself is the program
//! `jit-access-demo` of the test bench, so that the other commands need not compile a Kubernetes client.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::{tools, workspace};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Ends after the first request, with status 0 if it became access.
    #[arg(long)]
    once: bool,
    /// Uses the cluster of this context of your kubeconfig instead of a control plane of its own.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let control_plane = tools::folder()?;
    let programs = build()?;
    let mut demo = Command::new(programs.join("jit-access-demo"));
    demo.env("JIT_ACCESS_CONTROL_PLANE", &control_plane)
        .env("JIT_ACCESS_PROGRAMS", &programs)
        .current_dir(workspace::root());
    if arguments.once {
        demo.arg("--once");
    }
    if let Some(context) = &arguments.context {
        demo.args(["--context", context]);
    }
    // In our place, so that Ctrl-C and its exit status are its own; this returns only when it cannot start.
    Err(demo.exec()).context("jit-access-demo cannot be started")
}

/// Builds what the demo runs, and returns the folder that holds it.
pub fn build() -> Result<PathBuf> {
    eprintln!("building the controller, the web UI and the simulated Google Cloud");
    workspace::run_cargo(&[
        "build",
        "--package=jit-access-controller",
        "--package=jit-access-webui",
        "--package=google-cloud-simulator",
        "--package=jit-access-tests",
        "--bins",
    ])?;
    workspace::programs()
}
