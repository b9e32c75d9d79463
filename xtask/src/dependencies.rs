//! Rules on what the workspace is made of that need nothing installed: where crates come from, one
//! TLS stack, no version twice without a reason, and a core without I/O. `cargo deny` checks more.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// What the rules of `jit-access-core` must never reach: runtimes, sockets, clients.
const NOT_IN_CORE: [&str; 8] = [
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "rustls",
    "kube-client",
    "kube-runtime",
];

/// Checks all rules, printing each.
pub fn check() -> Result<()> {
    sources()?;
    println!("every crate comes from crates.io");
    one_tls_stack()?;
    println!("ring is not built: rustls with aws-lc-rs is the one TLS stack");
    core_without_io()?;
    println!("jit-access-core has no async runtime, socket or client");
    duplicates()?;
    println!("each crate that is built in two versions has a reason in deny.toml");
    Ok(())
}

fn sources() -> Result<()> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))
        .context("Cargo.lock cannot be read")?;
    let others: Vec<&str> = lock
        .lines()
        .filter(|line| line.starts_with("source = "))
        .filter(|line| {
            *line != r#"source = "registry+https://github.com/rust-lang/crates.io-index""#
        })
        .collect();
    ensure!(
        others.is_empty(),
        "Cargo.lock takes crates from elsewhere than crates.io: {}",
        others.join(", ")
    );
    Ok(())
}

/// The lock file names ring, an inactive option of others: only the built graph counts.
fn one_tls_stack() -> Result<()> {
    let built = names(&["--workspace", "--edges=normal,build,dev"])?;
    for stack in ["ring", "native-tls", "openssl"] {
        ensure!(
            !built.contains(stack),
            "{stack} is built: `cargo tree -i {stack}` shows what asks for it; rustls with aws-lc-rs is the one TLS stack"
        );
    }
    Ok(())
}

fn core_without_io() -> Result<()> {
    let built = names(&["--package=jit-access-core", "--edges=normal"])?;
    for name in NOT_IN_CORE {
        ensure!(
            !built.contains(name),
            "jit-access-core depends on {name}: `cargo tree -p jit-access-core -e normal -i {name}` shows how; core decides, it does no I/O"
        );
    }
    Ok(())
}

fn duplicates() -> Result<()> {
    // The tree also names crates that are built twice with other features, in the same version.
    let versions: BTreeSet<(String, String)> = tree(&[
        "--workspace",
        "--duplicates",
        "--depth=0",
        "--edges=normal,build,dev",
    ])?
    .lines()
    .filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    })
    .collect();
    let twice: BTreeSet<&String> = versions
        .iter()
        .zip(versions.iter().skip(1))
        .filter(|((name, _), (next, _))| name == next)
        .map(|((name, _), _)| name)
        .collect();
    let deny = fs::read_to_string(workspace::root().join("deny.toml"))
        .context("deny.toml cannot be read")?;
    let unexplained: Vec<&String> = twice
        .into_iter()
        .filter(|name| !deny.contains(&format!(r#"crate = "{name}@"#)))
        .collect();
    if !unexplained.is_empty() {
        bail!(
            "built in two versions without a reason in deny.toml: {unexplained:?}; `cargo tree -d` shows what asks for them"
        );
    }
    Ok(())
}

/// The names of all crates in a tree.
fn names(arguments: &[&str]) -> Result<BTreeSet<String>> {
    Ok(tree(arguments)?
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect())
}

/// One line per crate: `name vX.Y.Z …`.
fn tree(arguments: &[&str]) -> Result<String> {
    let mut all = vec!["tree", "--locked", "--quiet", "--prefix=none"];
    all.extend(arguments);
    workspace::read_cargo(&all)
}
