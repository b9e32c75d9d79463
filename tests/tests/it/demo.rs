//! `cargo xtask demo --once` does what the README says.

use anyhow::{Result, ensure};
use jit_access_tests::programs;
use tokio::process::Command;

#[tokio::test]
async fn the_demo_shows_a_first_request() -> Result<()> {
    let output = Command::new(programs::built("jit-access-demo")?)
        .arg("--once")
        .env("JIT_ACCESS_CONTROL_PLANE", programs::control_plane()?)
        .output()
        .await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let problems = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{printed}\n{problems}");
    for words in [
        "condition met",
        "Active",
        "\"title\": \"jit-access ",
        "has roles/compute.instanceAdmin.v1 now: yes",
        ": no",
    ] {
        ensure!(
            printed.contains(words) || problems.contains(words),
            "{words:?} is not in\n{printed}\n{problems}"
        );
    }
    Ok(())
}
