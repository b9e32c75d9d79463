//! From the first line of a program to its exit status.

use std::process::ExitCode;

/// Runs a program on all processors to its end. An error is the last line of its log.
pub fn run_to_exit(name: &str, program: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
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
    match runtime.block_on(program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{name} stops");
            ExitCode::FAILURE
        }
    }
}
