//! The real web UI on the real API server: what people do with it, and what it withstands.

mod attacks;
mod catalogue;

use anyhow::{Context, Result, ensure};
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person};
use jit_access_tests::install::WEBUI_USER;
use jit_access_tests::webui::Page;
use kube::ResourceExt;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const STORAGE: &str = "roles/storage.admin";

/// Alice, who may have a role by herself.
async fn alice() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

/// Alice and Bob, who may have a role with each other's approval.
async fn peers() -> Result<(Case<'static>, Person, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, STORAGE).await?;
    }
    Ok((case, alice, bob))
}

/// The name of the request to which the browser is sent.
fn sent_to(page: &Page) -> Result<String> {
    ensure!(page.status == 303, "{}: {}", page.status, page.text);
    let name = page
        .header("location")
        .strip_prefix("/requests/")
        .and_then(|rest| rest.split('?').next())
        .context("it leads to a request")?;
    Ok(name.to_owned())
}

#[tokio::test]
async fn a_form_becomes_access_and_is_given_back() -> Result<()> {
    let (case, alice) = alice().await?;
    let webui = case.webui(&[]).await?;
    let browser = case.browser(&webui, &alice)?;

    let fields = [
        ("resource", case.project.as_str()),
        ("role", ADMIN),
        ("justification", "INC-1: disk full\r\non web-1"),
        ("duration", "10m"),
    ];
    let preview = browser.post("/preview", &fields).await?;
    assert_eq!(preview.status, 200, "{}", preview.text);
    assert!(
        preview.text.contains("Check your request"),
        "{}",
        preview.text
    );
    let name = sent_to(&browser.post("/requests", &fields).await?)?;
    let request = case.wait_for(&name, AccessState::Active).await?;
    assert_eq!(request.spec.requester, alice.email);
    assert_eq!(request.spec.justification, "INC-1: disk full\non web-1");
    assert!(request.spec.start_time.is_some());
    assert_eq!(
        request.annotations()["jit-access.dev/created-by"],
        WEBUI_USER
    );
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    let address = format!("/requests/{name}");
    let page = browser.page_with(&address, "Give back early").await?;
    assert!(page.text.contains("Active"), "{}", page.text);

    let uid = request.uid().unwrap_or_default();
    let ended = browser
        .post(
            &format!("/requests/{name}/end"),
            &[("uid", &uid), ("comment", "done")],
        )
        .await?;
    assert_eq!(sent_to(&ended)?, name);
    let request = case.wait_for(&name, AccessState::Revoked).await?;
    assert!(request.annotations().iter().any(|(key, value)| {
        key.starts_with("revoked-by.jit-access.dev/")
            && *value == format!("{} via {WEBUI_USER}: done", alice.email)
    }));
    assert!(case.grants(&case.project).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_peer_approves_what_the_page_showed() -> Result<()> {
    let (case, alice, bob) = peers().await?;
    let webui = case.webui(&[]).await?;
    let (hers, his) = (case.browser(&webui, &alice)?, case.browser(&webui, &bob)?);
    let fields = [
        ("resource", case.project.as_str()),
        ("peer-role", STORAGE),
        ("reviewer", bob.email.as_str()),
        ("justification", "INC-2: a bucket"),
    ];
    let name = sent_to(&hers.post("/requests", &fields).await?)?;
    let request = case.wait_for(&name, AccessState::AwaitingApproval).await?;
    let uid = request.uid().unwrap_or_default();

    his.page_with("/waiting", &format!("{name}/{uid}")).await?;
    let address = format!("/requests/{name}/decision");
    let own = [("uid", uid.as_str()), ("decision", "approve")];
    assert_eq!(hers.post(&address, &own).await?.status, 403);
    let fields = [
        ("uid", uid.as_str()),
        ("decision", "approve"),
        ("comment", "looks right"),
    ];
    sent_to(&his.post(&address, &fields).await?)?;
    let request = case.wait_for(&name, AccessState::Active).await?;
    let status = request.status.context("a status")?;
    let approval = status.approvals.first().context("a recorded approval")?;
    assert_eq!(approval.approver, bob.email);
    assert_eq!(approval.via.as_deref(), Some(WEBUI_USER));
    assert_eq!(approval.comment.as_deref(), Some("looks right"));
    Ok(())
}

#[tokio::test]
async fn a_peer_denies_and_another_takes_an_approval_back() -> Result<()> {
    let (case, alice, bob) = peers().await?;
    let webui = case.webui(&[]).await?;
    let (hers, his) = (case.browser(&webui, &alice)?, case.browser(&webui, &bob)?);
    // It starts tomorrow, so that an approval can be taken back.
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let start = start.strftime("%Y-%m-%dT%H:%M").to_string();
    let fields = [
        ("resource", case.project.as_str()),
        ("peer-role", STORAGE),
        ("reviewer", bob.email.as_str()),
        ("justification", "INC-3: a bucket"),
        ("start", start.as_str()),
    ];
    let name = sent_to(&hers.post("/requests", &fields).await?)?;
    let request = case.wait_for(&name, AccessState::AwaitingApproval).await?;
    let uid = request.uid().unwrap_or_default();
    let decide = async |decision: &str| {
        let fields = [("uid", uid.as_str()), ("decision", decision)];
        let page = his
            .post(&format!("/requests/{name}/decision"), &fields)
            .await?;
        sent_to(&page)
    };
    decide("approve").await?;
    case.wait_for(&name, AccessState::Scheduled).await?;
    let back = his
        .post(
            &format!("/requests/{name}/withdrawal"),
            &[("uid", uid.as_str())],
        )
        .await?;
    sent_to(&back)?;
    case.wait_for(&name, AccessState::AwaitingApproval).await?;
    decide("deny").await?;
    case.wait_for(&name, AccessState::Denied).await?;
    Ok(())
}

#[tokio::test]
async fn any_number_of_replicas_answer_alike() -> Result<()> {
    let (case, alice) = alice().await?;
    let (first, second) = (case.webui(&[]).await?, case.webui(&[]).await?);
    let fields = [
        ("resource", case.project.as_str()),
        ("role", ADMIN),
        ("justification", "INC-4"),
    ];
    let made = case
        .browser(&first, &alice)?
        .post("/requests", &fields)
        .await?;
    let name = sent_to(&made)?;
    let there = case.browser(&second, &alice)?;
    let page = there.get(&format!("/requests/{name}")).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    let request = case.wait_for(&name, AccessState::Active).await?;
    let uid = request.uid().unwrap_or_default();
    let ended = there
        .post(&format!("/requests/{name}/end"), &[("uid", &uid)])
        .await?;
    assert_eq!(sent_to(&ended)?, name);
    case.wait_for(&name, AccessState::Revoked).await?;
    Ok(())
}

#[tokio::test]
async fn what_admission_says_reaches_the_user() -> Result<()> {
    let (case, alice) = alice().await?;
    let webui = case.webui(&[]).await?;
    // The administrators take the web UI off the list.
    case.set_up(&case.namespace, jit_access_tests::bench::ORGANIZATION, &[])
        .await?;
    let fields = [
        ("resource", case.project.as_str()),
        ("role", ADMIN),
        ("justification", "INC-5"),
    ];
    let browser = case.browser(&webui, &alice)?;
    let refused =
        jit_access_tests::eventually::eventually(std::time::Duration::from_secs(20), async || {
            let page = browser.post("/requests", &fields).await?;
            Ok((page.status == 422).then_some(page))
        })
        .await?;
    let said = format!(
        "it is no delegate of namespace {}, so it cannot ask for others",
        case.namespace
    );
    assert!(refused.text.contains(&said), "{}", refused.text);
    assert!(
        refused.text.contains("ValidatingAdmissionPolicy"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("INC-5"), "{}", refused.text);
    Ok(())
}
