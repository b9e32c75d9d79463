//! Servers that cannot outlive the test process: each runs on a `leash`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::eventually::eventually;
use crate::programs;

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Start {
    /// Its name, for messages and the log's file.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables besides those of the test process.
    pub environment: Vec<(String, String)>,
    /// The folder of its log.
    pub logs: PathBuf,
}

/// A running server. It is killed when the value goes, and when the test process ends in any way.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    pid: u32,
    leash: Child,
    signals: Option<ChildStdin>,
}

impl Process {
    /// Starts it; it need not be ready yet. A log of an earlier start is added to.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(start: &Start) -> Result<Self> {
        let log = start.logs.join(format!("{}.log", start.name));
        let mut leash = Command::new(programs::built("leash")?)
            .arg(&log)
            .arg(&start.program)
            .args(&start.arguments)
            .envs(start.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C on a terminal reaches the whole group; servers end when we do, in order.
            .process_group(0)
            .spawn()
            .context("leash cannot be started")?;
        let mut line = String::new();
        let output = leash.stdout.take().context("leash has no output")?;
        BufReader::new(output)
            .read_line(&mut line)
            .context("leash cannot be read")?;
        let pid = line
            .trim()
            .parse()
            .with_context(|| format!("{} could not be started", start.program.display()))?;
        Ok(Self {
            name: start.name.clone(),
            log,
            pid,
            signals: leash.stdin.take(),
            leash,
        })
    }

    /// The server's process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// All that it printed, in all its starts.
    #[must_use]
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last lines of its output, for failure messages.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let output = self.output();
        let all: Vec<&str> = output.lines().collect();
        let last = all[all.len().saturating_sub(lines)..].join("\n");
        format!("--- the end of {} ---\n{last}", self.log.display())
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.leash.try_wait(), Ok(None))
    }

    /// Waits for a line that contains `words`, printed after the first `skip` bytes of the output,
    /// and returns it.
    ///
    /// # Errors
    /// When it ends before, or after 30 seconds; both with the end of its output.
    pub async fn wait_for_line(&mut self, words: &str, skip: usize) -> Result<String> {
        let waited = eventually(Duration::from_secs(30), async || {
            let output = self.output();
            let found = output
                .get(skip..)
                .unwrap_or_default()
                .lines()
                .find(|line| line.contains(words));
            match found {
                Some(line) => Ok(Some(line.to_owned())),
                None if self.is_running() => Ok(None),
                None => bail!("{} ended", self.name),
            }
        })
        .await;
        waited.with_context(|| format!("{} did not print {words:?}\n{}", self.name, self.tail(20)))
    }

    /// SIGKILL, at once; returns when it is gone.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.send("kill")?;
        self.leash.wait().context("leash cannot be waited for")?;
        Ok(())
    }

    /// SIGTERM, after 5 seconds SIGKILL; returns its status when it is gone (128 plus the signal's
    /// number where one ended it).
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.send("terminate")?;
        self.leash.wait().context("leash cannot be waited for")
    }

    /// SIGSTOP: it hangs, with its connections open.
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause(&mut self) -> Result<()> {
        ensure!(self.is_running(), "{} does not run", self.name);
        self.send("pause")
    }

    /// SIGCONT: it goes on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&mut self) -> Result<()> {
        ensure!(self.is_running(), "{} does not run", self.name);
        self.send("resume")
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resident_memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.pid);
        let status = std::fs::read_to_string(&path)
            .with_context(|| format!("{} does not run: {path} cannot be read", self.name))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
            .map(|kilobytes| kilobytes * 1024)
            .with_context(|| format!("{path} has no VmRSS"))
    }

    fn send(&mut self, word: &str) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        let signals = self.signals.as_mut().context("leash has no input")?;
        match writeln!(signals, "{word}") {
            // It ended in this moment.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result.context("leash cannot be told"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to report to; the closed pipe ends it in any case.
        let _ = self.kill_hard();
    }
}
