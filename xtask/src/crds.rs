//! `cargo xtask crds`: the YAML of the custom resource, generated from its Rust types.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use crate::workspace;

/// The file, and its copy in the chart, which can hold no file from outside.
const FILES: [&str; 2] = [
    "crds/accessrequests.yaml",
    "charts/jit-access/files/accessrequests.yaml",
];

#[derive(Debug, Args)]
pub struct Arguments {
    /// Changes nothing; fails when the file is not what the types say.
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check {
        check()?;
        println!("{} are what the types say", FILES.join(" and "));
    } else {
        for file in FILES {
            let path = workspace::root().join(file);
            std::fs::write(&path, generated()?)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            println!("{file} is written");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the files with the types.
pub fn check() -> Result<()> {
    FILES.iter().try_for_each(|file| check_file(file))
}

fn check_file(file: &str) -> Result<()> {
    let path = workspace::root().join(file);
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
        "{file} is not what the types in crds/src say, from line {line} on: run `cargo xtask crds` and commit the file"
    );
    Ok(())
}

fn generated() -> Result<String> {
    jit_access_crds::crd_yaml()
        .map_err(|reason| anyhow!("the schema cannot be made from the types: {reason}"))
}
