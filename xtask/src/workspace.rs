//! Where the workspace and what cargo built in it are, and how to call cargo in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The repository's root.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The folder this program was built into, where its siblings are too: `target/debug`.
pub fn programs() -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this program is cannot be found out")?;
    let folder = me
        .parent()
        .context("this program is in no folder, which cannot be")?;
    Ok(folder.to_path_buf())
}

/// The same cargo that runs us, in the workspace's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(arguments);
    command
}

/// Runs cargo with its output shown.
///
/// # Errors
/// When it cannot be started, or does not end with status 0.
pub fn run_cargo(arguments: &[&str]) -> Result<()> {
    let line = format!("cargo {}", arguments.join(" "));
    let status = cargo(arguments)
        .status()
        .with_context(|| format!("`{line}` cannot be started"))?;
    ensure!(status.success(), "`{line}` failed ({status})");
    Ok(())
}

/// Runs cargo and returns what it printed on standard output; its errors are shown.
///
/// # Errors
/// When it cannot be started, or does not end with status 0.
pub fn read_cargo(arguments: &[&str]) -> Result<String> {
    let line = format!("cargo {}", arguments.join(" "));
    let output = cargo(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("`{line}` cannot be started"))?;
    ensure!(
        output.status.success(),
        "`{line}` failed ({})",
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no UTF-8"))
}
