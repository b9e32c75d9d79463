//! One of our own servers as a process: ready when it says so, measured on its admin port.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::eventually::eventually;
use crate::folder::Folder;
use crate::process::{Process, Start};
use crate::programs;

/// A server with an admin port; it may have been stopped or killed.
#[derive(Debug)]
pub struct Server {
    process: Process,
    start: Start,
    admin: String,
    /// Where its last start begins in its log.
    begin: usize,
    http: reqwest::Client,
}

impl Server {
    /// Starts one of our programs as whoever the kubeconfig says, against Google at this URL, and waits
    /// until it is ready. `flags` come after those that every start needs.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start(
        folder: &Folder,
        program: &str,
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
            program: programs::built(program)?,
            arguments,
            environment: vec![
                ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                ("NO_COLOR".to_owned(), "1".to_owned()),
            ],
            logs: folder.path().to_path_buf(),
        };
        let mut this = Self {
            process: Process::start(&start)?,
            start,
            admin: String::new(),
            begin: 0,
            http: client()?,
        };
        this.wait_until_ready().await?;
        Ok(this)
    }

    /// Starts it again after it ended, with the same flags.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process.kill_hard()?;
        self.begin = self.process.output().len();
        self.process = Process::start(&self.start)?;
        self.wait_until_ready().await
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
        let url = format!("http://{}/readyz", self.admin);
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

    /// One of its admin pages, when the status is 200.
    ///
    /// # Errors
    /// When it does not answer, or with another status.
    pub async fn page(&self, path: &str) -> Result<String> {
        let answer = self
            .http
            .get(format!("http://{}/{path}", self.admin))
            .send()
            .await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The address that a line of its log has after these words, since it was last started.
    ///
    /// # Errors
    /// When no such line comes.
    pub async fn logged_address(&mut self, words: &str) -> Result<String> {
        let line = self.process.wait_for_line(words, self.begin).await?;
        let (_, rest) = line.split_once(words).context("the line has an address")?;
        Ok(rest
            .chars()
            .take_while(|character| character.is_ascii_digit() || ".:".contains(*character))
            .collect())
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        self.admin = self.logged_address("admin listening on ").await?;
        let waited = eventually(Duration::from_secs(30), async || {
            if !self.process.is_running() {
                bail!("it ended");
            }
            Ok(self.is_ready().await.then_some(()))
        })
        .await;
        waited.with_context(|| {
            format!(
                "{} is not ready\n{}",
                self.start.name,
                self.process.tail(30)
            )
        })
    }
}

/// Flags of all tests, and then those of one; a flag that this one names too is left out of the former.
#[must_use]
pub fn flags(defaults: &[&str], own: &[String]) -> Vec<String> {
    let is_named = |default: &str| {
        let (flag, _) = default.split_once('=').unwrap_or((default, ""));
        own.iter().any(|own| own.split('=').next() == Some(flag))
    };
    let kept = defaults.iter().filter(|default| !is_named(default));
    kept.map(|default| (*default).to_owned())
        .chain(own.iter().cloned())
        .collect()
}

/// A client that keeps no connection, which would belong to the runtime of the test that opened it, and
/// follows no redirect.
///
/// # Errors
/// When it cannot be made.
pub fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?)
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
