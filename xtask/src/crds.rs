//! `cargo xtask crds`: the YAML of the custom resource, generated from its Rust types.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use crate::workspace;

const FILE: &str = "crds/accessrequests.yaml";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Changes nothing; fails when the file is not what the types say.
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check {
        check()?;
        println!("{FILE} is what the types say");
    } else {
        let path = workspace::root().join(FILE);
        std::fs::write(&path, generated()?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        println!("{FILE} is written");
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the file with the types.
pub fn check() -> Result<()> {
    let path = workspace::root().join(FILE);
    let there = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let wanted = generated()?;
    let line = there
        .lines()
        .zip(wanted.lines())
        .take_while(|(a, b)| a == b)
        .count()
        + 1;
    ensure!(
        there == wanted,
        "{FILE} is not what the types in crds/src say, from line {line} on: run `cargo xtask crds` and commit the file"
    );
    Ok(())
}

fn generated() -> Result<String> {
    jit_access_crds::crd_yaml()
        .map_err(|reason| anyhow!("the schema cannot be made from the types: {reason}"))
}
