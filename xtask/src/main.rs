//! Development commands: `cargo xtask tools | crds | test | demo | bench`.

mod bench;
mod browser;
mod crds;
mod demo;
mod dependencies;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of JIT Access. Each sets up what it needs and says what it does.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds the pinned control plane once; the last line printed is the folder that holds it.
    Tools,
    /// Writes crds/accessrequests.yaml from the Rust types.
    Crds(crds::Arguments),
    /// Runs every check and test; the last line is `N passed, N failed`.
    Test(test::Arguments),
    /// Starts everything on this machine and shows a first request become access.
    Demo(demo::Arguments),
    /// Measures how fast requests become access, with how many calls of Google, and what the controller needs.
    Bench,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Tools => tools::run(),
        Command::Crds(arguments) => crds::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench => bench::run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
