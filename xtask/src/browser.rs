//! The browser tests: Playwright with Debian's Chromium, on a demo that Playwright starts and ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{demo, tools, workspace};

/// The oldest Node that Playwright runs on.
const NODE: u32 = 18;

/// What is missing on this machine, with how to install it.
pub fn missing() -> Option<String> {
    let mut missing = Vec::new();
    if node_version().is_none_or(|version| version < NODE) {
        missing.push(format!("node {NODE} or newer"));
    }
    if version("npm").is_none() {
        missing.push("npm".to_owned());
    }
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    if version(&chromium).is_none() {
        missing.push(chromium);
    }
    (!missing.is_empty()).then(|| {
        format!(
            "{}: `apt-get install chromium nodejs npm` installs it on Debian",
            missing.join(", ")
        )
    })
}

/// Builds what the tests look at, installs Playwright where the lock file asks for another one than is
/// there, and returns the command that runs the tests.
pub fn prepare() -> Result<Command> {
    let control_plane = tools::folder()?;
    let programs = demo::build()?;
    let folder = workspace::root().join("tests/browser");
    install(&folder)?;
    let mut playwright = Command::new("node");
    playwright
        .args(["node_modules/@playwright/test/cli.js", "test"])
        .current_dir(&folder)
        .env("JIT_ACCESS_CONTROL_PLANE", control_plane)
        .env("JIT_ACCESS_PROGRAMS", programs)
        // Of an error that ends the demo, the sentence matters.
        .env("RUST_LIB_BACKTRACE", "0");
    Ok(playwright)
}

/// `npm ci`, unless it was done for this very lock file.
fn install(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json"))
        .context("tests/browser/package-lock.json cannot be read")?;
    let done = folder.join("node_modules/.installed-lock.json");
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    println!("installing Playwright with npm");
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts"])
        .current_dir(folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .stdin(Stdio::null())
        .status()
        .context("npm cannot be started")?;
    ensure!(
        status.success(),
        "`npm ci` failed in tests/browser ({status})"
    );
    fs::write(&done, lock).with_context(|| format!("{} cannot be written", done.display()))
}

fn node_version() -> Option<u32> {
    let version = version("node")?;
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// What a program says that it is; none when it cannot be run.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
