//! Google's own clients do their reads and conditional writes against the simulator.
//!
//! Python's are installed once into a virtual environment below the user's cache; `gcloud` is used where it is
//! installed. What is missing is said on standard output: `skipped: <test>: <reason>`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

#[path = "real_clients/gcloud.rs"]
mod gcloud;
#[path = "real_clients/python.rs"]
mod python;
#[expect(dead_code, reason = "these tests use a part of what all tests share")]
#[path = "shared/served.rs"]
mod served;

use std::io::Write as _;
use std::process::Command;

use python::environment;
use served::Served;

/// Says so past the test harness, which keeps what `println!` writes.
#[expect(clippy::explicit_write, reason = "what println! writes is captured")]
fn skip(test: &str, reason: &str) {
    writeln!(std::io::stdout(), "skipped: {test}: {reason}").unwrap();
}

fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Runs one of the Python conversations.
async fn converse(test: &str, script: &str) {
    if !is_installed("python3") {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 is not installed, which a CI machine must have"
        );
        return skip(test, "python3 is not installed");
    }
    let google = Served::new().await;
    let script = format!("{}/tests/real_clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let base = google.base.clone();
    let output = tokio::task::spawn_blocking(move || {
        let mut python = Command::new(environment().join("bin/python"));
        without_proxy(&mut python);
        python.args([&script, &base]).output().unwrap()
    });
    let output = output.await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{errors}\nthe calls were: {:?}",
        google.log().await
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(": done"),
        "{errors}"
    );
}

/// The simulator is on this machine, whatever stands before the rest of the world.
fn without_proxy(command: &mut Command) {
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        command.env_remove(name);
    }
    command
        .env("GOOGLE_CLOUD_DISABLE_GRPC", "true")
        .env("NO_GCE_CHECK", "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_generated_client() {
    converse("pythons_generated_client", "gapic.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_discovery_client() {
    converse("pythons_discovery_client", "discovery.py").await;
}
