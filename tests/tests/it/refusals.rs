//! What cannot be had, and what is said about it.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, PEER, Person};
use jit_access_tests::request::Request;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

async fn refused(
    case: &Case<'_>,
    person: &Person,
    request: Request,
    state: AccessState,
    words: &[&str],
) -> Result<()> {
    let message = case.outcome(person, &request, state).await?;
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn fields_that_only_the_installation_knows_to_be_wrong() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let request = |name: &str| case.request(name, &alice, ADMIN);
    let far = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30);
    let far = far.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let cases: [(Request, &[&str]); 8] = [
        (
            request("number").condition("1"),
            &["spec.condition: The condition is no question that is true or false"],
        ),
        (
            request("long").duration("3h"),
            &["spec.duration: 3h is not between 1s and 2h"],
        ),
        (
            request("far").start_time(&far),
            &["spec.startTime: at most 168h ahead"],
        ),
        (
            request("marker").condition("has({}.jitAccessConstraint)"),
            &["spec.condition"],
        ),
        (
            request("broken").condition("resource.name =="),
            &["spec.condition"],
        ),
        (
            request("injected").condition("true) || (true"),
            &["spec.condition"],
        ),
        (
            request("comment").condition("true // x"),
            &["spec.condition"],
        ),
        (
            request("deep").condition(&"(".repeat(900)),
            &["spec.condition"],
        ),
    ];
    for (request, words) in cases {
        refused(&case, &alice, request, AccessState::Failed, words).await?;
    }
    // None of them cost a call to Google.
    assert_eq!(case.calls("getIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_time_that_is_over() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let request = case
        .request("old", &alice, ADMIN)
        .start_time("2026-01-01T00:00:00Z");
    refused(
        &case,
        &alice,
        request,
        AccessState::Expired,
        &["was over at 2026-01-01T00:10:00Z"],
    )
    .await
}

#[tokio::test]
async fn no_entitlement_says_what_could_be_asked_for() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, "roles/compute.viewer").await?;
    case.bind(
        &case.project,
        "roles/storage.admin",
        &alice.member(),
        Some(PEER),
    )
    .await?;
    refused(
        &case,
        &alice,
        case.request("none", &alice, ADMIN),
        AccessState::Ineligible,
        &[ADMIN, "roles/compute.viewer", "roles/storage.admin"],
    )
    .await?;
    refused(
        &case,
        &alice,
        case.request("peer", &alice, "roles/storage.admin"),
        AccessState::Ineligible,
        &["roles/storage.admin", "reviewers"],
    )
    .await?;
    let both = case
        .request("both", &alice, "roles/compute.viewer")
        .role(ADMIN);
    refused(&case, &alice, both, AccessState::Ineligible, &[ADMIN]).await
}

#[tokio::test]
async fn a_role_that_is_held_for_good() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.bind(&case.project, ADMIN, &alice.member(), None)
        .await?;
    let request = case.request("standing", &alice, ADMIN);
    refused(
        &case,
        &alice,
        request,
        AccessState::Ineligible,
        &["permanently"],
    )
    .await
}

#[tokio::test]
async fn attack_10_reviewers_of_whom_none_could_approve() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.bind(&case.project, ADMIN, &alice.member(), Some(PEER))
        .await?;
    let request = case
        .request("peer", &alice, ADMIN)
        .reviewers(&["bob@example.com"]);
    refused(
        &case,
        &alice,
        request,
        AccessState::Ineligible,
        &["None of the reviewers (bob@example.com) could approve this"],
    )
    .await
}

#[tokio::test]
async fn a_project_that_google_does_not_show() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let request = Request::new("missing", &alice.email, "projects/no-such-project", ADMIN);
    refused(
        &case,
        &alice,
        request,
        AccessState::Failed,
        &["projects/no-such-project", "does not exist"],
    )
    .await
}

#[tokio::test]
async fn a_resource_outside_the_scope() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    let folder = case.folder("organizations/1").await?;
    case.eligible(&alice, ADMIN).await?;
    let _controller = bench
        .start_controller(&[&format!("--scope={folder}")])
        .await?;
    let request = case.request("outside", &alice, ADMIN);
    refused(
        &case,
        &alice,
        request,
        AccessState::Ineligible,
        &[&case.project, &folder],
    )
    .await?;
    // Nothing above the scope, nor beside it, is read but where the project stands.
    assert_eq!(
        case.calls("getIamPolicy", "organizations/1").await?.len(),
        0
    );
    Ok(())
}

#[tokio::test]
async fn too_many_requests_of_one_person() -> Result<()> {
    let bench = Bench::start(Setup {
        controller_flags: vec!["--max-open=2".to_owned(), "--max-hourly=4".to_owned()],
        ..Setup::default()
    })
    .await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    let bob = case.person("bob").await?;
    for person in [&alice, &bob] {
        case.eligible(person, ADMIN).await?;
    }
    for name in ["a", "b"] {
        case.submit(&alice, &case.request(name, &alice, ADMIN))
            .await?;
        case.wait_for(name, AccessState::Active).await?;
    }
    let message = case
        .outcome(
            &alice,
            &case.request("c", &alice, ADMIN),
            AccessState::Failed,
        )
        .await?;
    assert!(message.contains("2 of yours are not finished"), "{message}");
    // Deleting makes room among the open ones, and gives back nothing of the hour.
    for name in ["a", "b"] {
        case.delete(&alice, name).await?.success()?;
        case.wait_until_gone(name).await?;
    }
    case.submit(&alice, &case.request("d", &alice, ADMIN))
        .await?;
    case.wait_for("d", AccessState::Active).await?;
    let message = case
        .outcome(
            &alice,
            &case.request("e", &alice, ADMIN),
            AccessState::Failed,
        )
        .await?;
    assert!(message.contains("you made 4 within an hour"), "{message}");
    case.submit(&bob, &case.request("mine", &bob, ADMIN))
        .await?;
    case.wait_for("mine", AccessState::Active).await.map(drop)
}
