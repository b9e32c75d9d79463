//! Approvals: by which command, what they grant, and which of them count.

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use jit_access_tests::case::{PEER, condition};
use serde_json::json;

use super::{A_WHILE, ADMIN, Two, VIEWER, message, run};

#[tokio::test]
async fn a_peer_approves_by_the_command_of_the_message() -> Result<()> {
    let two = Two::new().await?;
    let waiting = two.waiting().await?;
    let status = waiting.status.as_ref().context("a status")?;
    let plan = status.plan.as_ref().context("a plan for the reviewer")?;
    assert_eq!(plan.duration, "10m");
    assert_eq!(plan.bindings.len(), 1);
    assert_eq!(plan.bindings[0].role, ADMIN);
    assert_eq!(condition(&waiting, "Approved")?.reason, "AwaitingApproval");
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    let before = two.case.calls("IamPolicy", &two.case.project).await?.len();

    let message = message(&waiting)?;
    let command = message
        .split("approves with: ")
        .nth(1)
        .context(message.to_owned())?;
    run(&two.bob, command).await?;

    let active = two.case.wait_for("disk", AccessState::Active).await?;
    let [binding] = &two.case.grants(&two.case.project).await?[..] else {
        panic!("one binding");
    };
    let description = binding["condition"]["description"].as_str();
    let expected = format!(
        "Approved by {}, justification: CASE-1: a test",
        two.bob.email
    );
    assert_eq!(description, Some(expected.as_str()));
    assert!(
        two.case
            .has_role(&two.alice, &two.case.project, ADMIN)
            .await?
    );
    let approvals = active.status.context("a status")?.approvals;
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].approver, two.bob.email);
    assert_eq!(approvals[0].comment.as_deref(), Some("looks right"));
    // From the approval to access: the policy is read once and written once.
    let calls = two.case.calls("IamPolicy", &two.case.project).await?;
    let methods: Vec<_> = calls[before..].iter().map(|call| &call.method).collect();
    assert_eq!(methods.len(), 2, "{methods:?}");
    Ok(())
}

#[tokio::test]
async fn an_approval_that_is_withdrawn_before_the_start_does_not_count() -> Result<()> {
    let two = Two::new().await?;
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
    let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let request = two.request().start_time(&start);
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Scheduled).await?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob-",
        two.case.uid8("disk").await?
    );
    // Not by another.
    let alice = &two.alice.kubectl;
    let refused = alice.run(&["annotate", "areq", "disk", &key]).await?;
    assert!(
        refused
            .refusal()?
            .contains("can withdraw your own approval only")
    );
    let bob = &two.bob.kubectl;
    bob.run(&["annotate", "areq", "disk", &key])
        .await?
        .success()?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    Ok(())
}

#[tokio::test]
async fn several_roles_in_parts_with_one_approval() -> Result<()> {
    let two = Two::new().await?;
    for person in [&two.alice, &two.bob] {
        let condition = format!("{PEER} && resource.name.startsWith(\"projects/x/zones/a\")");
        let member = person.member();
        two.case
            .bind(&two.case.project, VIEWER, &member, Some(&condition))
            .await?;
    }
    let request = two
        .request()
        .role(VIEWER)
        .condition("resource.type == \"compute.googleapis.com/Instance\"");
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let grants = two.case.grants(&two.case.project).await?;
    assert_eq!(grants.len(), 2);
    for grant in &grants {
        let expression = grant["condition"]["expression"]
            .as_str()
            .unwrap_or_default();
        assert!(expression.ends_with("&& (resource.type == \"compute.googleapis.com/Instance\")"));
        let narrow = expression.contains("projects/x/zones/a");
        assert_eq!(narrow, grant["role"] == VIEWER, "{expression}");
    }
    Ok(())
}

#[tokio::test]
async fn attack_14_two_approvals_in_the_same_instant_are_one_grant() -> Result<()> {
    let two = Two::new().await?;
    let (carol, request) = two.with_carol().await?;
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let key = format!(
        "approved-by.jit-access.dev/{}",
        two.case.uid8("disk").await?
    );
    let (bobs, carols) = (format!("{key}-bob"), format!("{key}-carol"));
    let (one, other) = tokio::join!(
        two.bob.annotate("disk", &bobs, &two.bob.email),
        carol.annotate("disk", &carols, &carol.email),
    );
    one?.success()?;
    other?.success()?;
    two.case.wait_for("disk", AccessState::Active).await?;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 1);
    assert_eq!(
        two.case
            .calls("setIamPolicy", &two.case.project)
            .await?
            .len(),
        1
    );
    Ok(())
}

#[tokio::test]
async fn attack_5_an_approval_of_another_request_under_the_same_name_is_refused() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    let looked_at = two.case.uid8("disk").await?;
    two.case.delete(&two.alice, "disk").await?.success()?;
    two.case.wait_until_gone("disk").await?;
    two.waiting().await?;
    let key = format!("approved-by.jit-access.dev/{looked_at}-bob");
    let refusal = two
        .bob
        .annotate("disk", &key, &two.bob.email)
        .await?
        .refusal()?;
    // The refusal has the command for this one.
    let command = format!(
        "kubectl annotate areq disk -n {} approved-by.jit-access.dev/{}-bob",
        two.case.namespace,
        two.case.uid8("disk").await?
    );
    assert!(refusal.contains(&command), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn the_command_of_a_refusal_works_whatever_the_address_is() -> Result<()> {
    let two = Two::new().await?;
    let email = format!("{}{}_@example.com", "b".repeat(50), two.case.id);
    two.case
        .bench
        .simulator
        .add(&json!({"users": [email]}))
        .await?;
    let bob = two.case.known_person(&email)?;
    two.case.peer_eligible(&bob, ADMIN).await?;
    let request = two.request().reviewers(&[&bob.email]);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let printed = said.split("approves with: ").nth(1).context(said.clone())?;
    let refusal = bob
        .annotate("disk", "approved-by.jit-access.dev/bob", &bob.email)
        .await?
        .refusal()?;
    let command = refusal
        .split("the command is: ")
        .nth(1)
        .context(refusal.clone())?
        .trim();
    // Both write the same key.
    let key = |command: &str| command.split('=').next().map(str::to_owned);
    assert_eq!(key(command), key(printed));
    run(&bob, command).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}
