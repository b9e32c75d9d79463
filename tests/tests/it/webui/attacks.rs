//! Who is not who they say, or wants what they were not shown.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::Case;
use jit_access_tests::server;
use jit_access_tests::webui::answer;
use kube::ResourceExt;
use reqwest::Method;
use serde_json::json;

use super::{STORAGE, peers, sent_to};

#[tokio::test]
async fn attack_22_what_identity_aware_proxy_did_not_sign_for_us_is_refused() -> Result<()> {
    let bench = Bench::shared().await?;
    let case = Case::new(bench).await?;
    let alice = case.person("alice").await?;
    let webui = case.webui(&[]).await?;
    let browser = case.browser(&webui, &alice)?;
    assert_eq!(browser.get("/requests").await?.status, 200);
    let now = jiff::Timestamp::now().as_second();
    for (what, differing, status) in [
        (
            "expired",
            json!({"overrides": {"exp": now - 60, "iat": now - 660}}),
            401,
        ),
        (
            "from the future",
            json!({"overrides": {"iat": now + 300, "exp": now + 900}}),
            401,
        ),
        (
            "for another audience",
            json!({"audience": "/projects/1/global/backendServices/2"}),
            401,
        ),
        (
            "of another issuer",
            json!({"overrides": {"iss": "https://accounts.google.com"}}),
            401,
        ),
        ("without a signature", json!({"unsigned": true}), 401),
        ("signed with another key", json!({"key": "other"}), 401),
        (
            "without an e-mail address",
            json!({"overrides": {"email": null}}),
            401,
        ),
        (
            "of another identity source",
            json!({"overrides": {"sub": "securetoken.google.com/p/t:1"}}),
            403,
        ),
        (
            "of a service account",
            json!({"overrides": {"email": "x@p.iam.gserviceaccount.com"}}),
            403,
        ),
    ] {
        let request = browser
            .request_with(Method::GET, "/requests", differing)
            .await?;
        let page = answer(request).await?;
        assert_eq!(page.status, status, "{what}: {}", page.text);
        assert!(
            page.text.contains("<a href=\"/\">"),
            "{what}: {}",
            page.text
        );
    }
    // Past the load balancer, from inside the cluster: what is not signed is what anybody writes.
    let forged = server::client()?
        .get(format!("{}/requests", webui.url()))
        .header(
            "x-goog-authenticated-user-email",
            format!("accounts.google.com:{}", alice.email),
        )
        .header("x-goog-authenticated-user-id", "accounts.google.com:1");
    assert_eq!(answer(forged).await?.status, 401);
    let log = webui.server.log();
    assert!(log.contains("/requests"), "a refusal is logged: {log}");
    assert!(!log.contains("eyJ"), "no assertion is: {log}");
    Ok(())
}

#[tokio::test]
async fn attack_5_a_request_made_again_under_the_same_name_is_not_approved() -> Result<()> {
    let (case, alice, bob) = peers().await?;
    let webui = case.webui(&[]).await?;
    let his = case.browser(&webui, &bob)?;
    let request = case
        .request("swap", &alice, STORAGE)
        .reviewers(&[&bob.email]);
    case.submit(&alice, &request).await?;
    let shown = case.wait_for("swap", AccessState::AwaitingApproval).await?;
    case.delete(&alice, "swap").await?.success()?;
    jit_access_tests::eventually::eventually(std::time::Duration::from_secs(20), async || {
        Ok(case
            .requests()
            .get_opt("swap")
            .await?
            .is_none()
            .then_some(()))
    })
    .await?;
    case.submit(&alice, &request).await?;
    case.wait_for("swap", AccessState::AwaitingApproval).await?;
    let uid = shown.uid().unwrap_or_default();
    let fields = [("uid", uid.as_str()), ("decision", "approve")];
    let page = his.post("/requests/swap/decision", &fields).await?;
    assert_eq!(page.status, 409, "{}", page.text);
    let now = case.requests().get("swap").await?;
    assert!(
        !now.annotations()
            .keys()
            .any(|key| key.starts_with("approved-by")),
        "{:?}",
        now.annotations()
    );
    Ok(())
}

#[tokio::test]
async fn attack_1_a_form_cannot_name_another_requester() -> Result<()> {
    let (case, alice) = super::alice().await?;
    let eve = case.person("eve").await?;
    let webui = case.webui(&[]).await?;
    let fields = [
        ("resource", case.project.as_str()),
        ("role", super::ADMIN),
        ("justification", "INC-6"),
        ("requester", alice.email.as_str()),
    ];
    let made = case
        .browser(&webui, &eve)?
        .post("/requests", &fields)
        .await?;
    let name = sent_to(&made)?;
    let request = case.wait_for(&name, AccessState::Ineligible).await?;
    assert_eq!(request.spec.requester, eve.email);
    Ok(())
}
