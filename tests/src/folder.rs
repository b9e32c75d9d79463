//! Folders for the files of one test environment, below cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::programs;

/// A folder that is removed when the value goes, unless a test is failing: then its logs stay until
/// the next run. What killed runs left is removed by the next run too.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        static SWEPT: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = programs::beside_this_program()?.join("test-bench");
        SWEPT.call_once(|| sweep(&parent));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{}-{number}", std::process::id()));
        // Left by an earlier process of the same id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it and returns the file's path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let path = self.path.join(name);
        // In one step: tests that share a bench write the same files, and kubectl takes an empty
        // kubeconfig for none.
        let count = WRITES.fetch_add(1, Ordering::Relaxed);
        let part = self.path.join(format!("{name}.part-{count}"));
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &path))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // What stays is swept by the next run.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes the folders of processes that are gone. What cannot be removed now can be later.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_string_lossy()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_owned();
        if !Path::new("/proc").join(&owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
