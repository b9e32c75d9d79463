//! A URL in an object is text.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::Case;
use jit_access_tests::eventually::never;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

#[tokio::test]
async fn attack_18_no_url_of_an_object_is_called() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let case = Case::new(Bench::shared().await?).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, ADMIN).await?;
    }
    let request = case
        .request("disk", &alice, ADMIN)
        .reviewers(&[&bob.email])
        .justification(&format!("see {url}"))
        .condition(&format!("resource.name != \"{url}\""))
        .annotation("example.com/webhook", &url)
        .annotation("notifications.example.com/url", &url);
    case.submit(&alice, &request).await?;
    case.wait_for("disk", AccessState::AwaitingApproval).await?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob",
        case.uid8("disk").await?
    );
    let value = format!("{}: {url}", bob.email);
    bob.annotate("disk", &key, &value).await?.success()?;
    case.wait_for("disk", AccessState::Active).await?;
    let value = format!("{}: {url}", alice.email);
    let key = "revoked-by.jit-access.dev/alice";
    alice.annotate("disk", key, &value).await?.success()?;
    case.wait_for("disk", AccessState::Revoked).await?;
    never(Duration::from_secs(1), async || {
        let called = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        Ok(called.ok().map(|_| "somebody called"))
    })
    .await
}
