//! Waiting for what must come true, with a limit.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// Asks again and again, every 20 milliseconds, until there is an answer.
///
/// # Errors
/// The first error of the question, or after `limit` that there was no answer.
pub async fn eventually<T>(
    limit: Duration,
    mut question: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = question().await? {
            return Ok(answer);
        }
        if started.elapsed() > limit {
            bail!("not within {} s", limit.as_secs_f32());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Asks again and again until `limit` is over, for what must not happen.
///
/// # Errors
/// As soon as the question has an answer, with it; or the question's own error.
pub async fn never<T: std::fmt::Debug>(
    limit: Duration,
    question: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<()> {
    let mut question = question;
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(answer) = question().await? {
            bail!(
                "happened after {} s: {answer:?}",
                started.elapsed().as_secs_f32()
            );
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Says that a test cannot be made here, and why; `cargo xtask test` counts it as skipped.
///
/// Written past the capturing of test output, on a line of its own.
pub fn skip(reason: &str) {
    use std::io::Write;
    // Without standard output there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "\nskipped: {reason}");
}
