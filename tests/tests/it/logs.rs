//! What the controller logs: enough to be woken by, and nothing that must not be there.

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::Case;
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
/// Of no word that a message of ours has.
const JUSTIFICATION: &str = "Xylograph-4711 of the confidential customer";
/// Said once: from then on requests are decided.
const PROVEN: &str = "the admission policy is in force";

/// A request that is granted, one that is refused, one that Google fails at first.
async fn requests(bench: &Bench) -> Result<()> {
    let case = Case::new(bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let request = |name: &str, role: &str| {
        case.request(name, &alice, role)
            .justification(JUSTIFICATION)
    };
    case.submit(&alice, &request("granted", ADMIN)).await?;
    case.wait_for("granted", AccessState::Active).await?;
    case.submit(&alice, &request("refused", "roles/owner"))
        .await?;
    case.wait_for("refused", AccessState::Ineligible).await?;
    let fault = json!({
        "method": "setIamPolicy", "resource": case.project, "status": 503, "count": 2,
    });
    bench.simulator.fault(&fault).await?;
    case.submit(&alice, &request("tried", ADMIN)).await?;
    case.wait_for("tried", AccessState::Active).await?;
    // What was granted stands in the policy with its justification: the test is about the log.
    let grants = case.grants(&case.project).await?;
    let description = grants[0]["condition"]["description"].as_str();
    assert!(description.is_some_and(|text| text.contains(JUSTIFICATION)));
    Ok(())
}

fn holds_no_secret(log: &str) {
    for secret in [
        "Xylograph",
        "Bearer ",
        // Every token of a service account begins like this.
        "eyJ",
        "PRIVATE KEY",
        "client-key-data",
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert_eq!(log.matches(PROVEN).count(), 1, "{log}");
    assert!(
        log.contains("Ineligible") && log.contains("Active"),
        "{log}"
    );
}

#[tokio::test]
async fn no_secret_and_no_justification_is_logged_as_json() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--log-format=json"])).await?;
    requests(&bench).await?;
    let log = bench.controller()?.log();
    holds_no_secret(&log);
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        for field in ["timestamp", "level", "message"] {
            assert!(entry[field].is_string(), "{line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_secret_and_no_justification_is_logged_as_text() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    requests(&bench).await?;
    holds_no_secret(&bench.controller()?.log());
    Ok(())
}
