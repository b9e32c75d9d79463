//! `kubectl jit`: ask for access, decide about requests of others, and wait for the outcome.

mod arguments;
mod complete;
mod connection;
mod decide;
mod fault;
mod list;
mod print;
mod request;
mod show;
mod text;
mod verify_manifests;
mod wait;

#[cfg(test)]
mod samples;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use jit_access_crds::DecisionKind;

use crate::arguments::{Arguments, Command};
use crate::connection::Connection;

/// `--timeout` of `wait` passed. All other failures are 1, wrong arguments too.
const TIMED_OUT: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if complete::is_asked() {
        return complete::answer().await;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // Nobody is left to tell when the message cannot be printed.
            let _ = message.print();
            return if message.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    run(&arguments).await.unwrap_or_else(|error| {
        let line = format!("error: {error:#}");
        print::note(&text::wrap_told(&line, text::WIDTH).join("\n"));
        ExitCode::FAILURE
    })
}

async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let global = &arguments.global;
    let json = global.output.is_some();
    if let Command::VerifyManifests(command) = &arguments.command {
        return verify_manifests::run(command, global.namespace.as_deref(), json);
    }
    let connection = Connection::open(global).await?;
    match &arguments.command {
        Command::Request(command) => request::run(&connection, command, json).await,
        Command::List(command) => list::run(&connection, command, json).await,
        Command::Approve(command) => {
            decide::run(&connection, DecisionKind::Approved, command, json).await
        }
        Command::Deny(command) => {
            decide::run(&connection, DecisionKind::Denied, command, json).await
        }
        Command::Revoke(command) => {
            decide::run(&connection, DecisionKind::Revoked, command, json).await
        }
        Command::Wait(command) => wait::run(&connection, command, json).await,
        // Answered above, without a cluster.
        Command::VerifyManifests(_) => Ok(ExitCode::SUCCESS),
    }
}
