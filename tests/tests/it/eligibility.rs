//! Ways of being eligible, and as many of not being.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, ORGANIZATION};
use jit_access_tests::case::{Case, PEER, Person, SELF};
use jit_access_tests::request::Request;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

async fn granted(case: &Case<'_>, person: &Person, project: &str, role: &str) -> Result<()> {
    let request = Request::new("wanted", &person.email, project, role);
    case.submit(person, &request).await?;
    case.wait_for("wanted", AccessState::Active).await?;
    assert!(case.has_role(person, project, role).await?);
    Ok(())
}

async fn not_eligible(case: &Case<'_>, person: &Person) -> Result<()> {
    let request = case.request("unwanted", person, ADMIN);
    let message = case
        .outcome(person, &request, AccessState::Ineligible)
        .await?;
    assert!(message.contains(ADMIN), "{message}");
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    Ok((case, alice))
}

#[tokio::test]
async fn by_name_on_the_project() -> Result<()> {
    let (case, alice) = new().await?;
    case.eligible(&alice, ADMIN).await?;
    granted(&case, &alice, &case.project, ADMIN).await
}

#[tokio::test]
async fn by_a_binding_on_a_folder_two_levels_up() -> Result<()> {
    let (case, alice) = new().await?;
    let outer = case.folder(ORGANIZATION).await?;
    let inner = case.folder(&outer).await?;
    let project = case.project_in(&inner).await?;
    case.bind(&outer, ADMIN, &alice.member(), Some(SELF))
        .await?;
    granted(&case, &alice, &project, ADMIN).await
}

#[tokio::test]
async fn by_a_binding_on_the_organization() -> Result<()> {
    let (case, alice) = new().await?;
    case.bind(
        ORGANIZATION,
        "roles/logging.viewer",
        &alice.member(),
        Some(SELF),
    )
    .await?;
    granted(&case, &alice, &case.project, "roles/logging.viewer").await
}

#[tokio::test]
async fn through_a_group() -> Result<()> {
    let (case, alice) = new().await?;
    let group = case.group(&[&alice.member()]).await?;
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    granted(&case, &alice, &case.project, ADMIN).await
}

#[tokio::test]
async fn through_a_group_in_a_group_in_a_group() -> Result<()> {
    let (case, alice) = new().await?;
    let mut group = case.group(&[&alice.member()]).await?;
    for _ in 0..2 {
        group = case.group(&[&format!("group:{group}")]).await?;
    }
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    granted(&case, &alice, &case.project, ADMIN).await
}

#[tokio::test]
async fn by_a_marker_in_capitals() -> Result<()> {
    let (case, alice) = new().await?;
    let marker = "has({}.JITACCESSCONSTRAINT)";
    case.bind(&case.project, ADMIN, &alice.member(), Some(marker))
        .await?;
    granted(&case, &alice, &case.project, ADMIN).await
}

#[tokio::test]
async fn attack_12_by_a_marker_among_other_terms_which_the_grant_keeps() -> Result<()> {
    let (case, alice) = new().await?;
    let own = "(resource.type == \"compute.googleapis.com/Instance\" || resource.service == \"x\")";
    let condition = format!("{own} && {SELF} // eligible");
    case.bind(&case.project, ADMIN, &alice.member(), Some(&condition))
        .await?;
    case.submit(&alice, &case.request("kept", &alice, ADMIN))
        .await?;
    case.wait_for("kept", AccessState::Active).await?;
    let grants = case.grants(&case.project).await?;
    let expression = grants[0]["condition"]["expression"]
        .as_str()
        .unwrap_or_default();
    assert!(expression.contains("&& ("), "{expression}");
    let allowed = |kind: &str| {
        json!({"principal": alice.email, "resource": case.project, "role": ADMIN,
               "resourceName": "x", "resourceType": kind})
    };
    let disk = allowed("compute.googleapis.com/Disk");
    assert_eq!(case.bench.simulator.check(&disk).await?["granted"], false);
    Ok(())
}

#[tokio::test]
async fn by_a_binding_that_ends_soon_which_cuts_the_access() -> Result<()> {
    let (case, alice) = new().await?;
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(120);
    let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = format!("{SELF} && request.time < timestamp(\"{end}\")");
    case.bind(&case.project, ADMIN, &alice.member(), Some(&condition))
        .await?;
    case.submit(&alice, &case.request("cut", &alice, ADMIN))
        .await?;
    let request = case.wait_for("cut", AccessState::Active).await?;
    let grant = request.status.and_then(|status| status.grant);
    assert_eq!(grant.map(|grant| grant.expire_time), Some(end));
    Ok(())
}

#[tokio::test]
async fn attack_7_not_by_our_own_binding_whatever_it_contains() -> Result<()> {
    let (case, alice) = new().await?;
    let binding = json!({
        "role": ADMIN, "members": [alice.member()],
        "condition": {"title": "jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae7", "expression": SELF},
    });
    case.bench.simulator.bind(&case.project, binding).await?;
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn not_by_a_binding_of_the_java_product() -> Result<()> {
    let (case, alice) = new().await?;
    let binding = json!({
        "role": ADMIN, "members": [alice.member()],
        "condition": {"title": "JIT access activation", "expression": SELF},
    });
    case.bench.simulator.bind(&case.project, binding).await?;
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn not_by_a_standing_binding() -> Result<()> {
    let (case, alice) = new().await?;
    case.bind(&case.project, ADMIN, &alice.member(), None)
        .await?;
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn not_by_a_binding_that_is_over() -> Result<()> {
    let (case, alice) = new().await?;
    let condition = format!("{SELF} && request.time < timestamp(\"2026-01-01T00:00:00Z\")");
    case.bind(&case.project, ADMIN, &alice.member(), Some(&condition))
        .await?;
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn attack_28_not_by_a_binding_that_cannot_be_read_which_spoils_nothing_else() -> Result<()> {
    let (case, alice) = new().await?;
    let folder = case.folder(ORGANIZATION).await?;
    let project = case.project_in(&folder).await?;
    let deep = format!("{}true{} && {SELF}", "(".repeat(400), ")".repeat(400));
    case.bind(&folder, ADMIN, &alice.member(), Some(&deep))
        .await?;
    case.bind(&folder, "roles/compute.viewer", &alice.member(), Some(SELF))
        .await?;
    let request = Request::new("unwanted", &alice.email, &project, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Ineligible)
        .await?;
    assert!(message.contains("cannot be read"), "{message}");
    granted(&case, &alice, &project, "roles/compute.viewer").await
}

#[tokio::test]
async fn attack_12_not_by_the_other_kind() -> Result<()> {
    let (case, alice) = new().await?;
    case.bind(&case.project, ADMIN, &alice.member(), Some(PEER))
        .await?;
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn not_by_a_marker_that_is_no_term_of_its_own() -> Result<()> {
    let (case, alice) = new().await?;
    for condition in [
        format!("{SELF} || resource.name == \"x\""),
        format!("!{SELF}"),
        format!("({SELF} ? true : false)"),
    ] {
        case.bind(&case.project, ADMIN, &alice.member(), Some(&condition))
            .await?;
    }
    not_eligible(&case, &alice).await
}

#[tokio::test]
async fn attack_7_not_by_a_deleted_account_of_the_same_address_nor_as_another_kind_of_member()
-> Result<()> {
    let (case, alice) = new().await?;
    for member in [
        format!("deleted:user:{}?uid=123456789012345678901", alice.email),
        format!("serviceAccount:{}", alice.email),
        format!("group:{}", alice.email),
    ] {
        case.bind(&case.project, ADMIN, &member, Some(SELF)).await?;
    }
    not_eligible(&case, &alice).await
}
