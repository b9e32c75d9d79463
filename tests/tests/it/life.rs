//! The life of a request in detail: what is written where, what it costs, and how it ends.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessState, FINALIZER};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, SELF, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use kube::ResourceExt;
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/storage.objectViewer";

#[tokio::test]
async fn what_is_granted_is_what_was_asked_and_nothing_else_changes() -> Result<()> {
    let bench = Bench::shared().await?;
    let case = Case::new(bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let before = bench.simulator.policy(&case.project).await?;

    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let waited = alice
        .kubectl
        .run(&[
            "wait",
            "--for=condition=Granted",
            "areq/disk",
            "--timeout=30s",
        ])
        .await?;
    assert_eq!(
        waited.success()?.trim(),
        "accessrequest.jit-access.dev/disk condition met"
    );
    let request = case.wait_for("disk", AccessState::Active).await?;

    let grants = case.grants(&case.project).await?;
    let [grant] = grants.as_slice() else {
        anyhow::bail!("one binding: {grants:?}");
    };
    let status = request.status.clone().context("a status")?;
    let recorded = status.grant.context("a grant")?;
    assert_eq!(grant["role"], ADMIN);
    assert_eq!(grant["members"], json!([alice.member()]));
    assert_eq!(
        grant["condition"],
        json!({
            "title": format!("jit-access {}", request.uid().unwrap_or_default()),
            "description": "Self-approved, justification: CASE-1: a test",
            "expression": format!(
                "request.time >= timestamp(\"{}\") && request.time < timestamp(\"{}\")",
                recorded.start_time, recorded.expire_time
            ),
        })
    );
    let start: jiff::Timestamp = recorded.start_time.parse()?;
    let end: jiff::Timestamp = recorded.expire_time.parse()?;
    assert_eq!(end.duration_since(start).as_secs(), 600);
    assert!(request.finalizers().iter().any(|name| name == FINALIZER));
    for (kind, reason) in [
        ("Eligible", "Entitled"),
        ("Approved", "SelfApproved"),
        ("Granted", "Active"),
    ] {
        let found = condition(&request, kind)?;
        assert_eq!(
            (found.status.as_str(), found.reason.as_str()),
            ("True", reason)
        );
    }
    let message = &condition(&request, "Granted")?.message;
    assert!(message.contains(&recorded.expire_time), "{message}");

    // Google gives it now, and denies it from the end on.
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    let at_end = json!({
        "principal": alice.email, "resource": case.project, "role": ADMIN, "time": recorded.expire_time,
    });
    assert_eq!(bench.simulator.check(&at_end).await?["granted"], false);

    let mut after = bench.simulator.policy(&case.project).await?;
    let bindings = after["bindings"].as_array_mut().context("bindings")?;
    bindings.retain(|binding| binding != grant);
    assert_eq!(before["bindings"], after["bindings"]);

    // One read and one write did it all, and Google's log has the reason.
    assert_eq!(case.calls("getIamPolicy", &case.project).await?.len(), 1);
    let writes = case.calls("setIamPolicy", &case.project).await?;
    let reasons: Vec<_> = writes
        .iter()
        .map(|call| call.request_reason.clone().unwrap_or_default())
        .collect();
    let reason = percent_decoded(&reasons.concat());
    assert_eq!(reason, format!("{}/disk: CASE-1: a test", case.namespace));
    Ok(())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hex: Vec<u8> = if byte == b'%' {
            bytes.by_ref().take(2).collect()
        } else {
            Vec::new()
        };
        let digits = std::str::from_utf8(&hex).unwrap_or_default();
        decoded.push(u8::from_str_radix(digits, 16).unwrap_or(byte));
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[tokio::test]
async fn the_table_says_what_became_of_it() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let request = case.wait_for("disk", AccessState::Active).await?;
    let printed = alice.kubectl.run(&["get", "areq"]).await?.success()?;
    let mut lines = printed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        lines.next().context("a header")?,
        [
            "NAME",
            "REQUESTER",
            "RESOURCE",
            "ROLES",
            "STATUS",
            "EXPIRES",
            "AGE"
        ]
    );
    let expires = request
        .status
        .and_then(|status| status.grant)
        .context("a grant")?
        .expire_time;
    let roles = format!("[\"{ADMIN}\"]");
    assert_eq!(
        lines.next().context("a row")?[..6],
        [
            "disk",
            &alice.email,
            &case.project,
            &roles,
            "Active",
            &expires
        ]
    );
    Ok(())
}

#[tokio::test]
async fn several_roles_are_one_read_and_one_write() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let roles = [
        ADMIN,
        VIEWER,
        "roles/compute.viewer",
        "roles/storage.admin",
        "roles/logging.viewer",
    ];
    let mut request = case.request("many", &alice, roles[0]);
    for role in roles {
        case.eligible(&alice, role).await?;
    }
    for role in &roles[1..] {
        request = request.role(role);
    }
    case.submit(&alice, &request).await?;
    case.wait_for("many", AccessState::Active).await?;
    for role in roles {
        assert!(case.has_role(&alice, &case.project, role).await?, "{role}");
    }
    assert_eq!(case.grants(&case.project).await?.len(), roles.len());
    for (method, resource) in [
        ("getIamPolicy", &case.project),
        ("setIamPolicy", &case.project),
        ("searchTransitiveGroups", &alice.email),
    ] {
        assert_eq!(case.calls(method, resource).await?.len(), 1, "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn access_on_a_folder_and_on_an_organization() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let outer = case.folder("organizations/1").await?;
    let inner = case.folder(&outer).await?;
    case.bind(&outer, ADMIN, &alice.member(), Some(SELF))
        .await?;
    case.submit(&alice, &Request::new("folder", &alice.email, &inner, ADMIN))
        .await?;
    case.wait_for("folder", AccessState::Active).await?;
    assert!(case.has_role(&alice, &inner, ADMIN).await?);
    assert!(!case.has_role(&alice, &outer, ADMIN).await?);

    let organization = "organizations/1";
    case.bind(organization, "roles/browser", &alice.member(), Some(SELF))
        .await?;
    let request = Request::new("organization", &alice.email, organization, "roles/browser");
    case.submit(&alice, &request).await?;
    case.wait_for("organization", AccessState::Active).await?;
    assert!(case.has_role(&alice, organization, "roles/browser").await?);
    Ok(())
}

#[tokio::test]
async fn given_back_early_the_policy_is_as_it_was() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let before = case.bench.simulator.policy(&case.project).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    case.delete(&alice, "disk").await?.success()?;
    case.wait_until_gone("disk").await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    let after = case.bench.simulator.policy(&case.project).await?;
    assert_eq!(before["bindings"], after["bindings"]);
    Ok(())
}

#[tokio::test]
async fn attack_15_one_requests_end_leaves_anothers_access() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    for name in ["first", "second"] {
        case.submit(&alice, &case.request(name, &alice, ADMIN))
            .await?;
        case.wait_for(name, AccessState::Active).await?;
    }
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    case.delete(&alice, "first").await?.success()?;
    case.wait_until_gone("first").await?;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_narrowing_condition_narrows() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let zones = format!("{}/zones/", case.project);
    let marker = format!("{SELF} && resource.name.startsWith(\"{zones}\")");
    case.bind(&case.project, ADMIN, &alice.member(), Some(&marker))
        .await?;
    let narrow = format!("resource.name.startsWith(\"{zones}europe-west1-b\")");
    case.submit(
        &alice,
        &case.request("narrow", &alice, ADMIN).condition(&narrow),
    )
    .await?;
    case.wait_for("narrow", AccessState::Active).await?;
    for (zone, granted) in [("europe-west1-b", true), ("us-central1-a", false)] {
        let question = json!({
            "principal": alice.email, "resource": case.project, "role": ADMIN,
            "resourceName": format!("{zones}{zone}/instances/web-1"),
        });
        let answer: Value = case.bench.simulator.check(&question).await?;
        assert_eq!(answer["granted"], granted, "{zone}");
    }
    Ok(())
}

#[tokio::test]
async fn a_scheduled_request_is_written_at_its_start() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    case.submit(
        &alice,
        &case.request("later", &alice, ADMIN).start_time(&start),
    )
    .await?;
    let request = case.wait_for("later", AccessState::Scheduled).await?;
    let plan = request
        .status
        .and_then(|status| status.plan)
        .context("a plan")?;
    assert_eq!((plan.duration.as_str(), plan.bindings.len()), ("10m", 1));
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    let request = case.wait_for("later", AccessState::Active).await?;
    let grant = request
        .status
        .and_then(|status| status.grant)
        .context("a grant")?;
    assert_eq!(grant.start_time, start);
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}

#[tokio::test]
async fn after_its_end_it_is_tidied_up() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--round-interval=2s"])).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("short", &alice, ADMIN).duration("4s"))
        .await?;
    case.wait_for("short", AccessState::Active).await?;
    let request = case.wait_for("short", AccessState::Expired).await?;
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    assert!(condition(&request, "Stalled").is_err() && condition(&request, "Reconciling").is_err());
    eventually(Duration::from_secs(15), async || {
        let request = case.requests().get("short").await?;
        let gone = case.grants(&case.project).await?.is_empty() && request.finalizers().is_empty();
        Ok(gone.then_some(()))
    })
    .await
}
