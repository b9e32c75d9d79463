//! The program `jit-access-webui`.

use std::process::ExitCode;

use clap::Parser;
use jit_access_program::{run_to_exit, start_log};
use jit_access_webui::config::Config;
use jit_access_webui::run::run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config = Config::parse();
    start_log(config.common.log_format);
    jit_access_google::install_crypto_provider();
    run_to_exit("the web UI", run(config))
}
