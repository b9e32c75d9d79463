//! `kubectl jit wait`: until a request is Active, or never will be.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use futures::StreamExt;
use jiff::SignedDuration;
use jit_access_core::review::{decisions, veto};
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};
use kube::ResourceExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::watch_object;
use tokio::time::{Instant, sleep_until};

use crate::arguments::WaitCommand;
use crate::connection::Connection;
use crate::show::state_line;
use crate::{TIMED_OUT, print, text};

/// A controller that runs has looked at a request by then.
const LONG_UNSEEN: Duration = Duration::from_secs(15);
/// What stands for no end: a century.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Active,
    Ended,
}

/// Waits, telling on standard error how it goes on.
pub async fn run(connection: &Connection, command: &WaitCommand, json: bool) -> Result<ExitCode> {
    let request = connection.get(&command.name).await?;
    until_decided(connection, request, command.timeout, json).await
}

/// As [`run`], for a request as it was a moment ago.
pub async fn until_decided(
    connection: &Connection,
    request: AccessRequest,
    timeout: Option<SignedDuration>,
    json: bool,
) -> Result<ExitCode> {
    let name = request.name_any();
    let mut progress = Progress::default();
    progress.tell(&request);
    let mut last = request;
    let started = Instant::now();
    let limit = timeout.map_or(NEVER, SignedDuration::unsigned_abs);
    let mut end = pin!(sleep_until(started + limit));
    let mut unseen = pin!(sleep_until(started + LONG_UNSEEN));
    let mut told_unseen = false;
    let mut changes = pin!(watch_object(connection.requests(), &name).default_backoff());
    loop {
        if let Some(outcome) = outcome(&last) {
            return finish(&last, outcome, json);
        }
        tokio::select! {
            change = changes.next() => match change {
                Some(Ok(Some(request))) if request.uid() != last.uid() => {
                    bail!("{name} was deleted, and is another request by now");
                }
                Some(Ok(Some(request))) => {
                    progress.tell(&request);
                    last = request;
                }
                Some(Ok(None)) => bail!("{name} was deleted"),
                Some(Err(error)) => match connection.place().watch_ended(&error) {
                    Some(error) => return Err(error),
                    None => progress.disturbed(&connection.place().server),
                },
                None => bail!("{name} cannot be watched any more: ask with `kubectl jit list`"),
            },
            () = &mut unseen, if !told_unseen => {
                told_unseen = true;
                if state(&last).is_none() {
                    print::note("still not looked at: is the controller running?");
                }
            }
            () = &mut end => {
                if json {
                    print::json(&last)?;
                }
                let line = format!("{name} is undecided after the --timeout; {}", state_line(&last));
                print::note(&text::wrap_told(&line, text::WIDTH).join("\n"));
                return Ok(ExitCode::from(TIMED_OUT));
            }
        }
    }
}

fn outcome(request: &AccessRequest) -> Option<Outcome> {
    if request.metadata.deletion_timestamp.is_some() {
        return Some(Outcome::Ended);
    }
    match state(request)? {
        // Somebody ended it, and the controller has not yet.
        AccessState::Active if is_being_ended(request) => None,
        AccessState::Active => Some(Outcome::Active),
        state if state.is_final() => Some(Outcome::Ended),
        _ => None,
    }
}

fn is_being_ended(request: &AccessRequest) -> bool {
    veto(&decisions(request, &[])).is_some()
}

fn finish(request: &AccessRequest, outcome: Outcome, json: bool) -> Result<ExitCode> {
    if json {
        print::json(request)?;
    }
    match outcome {
        Outcome::Active if json => Ok(ExitCode::SUCCESS),
        Outcome::Active => {
            let line = format!("{} is {}", request.name_any(), state_line(request));
            print::output(&text::wrap_told(&line, text::WIDTH).join("\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Ended => {
            let deleted = request.metadata.deletion_timestamp.is_some();
            let deleted = if deleted { " being deleted;" } else { "" };
            let line = format!("{} is{deleted} {}", request.name_any(), state_line(request));
            print::note(&text::wrap_told(&line, text::WIDTH).join("\n"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What was told last, so that nothing is told twice.
#[derive(Default)]
struct Progress {
    told: String,
}

impl Progress {
    fn tell(&mut self, request: &AccessRequest) {
        // The outcome is told at the end.
        if outcome(request).is_some() {
            return;
        }
        let ending = if is_being_ended(request) {
            "is being ended; "
        } else {
            ""
        };
        let told_before = self.say(format!("{ending}{}", state_line(request)));
        if !told_before && state(request) == Some(AccessState::AwaitingApproval) {
            // Shorter than the message's own command, and shows the request first.
            print::note(&approve_command(request));
        }
    }

    fn disturbed(&mut self, server: &str) {
        self.say(format!("{server} does not answer; trying again"));
    }

    /// Whether it was told before.
    fn say(&mut self, line: String) -> bool {
        if line == self.told {
            return true;
        }
        print::note(&text::wrap_told(&line, text::WIDTH).join("\n"));
        self.told = line;
        false
    }
}

/// What a reviewer types.
fn approve_command(request: &AccessRequest) -> String {
    format!(
        "  a reviewer types: kubectl jit approve {} -n {}",
        request.name_any(),
        request.namespace().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{annotated, in_state, request};

    #[test]
    fn every_state_is_an_outcome_or_is_waited_on() {
        assert_eq!(outcome(&request()), None);
        for state in AccessState::ALL {
            let expected = match state {
                AccessState::Active => Some(Outcome::Active),
                AccessState::Pending
                | AccessState::AwaitingApproval
                | AccessState::Scheduled
                | AccessState::Retrying => None,
                AccessState::Expired
                | AccessState::Revoked
                | AccessState::Denied
                | AccessState::TimedOut
                | AccessState::Ineligible
                | AccessState::Failed => Some(Outcome::Ended),
            };
            assert_eq!(outcome(&in_state(*state, "")), expected, "{state}");
        }
    }

    #[test]
    fn access_that_somebody_ended_is_waited_on_until_it_is_gone() {
        for (key, value) in [
            ("denied-by.jit-access.dev/bob", "bob@example.com: no"),
            ("revoked-by.jit-access.dev/alice", "alice@example.com"),
        ] {
            let active = annotated(in_state(AccessState::Active, ""), key, value);
            assert_eq!(outcome(&active), None, "{key}");
            let over = annotated(in_state(AccessState::Denied, ""), key, value);
            assert_eq!(outcome(&over), Some(Outcome::Ended), "{key}");
        }
        let eve = "denied-by.jit-access.dev/eve";
        let active = annotated(in_state(AccessState::Active, ""), eve, "eve@example.com");
        assert_eq!(outcome(&active), Some(Outcome::Active));
    }

    #[test]
    fn what_is_being_deleted_ends() {
        let mut request = in_state(AccessState::Active, "");
        request.metadata.deletion_timestamp = request
            .status
            .as_ref()
            .map(|status| status.conditions[0].last_transition_time.clone());
        assert_eq!(outcome(&request), Some(Outcome::Ended));
    }
}
