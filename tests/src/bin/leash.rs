//! `leash LOG PROGRAM ARGUMENT…` runs a program that cannot outlive whoever started it.
//!
//! The starter holds the other end of our standard input. When that closes, for whatever reason the
//! starter ended, the program gets SIGTERM and 5 seconds later SIGKILL. Until then lines on standard
//! input send it signals: `terminate`, `kill`, `pause`, `resume`. The first line that we print is the
//! program's process id; what it prints goes to the file LOG; we end with its status.

use std::fs::OpenOptions;
use std::io::{BufRead, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

const GRACE: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(log), Some(program)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: leash LOG PROGRAM ARGUMENT…");
    };
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| format!("the log {} cannot be opened", log.display()))?;
    let child = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(id.try_into().ok()?))
        .context("the program has no process id")?;
    println!("{}", pid.as_raw_nonzero());
    std::io::stdout().flush()?;
    let status = watch(child, pid, lines()).await?;
    // Not by returning: the thread that reads standard input would hold us.
    std::process::exit(
        status
            .code()
            .or(status.signal().map(|signal| 128 + signal))
            .unwrap_or(1),
    )
}

/// The lines of standard input; ends when it does.
fn lines() -> UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin()
            .lock()
            .lines()
            .map_while(std::io::Result::ok)
        {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn watch(
    mut child: Child,
    pid: Pid,
    mut lines: UnboundedReceiver<String>,
) -> Result<ExitStatus> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        // The program is reaped in this task alone: its id cannot be another's when a signal is sent.
        let line = tokio::select! {
            status = child.wait() => return Ok(status?),
            line = lines.recv() => line,
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        match line.as_deref() {
            Some("kill") => kill_process(pid, Signal::KILL)?,
            Some("pause") => kill_process(pid, Signal::STOP)?,
            Some("resume") => kill_process(pid, Signal::CONT)?,
            Some("terminate") | None => break,
            Some(other) => anyhow::bail!("{other:?} is not terminate, kill, pause or resume"),
        }
    }
    kill_process(pid, Signal::TERM)?;
    // One that is paused would not hear it.
    kill_process(pid, Signal::CONT)?;
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        return Ok(status?);
    }
    kill_process(pid, Signal::KILL)?;
    Ok(child.wait().await?)
}
