//! The virtual environment with Google's Python clients.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The environment's folder: `${XDG_CACHE_HOME:-~/.cache}/jit-access/python-<hash>`. It is made in a folder of its own
/// and renamed when it is complete, so that one that exists can be used.
pub fn environment() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let cache = cache();
        let folder = cache.join(format!("python-{:016x}", fingerprint()));
        if !folder.join("bin/python").exists() {
            make(&cache, &folder);
        }
        folder
    })
    .clone()
}

fn cache() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("jit-access")
}

/// Changes with the requirements and with the interpreter, whose version an environment is bound to.
fn fingerprint() -> u64 {
    let version = Command::new("python3")
        .arg("--version")
        .output()
        .unwrap()
        .stdout;
    let mut hasher = DefaultHasher::new();
    (REQUIREMENTS, version).hash(&mut hasher);
    hasher.finish()
}

fn make(cache: &Path, folder: &Path) {
    std::fs::create_dir_all(cache).unwrap();
    let making = tempfile::Builder::new()
        .prefix("python-making-")
        .tempdir_in(cache)
        .unwrap();
    let requirements = making.path().join("requirements.txt");
    let made = making.path().join("environment");
    std::fs::write(&requirements, REQUIREMENTS).unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(&made));
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    run(Command::new(made.join("bin/python"))
        .args(pip)
        .arg(&requirements));
    // Another process may have been faster; its environment is as good.
    if let Err(error) = std::fs::rename(&made, folder) {
        assert!(
            folder.join("bin/python").exists(),
            "{}: {error}",
            folder.display()
        );
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
}
