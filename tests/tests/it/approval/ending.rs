//! What ends it: a denial, the time for an approval, a revocation.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, condition};
use jit_access_tests::eventually::{eventually, never};

use super::{A_WHILE, ADMIN, SOON, Two, approve, message};

#[tokio::test]
async fn a_denial_ends_it_and_says_why() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    let value = format!("{}: use the other project", two.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    two.bob.annotate("disk", key, &value).await?.success()?;
    let denied = two.case.wait_for("disk", AccessState::Denied).await?;
    assert_eq!(
        message(&denied)?,
        format!("denied by {}: use the other project", two.bob.email)
    );
    assert_eq!(condition(&denied, "Approved")?.reason, "Denied");
    // Attack 13: an approval afterwards changes nothing.
    two.approve(&two.bob).await?;
    never(A_WHILE, async || {
        let request = two.case.requests().get("disk").await?;
        let state = jit_access_tests::case::state(&request);
        Ok((state != Some(AccessState::Denied)).then_some(request))
    })
    .await?;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_13_what_nobody_approves_in_time_is_over() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--approval-timeout=3s"])).await?;
    let case = Case::new(&bench).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, ADMIN).await?;
    }
    let request = case.request("disk", &alice, ADMIN).reviewers(&[&bob.email]);
    let said = case
        .outcome(&alice, &request, AccessState::TimedOut)
        .await?;
    assert!(
        said.starts_with("nobody who could approve did so within 3s"),
        "{said}"
    );
    approve(&case, &bob, "disk").await?;
    tokio::time::sleep(A_WHILE).await;
    case.wait_for("disk", AccessState::TimedOut).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn security_ends_running_access_with_a_reason() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let mallory = two.case.person("mallory").await?;
    let value = format!("{}: INC-1: the key leaked", mallory.email);
    let key = "revoked-by.jit-access.dev/security";
    let refused = mallory.annotate("disk", key, &value).await?.refusal()?;
    assert!(refused.contains("a holder of the verb revoke"), "{refused}");
    let admin = two.case.bench.admin_kubectl(&two.case.namespace)?;
    let user = format!("--user={}", mallory.email);
    let role = "--clusterrole=jit-access-revoker";
    admin
        .run(&["create", "rolebinding", "security", role, &user])
        .await?
        .success()?;
    eventually(SOON, async || {
        let tried = mallory.annotate("disk", key, &value).await?;
        Ok((tried.code == 0).then_some(()))
    })
    .await?;
    let ended = two.case.wait_for("disk", AccessState::Revoked).await?;
    let said = message(&ended)?;
    assert!(
        said.contains(&format!(
            "revoked by {}: INC-1: the key leaked",
            mallory.email
        )),
        "{said}"
    );
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_denial_after_the_grant_ends_it() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let value = format!("{}: I was mistaken", two.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    two.bob.annotate("disk", key, &value).await?.success()?;
    let ended = two.case.wait_for("disk", AccessState::Revoked).await?;
    assert!(message(&ended)?.contains("I was mistaken"));
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}
