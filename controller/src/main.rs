//! The JIT Access controller: watches AccessRequests, decides by Google's policies, and adds IAM
//! bindings that end by themselves.

mod act;
mod admin;
mod ask;
mod config;
mod context;
mod done;
mod events;
mod facts;
mod guard;
mod guarded;
mod lock;
mod memory;
mod metrics;
mod objects;
mod observe;
mod orphans;
mod petition;
mod policy_writer;
mod reconcile;
mod refused;
mod run;
mod shared_readings;
mod undecodable;
mod watch;
mod write_error;

use std::process::ExitCode;

use clap::Parser;
use jit_access_program::{run_to_exit, start_log};

use crate::config::Config;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config = Config::parse();
    start_log(config.common.log_format);
    jit_access_google::install_crypto_provider();
    run_to_exit("the controller", run::run(config))
}
