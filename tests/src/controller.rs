//! The real controller as a process.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::eventually::eventually;
use crate::folder::Folder;
use crate::process::{Process, Start};
use crate::programs;

/// A controller; it may have been stopped or killed.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    start: Start,
    address: String,
    http: reqwest::Client,
}

impl Controller {
    /// Starts it as whoever the kubeconfig says, against Google at this URL, and waits until it is ready.
    /// `flags` come after those that every start needs.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start(
        folder: &Folder,
        name: &str,
        kubeconfig: &Path,
        google: &str,
        flags: &[String],
    ) -> Result<Self> {
        let mut arguments = vec![
            format!("--google-endpoint={google}"),
            "--admin-listen=127.0.0.1:0".to_owned(),
        ];
        arguments.extend_from_slice(flags);
        let start = Start {
            name: name.to_owned(),
            program: programs::built("jit-access-controller")?,
            arguments,
            environment: vec![
                ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                ("NO_COLOR".to_owned(), "1".to_owned()),
            ],
            logs: folder.path().to_path_buf(),
        };
        // No connection is kept: it would belong to the runtime of the test that opened it.
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()?;
        let mut this = Self {
            process: Process::start(&start)?,
            start,
            address: String::new(),
            http,
        };
        this.wait_until_ready(0).await?;
        Ok(this)
    }

    /// Starts it again after it ended, with the same flags.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process.kill_hard()?;
        let seen = self.process.output().len();
        self.process = Process::start(&self.start)?;
        self.wait_until_ready(seen).await
    }

    /// SIGKILL: it ends in the middle of whatever it does.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.process.kill_hard()
    }

    /// SIGTERM, as Kubernetes ends a pod; returns its exit status.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// Its process, to pause or measure it, or to read its log.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Its process, to be sent signals.
    pub const fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// All that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Whether `/readyz` says so.
    pub async fn is_ready(&self) -> bool {
        self.page("readyz").await.is_ok()
    }

    /// Why it is not ready; `None` if it is.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn unready(&self) -> Result<Option<String>> {
        let url = format!("http://{}/readyz", self.address);
        let answer = self.http.get(url).send().await?;
        if answer.status().is_success() {
            return Ok(None);
        }
        Ok(Some(answer.text().await?))
    }

    /// The samples of `/metrics`: name with labels, as printed, to value.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        Ok(samples(&self.page("metrics").await?))
    }

    /// One of its pages, when the status is 200.
    ///
    /// # Errors
    /// When it does not answer, or with another status.
    pub async fn page(&self, path: &str) -> Result<String> {
        let answer = self
            .http
            .get(format!("http://{}/{path}", self.address))
            .send()
            .await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    async fn wait_until_ready(&mut self, skip: usize) -> Result<()> {
        const WORDS: &str = "admin listening on ";
        let line = self.process.wait_for_line(WORDS, skip).await?;
        let (_, rest) = line.split_once(WORDS).context("the line has an address")?;
        self.address = rest
            .chars()
            .take_while(|character| character.is_ascii_digit() || ".:".contains(*character))
            .collect();
        let waited = eventually(Duration::from_secs(30), async || {
            if !self.process.is_running() {
                bail!("it ended");
            }
            Ok(self.is_ready().await.then_some(()))
        })
        .await;
        waited.with_context(|| format!("the controller is not ready\n{}", self.process.tail(30)))
    }
}

/// Reads the text format of metrics; comments and what is no number are left out.
fn samples(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::samples;

    #[test]
    fn samples_keep_their_labels() {
        let text = "# HELP a b\na_total 3\nb{state=\"Active\",x=\"y z\"} 0.5\n# EOF\n";
        let read = samples(text);
        assert_eq!(read.len(), 2);
        assert!((read["a_total"] - 3.0).abs() < f64::EPSILON);
        assert!((read[r#"b{state="Active",x="y z"}"#] - 0.5).abs() < f64::EPSILON);
    }
}
