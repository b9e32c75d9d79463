//! The real kubectl, as one user.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::programs;

/// kubectl with the kubeconfig of one user.
#[derive(Debug, Clone)]
pub struct Kubectl {
    kubeconfig: PathBuf,
    namespace: String,
    real_home: bool,
}

/// What a command printed, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status; -1 when a signal ended it.
    pub code: i32,
}

impl Printed {
    /// Standard output of a command that must have succeeded.
    ///
    /// # Errors
    /// When it did not, with what it printed.
    pub fn success(self) -> Result<String> {
        ensure!(
            self.code == 0,
            "kubectl failed ({}): {}",
            self.code,
            self.stderr
        );
        Ok(self.stdout)
    }

    /// Standard error of a command that must have been refused.
    ///
    /// # Errors
    /// When it was not.
    pub fn refusal(self) -> Result<String> {
        ensure!(self.code != 0, "kubectl was not refused: {}", self.stdout);
        Ok(self.stderr)
    }
}

impl Kubectl {
    /// kubectl in a namespace.
    #[must_use]
    pub fn new(kubeconfig: &Path, namespace: &str) -> Self {
        Self {
            kubeconfig: kubeconfig.to_path_buf(),
            namespace: namespace.to_owned(),
            real_home: false,
        }
    }

    /// With the home folder of whoever runs this, where programs that log in to a cluster keep what they
    /// need. Otherwise kubectl sees none of its preferences.
    #[must_use]
    pub const fn with_real_home(mut self) -> Self {
        self.real_home = true;
        self
    }

    /// The kubeconfig's file.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs it.
    ///
    /// # Errors
    /// When it cannot be started; a refusal is no error here.
    pub async fn run(&self, arguments: &[&str]) -> Result<Printed> {
        self.run_with(arguments, "").await
    }

    /// Runs it with this text on standard input.
    ///
    /// # Errors
    /// When it cannot be started; a refusal is no error here.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Result<Printed> {
        let mut command = Command::new(programs::control_plane()?.join("kubectl"));
        command
            .arg("--namespace")
            .arg(&self.namespace)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig);
        if !self.real_home {
            command.envs(self.kubeconfig.parent().map(|home| ("HOME", home)));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("kubectl cannot be started")?;
        let mut stdin = child.stdin.take().context("kubectl has no input")?;
        // One that reads nothing closes it; that is not a failure.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await?;
        Ok(Printed {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// `kubectl apply` of a manifest: JSON or YAML, several documents too.
    ///
    /// # Errors
    /// When kubectl cannot be started; a refusal is no error here.
    pub async fn apply(&self, manifest: impl std::fmt::Display) -> Result<Printed> {
        self.run_with(&["apply", "--filename=-"], &manifest.to_string())
            .await
    }
}
