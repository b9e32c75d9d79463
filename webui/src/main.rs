//! The program `jit-access-webui`.

use std::process::ExitCode;

use clap::Parser;
use jit_access_program::start_log;
use jit_access_webui::config::Config;
use jit_access_webui::run::run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config = Config::parse();
    start_log(config.common.log_format);
    jit_access_google::install_crypto_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the threads cannot be started");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the web UI stops");
            ExitCode::FAILURE
        }
    }
}
