//! `cargo xtask tools`: the pinned control plane, built once into a cache folder.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::workspace;

/// The programs in the executable; each gets a link of its name.
const PROGRAMS: [&str; 9] = [
    "coredns",
    "etcd",
    "helm",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
];

/// What a folder given by `KUBEBUILDER_ASSETS` must hold; it is what `setup-envtest` downloads.
const LEAST: [&str; 3] = ["kube-apiserver", "etcd", "kubectl"];

/// Inlining buys nothing here, and going without saves a quarter of the time and a tenth of the size.
const COMPILER_FLAGS: &str = "-gcflags=all=-l";

pub fn run() -> Result<ExitCode> {
    println!("{}", folder()?.display());
    Ok(ExitCode::SUCCESS)
}

/// The folder with the control plane's programs, built now if it is not there. Progress goes to
/// standard error.
pub fn folder() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
        return given_folder(PathBuf::from(given));
    }
    let module = workspace::root().join("tests/control-plane");
    let pinned = Pinned::read(&module)?;
    let cache = cache_folder()?;
    let folder = cache.join(format!("control-plane-{:016x}", pinned.hash));
    if folder.join("kube").is_file() {
        return Ok(folder);
    }
    fs::create_dir_all(&cache).with_context(|| format!("{} cannot be made", cache.display()))?;
    // Two at once: the second one waits, and then finds the folder.
    let lock = File::create(folder.with_extension("lock"))
        .with_context(|| format!("{} cannot be written to", cache.display()))?;
    if lock.try_lock().is_err() {
        eprintln!("another build of the control plane is running; waiting for it");
        lock.lock()
            .context("the lock of the other build cannot be waited for")?;
    }
    if !folder.join("kube").is_file() {
        build(&module, &pinned, &folder)?;
    }
    Ok(folder)
}

fn given_folder(folder: PathBuf) -> Result<PathBuf> {
    let missing: Vec<&str> = LEAST
        .into_iter()
        .filter(|name| !folder.join(name).is_file())
        .collect();
    ensure!(
        missing.is_empty(),
        "KUBEBUILDER_ASSETS is {}, which lacks {}: name a folder with {}, or unset it to have the pinned versions built",
        folder.display(),
        missing.join(" and "),
        LEAST.join(", "),
    );
    eprintln!(
        "using the control plane in KUBEBUILDER_ASSETS={}",
        folder.display()
    );
    Ok(folder)
}

fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => std::env::home_dir()
            .context("neither XDG_CACHE_HOME nor HOME is set: set one, the built control plane is kept below it")?
            .join(".cache"),
    };
    Ok(base.join("jit-access"))
}

/// What decides what is built.
struct Pinned {
    /// The version of Go that go.mod asks for: `1.26.8`.
    go: String,
    linker_flags: String,
    kubernetes: String,
    hash: u64,
}

impl Pinned {
    fn read(module: &Path) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        let mut go_mod = String::new();
        for name in ["go.sum", "main.go", "go.mod"] {
            let path = module.join(name);
            go_mod = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            go_mod.hash(&mut hasher);
        }
        let kubernetes = version_of(&go_mod, "k8s.io/kubernetes")?;
        let helm = version_of(&go_mod, "helm.sh/helm/v4")?;
        let linker_flags = linker_flags(&kubernetes, &helm)?;
        (COMPILER_FLAGS, &linker_flags, PROGRAMS).hash(&mut hasher);
        (std::env::consts::OS, std::env::consts::ARCH).hash(&mut hasher);
        Ok(Self {
            go: version_of(&go_mod, "go")?,
            linker_flags,
            kubernetes,
            hash: hasher.finish(),
        })
    }
}

/// The version that go.mod requires of `module`: the word after it, on a line of its own or in a block.
fn version_of(go_mod: &str, module: &str) -> Result<String> {
    go_mod
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .find_map(|line| line.strip_prefix(module)?.strip_prefix(' '))
        .and_then(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("tests/control-plane/go.mod does not say which {module} to take"))
}

/// Without these a server says that it is v0.0.0-master, which charts' `kubeVersion` refuses.
fn linker_flags(kubernetes: &str, helm: &str) -> Result<String> {
    let mut parts = kubernetes.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        bail!(
            "tests/control-plane/go.mod requires k8s.io/kubernetes {kubernetes}, which is not like v1.37.2"
        );
    };
    let mut flags = format!("-s -w -X helm.sh/helm/v4/internal/version.version={helm}");
    for package in [
        "k8s.io/component-base/version",
        "k8s.io/client-go/pkg/version",
    ] {
        for (name, value) in [
            ("gitVersion", kubernetes),
            ("gitMajor", major),
            ("gitMinor", minor),
            ("gitTreeState", "clean"),
            ("gitCommit", "0000000000000000000000000000000000000000"),
            ("buildDate", "2026-01-01T00:00:00Z"),
        ] {
            flags.push_str(&format!(" -X {package}.{name}={value}"));
        }
    }
    Ok(flags)
}

fn build(module: &Path, pinned: &Pinned, folder: &Path) -> Result<()> {
    eprintln!(
        "building the control plane (Kubernetes {}) into {}; the first time this takes six to ten minutes on two cores",
        pinned.kubernetes,
        folder.display()
    );
    let unfinished = folder.with_extension(format!("building-{}", std::process::id()));
    fs::create_dir_all(&unfinished)
        .with_context(|| format!("{} cannot be made", unfinished.display()))?;
    let built = compile(module, pinned, &unfinished.join("kube")).and_then(|()| {
        for name in PROGRAMS {
            std::os::unix::fs::symlink("kube", unfinished.join(name))
                .with_context(|| format!("the link {name} cannot be made"))?;
        }
        // Only a whole folder ever has the final name.
        fs::rename(&unfinished, folder)
            .with_context(|| format!("{} cannot be renamed", unfinished.display()))
    });
    if built.is_err() {
        // What matters is why the build failed; a folder that stays behind is never used.
        let _ = fs::remove_dir_all(&unfinished);
    }
    built
}

fn compile(module: &Path, pinned: &Pinned, output: &Path) -> Result<()> {
    let started = Instant::now();
    let mut go = Command::new("go")
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .args(["build", "-v", "-trimpath", COMPILER_FLAGS, "-ldflags"])
        .arg(&pinned.linker_flags)
        .arg("-o")
        .arg(output)
        .arg(".")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| no_go(&error, &pinned.go))?;
    let (modules, packages) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let lines = go.stderr.take().map(BufReader::new);
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            for line in lines
                .into_iter()
                .flat_map(BufRead::lines)
                .map_while(Result::ok)
            {
                if line.starts_with("go: downloading ") {
                    modules.fetch_add(1, Ordering::Relaxed);
                } else if line.contains(' ') || line.starts_with('#') {
                    eprintln!("{line}");
                } else {
                    // `-v` prints each package's path when its turn comes.
                    packages.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let mut said = Instant::now();
        loop {
            if let Some(status) = go.try_wait().context("go cannot be waited for")? {
                return Ok::<_, anyhow::Error>(status);
            }
            if said.elapsed() > Duration::from_secs(15) {
                said = Instant::now();
                eprintln!(
                    "  {:>4} s: {} modules downloaded, {} of about 3250 packages compiled",
                    started.elapsed().as_secs(),
                    modules.load(Ordering::Relaxed),
                    packages.load(Ordering::Relaxed),
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    })?;
    ensure!(
        status.success(),
        "the control plane could not be built: `go build` in tests/control-plane ended with {status}; it needs Go {} and the Go module proxy",
        pinned.go
    );
    eprintln!("built in {} s", started.elapsed().as_secs());
    Ok(())
}

fn no_go(error: &std::io::Error, version: &str) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        anyhow!(
            "Go is missing: the control plane is built with Go {version} (from 1.21 on, Go fetches that version by itself). \
             Install it from https://go.dev/dl/, or set KUBEBUILDER_ASSETS to a folder with {}",
            LEAST.join(", ")
        )
    } else {
        anyhow!("go cannot be started: {error}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_blocks_and_single_lines() {
        let go_mod = "module x\n\ngo 1.26.8\n\nrequire helm.sh/helm/v4 v4.3.1\nrequire (\n\tk8s.io/kubernetes v1.37.2\n\tk8s.io/kubernetes-other v0.1.0 // indirect\n)\n";
        assert_eq!(version_of(go_mod, "go").unwrap(), "1.26.8");
        assert_eq!(version_of(go_mod, "helm.sh/helm/v4").unwrap(), "v4.3.1");
        assert_eq!(version_of(go_mod, "k8s.io/kubernetes").unwrap(), "v1.37.2");
        let missing = version_of(go_mod, "k8s.io/api").unwrap_err().to_string();
        assert_eq!(
            missing,
            "tests/control-plane/go.mod does not say which k8s.io/api to take"
        );
    }

    #[test]
    fn a_server_says_its_version_by_major_and_minor() {
        let flags = linker_flags("v1.37.2", "v4.3.1").unwrap();
        assert!(
            flags.contains(" -X k8s.io/component-base/version.gitMinor=37 "),
            "{flags}"
        );
        assert!(
            flags.contains("helm/v4/internal/version.version=v4.3.1 "),
            "{flags}"
        );
        assert!(linker_flags("latest", "v4.3.1").is_err());
    }

    #[test]
    fn a_given_folder_is_told_what_it_lacks() {
        let folder = std::env::temp_dir().join(format!("jit-access-assets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("etcd"), "").unwrap();
        let refusal = given_folder(folder.clone()).unwrap_err().to_string();
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            refusal.contains("which lacks kube-apiserver and kubectl"),
            "{refusal}"
        );
    }
}
