//! `cargo xtask bench`: builds what the benchmark measures as it is released, and runs it. The benchmark
//! itself is the program `jit-access-bench` of the test bench, so that the other commands need not compile
//! a Kubernetes client.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{tools, workspace};

/// Ends with a failure when a count breaks its limit, never for a time.
pub fn run() -> Result<ExitCode> {
    let control_plane = tools::folder()?;
    eprintln!("building the controller, the web UI and the simulated Google Cloud, optimised");
    workspace::run_cargo(&[
        "build",
        "--release",
        "--package=jit-access-controller",
        "--package=jit-access-webui",
        "--package=google-cloud-simulator",
        "--package=jit-access-tests",
        "--bin=jit-access-controller",
        "--bin=jit-access-webui",
        "--bin=google-cloud-simulator",
        "--bin=jit-access-bench",
        "--bin=leash",
    ])?;
    // Cargo puts each profile's programs beside the other's.
    let programs = workspace::programs()?.with_file_name("release");
    let status = Command::new(programs.join("jit-access-bench"))
        .env("JIT_ACCESS_CONTROL_PLANE", &control_plane)
        .env("JIT_ACCESS_PROGRAMS", &programs)
        .current_dir(workspace::root())
        .status()
        .context("jit-access-bench cannot be started")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
