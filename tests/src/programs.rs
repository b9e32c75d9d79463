//! Where the programs are that the tests run: what cargo built, and the control plane.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// The folder with `jit-access-controller`, `jit-access-webui`, `google-cloud-simulator`, `kubectl-jit` and `leash`: the
/// one that `JIT_ACCESS_PROGRAMS` names, which `cargo xtask` sets after building them; otherwise they are
/// built now, so that a plain `cargo test` never runs old ones.
///
/// # Errors
/// When they cannot be built.
pub fn built(name: &str) -> Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER
        .get_or_init(|| built_folder().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: build it with `cargo build --workspace --bins`",
        path.display()
    );
    Ok(path)
}

fn built_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("JIT_ACCESS_PROGRAMS") {
        return Ok(folder.into());
    }
    let mut cargo = cargo(&["build", "--quiet", "--bins"]);
    cargo.args([
        "--package=jit-access-controller",
        "--package=jit-access-webui",
        "--package=google-cloud-simulator",
        "--package=jit-access-tests",
        "--package=kubectl-jit",
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().context("cargo cannot be started")?;
    ensure!(status.success(), "the programs under test cannot be built");
    beside_this_program()
}

/// Cargo's folder of programs: `target/debug`. Test programs are in `deps` below it.
pub(crate) fn beside_this_program() -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this program is cannot be found out")?;
    me.ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps"))
        .map(Path::to_path_buf)
        .context("this program is in no folder")
}

/// The folder with kube-apiserver, etcd, kubectl and the others: the one that
/// `JIT_ACCESS_CONTROL_PLANE` names, otherwise what `cargo xtask tools` says, which looks at
/// `KUBEBUILDER_ASSETS` and builds the pinned versions where they are not in the cache yet.
///
/// # Errors
/// When there is none and it cannot be built.
pub fn control_plane() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER
        .get_or_init(|| control_plane_folder().map_err(|error| format!("{error:#}")))
        .as_deref()
        .map_err(|error| anyhow::Error::msg(error.clone()))
}

fn control_plane_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("JIT_ACCESS_CONTROL_PLANE") {
        let folder = PathBuf::from(folder);
        ensure!(
            folder.join("kube-apiserver").is_file(),
            "JIT_ACCESS_CONTROL_PLANE is {}, which holds no kube-apiserver: unset it, or set it to the folder that `cargo xtask tools` prints",
            folder.display()
        );
        return Ok(folder);
    }
    let output = cargo(&["run", "--quiet", "--package=xtask", "--", "tools"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "there is no control plane to test on: `cargo xtask tools` failed"
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    let folder = printed.lines().last().unwrap_or_default();
    Ok(PathBuf::from(folder))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(repository());
    command
}

/// The repository's root.
#[must_use]
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
