//! `kubectl jit`, run as a process by people with kubeconfigs of their own.

mod decisions;
mod errors;
mod manifests;

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person, condition};
use jit_access_tests::kubectl::Printed;
use jit_access_tests::programs;
use serde_json::Value;
use tokio::process::Command;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

/// The plugin with a kubeconfig; the context's namespace is `default`.
fn plugin(kubeconfig: &Path) -> Result<Command> {
    let mut command = Command::new(programs::built("kubectl-jit")?);
    command
        .env("KUBECONFIG", kubeconfig)
        .env_remove("HOME")
        .kill_on_drop(true);
    Ok(command)
}

async fn run(mut command: Command) -> Result<Printed> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .context("the program cannot be started")?;
    Ok(Printed {
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
        code: output.status.code().unwrap_or(-1),
    })
}

/// What is said to people fits a terminal, commands aside, which stay whole; JSON is a program's.
fn fits(printed: &Printed) {
    let is_json = printed.stdout.starts_with('{');
    let told = printed.stdout.lines().filter(|_| !is_json);
    for line in told.chain(printed.stderr.lines()) {
        let has_command = line.contains("kubectl ");
        assert!(has_command || line.chars().count() <= 100, "{line}");
    }
}

/// `kubectl jit` by a person in the case's namespace.
async fn jit(case: &Case<'_>, person: &Person, arguments: &[&str]) -> Result<Printed> {
    let mut command = plugin(person.kubectl.kubeconfig())?;
    command.args(arguments).args(["-n", &case.namespace]);
    let printed = run(command).await?;
    // A list is not cut where it goes to a program, as here.
    if arguments.first() != Some(&"list") {
        fits(&printed);
    }
    Ok(printed)
}

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

/// The words of a request for this role.
fn asks<'a>(case: &'a Case<'_>, role: &'a str) -> Vec<&'a str> {
    vec![
        "request",
        "--resource",
        &case.project,
        "--role",
        role,
        "--justification",
        "CASE-1: a test",
        "--duration",
        "10m",
    ]
}

/// In an hour.
fn later() -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test]
async fn access_is_asked_for_awaited_listed_and_given_back() -> Result<()> {
    let (case, alice) = new().await?;
    let mut words = asks(&case, ADMIN);
    words.extend(["--wait", "-o", "json"]);
    let printed = jit(&case, &alice, &words).await?;
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let made: Value = serde_json::from_str(&printed.stdout)?;
    let name = made["metadata"]["name"].as_str().context("a name")?;
    assert!(name.starts_with("compute-instanceadmin-v1-"), "{name}");
    assert_eq!(made["kind"], "AccessRequest");
    assert_eq!(made["spec"]["requester"], alice.email.as_str());
    assert_eq!(made["spec"].get("reviewers"), None);
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);

    let printed = jit(&case, &alice, &["list", "--mine"]).await?.success()?;
    let line = printed.lines().find(|line| line.starts_with(name));
    assert!(
        line.is_some_and(|line| line.contains("Active")),
        "{printed}"
    );
    let list = jit(&case, &alice, &["list", "-o", "json"])
        .await?
        .success()?;
    let list: Value = serde_json::from_str(&list)?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["items"][0]["metadata"]["name"], name);
    // It concerns nobody else.
    let bob = case.person("bob").await?;
    let printed = jit(&case, &bob, &["list"]).await?;
    assert_eq!((printed.code, printed.stdout.as_str()), (0, ""));
    let all = jit(&case, &bob, &["list", "--all"]).await?.success()?;
    assert!(all.contains(name), "{all}");

    // One that is Active already is not waited for.
    let printed = jit(&case, &alice, &["wait", name]).await?;
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed.stdout.starts_with(&format!("{name} is Active: ")),
        "{}",
        printed.stdout
    );

    let words = ["revoke", name, "--comment", "done already"];
    let shown = jit(&case, &alice, &words).await?.success()?;
    for said in [&alice.email, &case.project, ADMIN, "CASE-1: a test"] {
        assert!(shown.contains(said), "{shown}");
    }
    let ended = case.wait_for(name, AccessState::Revoked).await?;
    let message = &condition(&ended, "Granted")?.message;
    assert!(
        message.contains(&format!("{}: done already", alice.email)),
        "{message}"
    );
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    let printed = jit(&case, &alice, &["wait", name]).await?;
    assert_eq!(printed.code, 1);
    assert!(printed.stderr.contains("Revoked: "), "{}", printed.stderr);
    Ok(())
}

#[tokio::test]
async fn what_one_is_not_eligible_for_is_refused_with_the_reason() -> Result<()> {
    let (case, alice) = new().await?;
    let mut words = asks(&case, "roles/owner");
    words.extend(["--wait", "--name", "owner"]);
    let printed = jit(&case, &alice, &words).await?;
    assert_eq!(printed.code, 1);
    assert_eq!(printed.stdout, "");
    let request = case.wait_for("owner", AccessState::Ineligible).await?;
    let reason = &condition(&request, "Granted")?.message;
    let told = printed
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        told.contains(&format!("owner is Ineligible: {reason}")),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn waiting_has_an_end_of_its_own() -> Result<()> {
    let (case, alice) = new().await?;
    let start = later();
    let mut words = asks(&case, ADMIN);
    words.extend(["--start", &start, "--name", "soon"]);
    let printed = jit(&case, &alice, &words).await?.success()?;
    assert_eq!(printed, "soon\n");
    case.wait_for("soon", AccessState::Scheduled).await?;
    let printed = jit(&case, &alice, &["wait", "soon", "--timeout", "1s"]).await?;
    assert_eq!((printed.code, printed.stdout.as_str()), (2, ""));
    assert!(printed.stderr.contains("Scheduled: "), "{}", printed.stderr);
    assert!(
        printed
            .stderr
            .contains("soon is undecided after the --timeout")
    );

    // kubectl passes words and exit status on.
    let folder = programs::built("kubectl-jit")?;
    let folder = folder.parent().context("a folder")?;
    let mut kubectl = Command::new(programs::control_plane()?.join("kubectl"));
    kubectl
        .args([
            "jit",
            "wait",
            "soon",
            "--timeout",
            "1s",
            "-n",
            &case.namespace,
        ])
        .env("KUBECONFIG", alice.kubectl.kubeconfig())
        .env("PATH", folder);
    assert_eq!(run(kubectl).await?.code, 2);
    Ok(())
}

#[tokio::test]
async fn who_waits_learns_that_it_was_withdrawn_or_deleted() -> Result<()> {
    let (case, alice) = new().await?;
    let start = later();
    for (name, end) in [
        ("withdrawn", ["revoke", "withdrawn"]),
        ("deleted", ["", ""]),
    ] {
        let mut words = asks(&case, ADMIN);
        words.extend(["--start", &start, "--name", name]);
        jit(&case, &alice, &words).await?.success()?;
        case.wait_for(name, AccessState::Scheduled).await?;
        let words = ["wait", name, "--timeout", "30s"];
        let waits = jit(&case, &alice, &words);
        let ends = async {
            // It may come before the other looks: that ends the same way.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            match end {
                ["", ""] => case.delete(&alice, name).await?.success().map(drop),
                words => jit(&case, &alice, &words).await?.success().map(drop),
            }
        };
        let (printed, ended) = tokio::join!(waits, ends);
        ended?;
        let printed = printed?;
        assert_eq!(printed.code, 1, "{name}: {}", printed.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn an_earlier_request_is_repeated() -> Result<()> {
    let (case, alice) = new().await?;
    let mut words = asks(&case, ADMIN);
    words.extend([
        "--condition",
        "resource.name != \"x\"",
        "--name",
        "first",
        "--wait",
    ]);
    assert_eq!(jit(&case, &alice, &words).await?.code, 0);
    let words = [
        "request",
        "--like",
        "first",
        "--duration",
        "5m",
        "-o",
        "json",
    ];
    let again = jit(&case, &alice, &words).await?.success()?;
    let again: Value = serde_json::from_str(&again)?;
    let mut expected = serde_json::to_value(&case.requests().get("first").await?.spec)?;
    expected["duration"] = "5m".into();
    assert_eq!(again["spec"], expected);
    Ok(())
}
