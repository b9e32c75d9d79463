//! Several decisions at once, from *Waiting for me*.

use axum::http::StatusCode;
use jit_access_crds::AccessState;
use serde_json::json;

use super::deciding::asked;
use super::site::{ALICE, BOB, EVE, Site, request};

/// So many requests that wait for Bob, each as the page names it.
fn waiting(site: &Site, count: usize) -> Vec<String> {
    let names = (0..count).map(|number| format!("asks-{number}"));
    names
        .map(|name| {
            site.put(request(
                &name,
                Some(AccessState::AwaitingApproval),
                &json!({}),
            ));
            format!("{name}/0a1b2c3d-{name}")
        })
        .collect()
}

/// The form that approves all of them.
fn chosen(shown: &[String]) -> Vec<(&str, &str)> {
    let requests = shown.iter().map(|one| ("request", one.as_str()));
    requests.chain([("decision", "approve")]).collect()
}

#[tokio::test]
async fn several_are_decided_at_once() {
    let site = asked().await;
    site.put(request(
        "other",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let page = site.get("/waiting", BOB).await;
    page.has("asks/0a1b2c3d-asks")
        .has("other/0a1b2c3d-other")
        .has("Approve what is chosen");
    site.get("/waiting", ALICE)
        .await
        .has("Nothing waits for you.");

    let nothing = site.post("/waiting", BOB, &[("decision", "approve")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    nothing.has("Choose at least one request.");
    let unclear = site
        .post("/waiting", BOB, &[("request", "asks/0a1b2c3d-asks")])
        .await;
    unclear
        .has("It was not said whether to approve or to deny")
        .has("value=\"asks/0a1b2c3d-asks\" checked");

    let both = [
        ("request", "asks/0a1b2c3d-asks"),
        ("request", "other/0a1b2c3d-other"),
        ("decision", "approve"),
        ("comment", "ok"),
    ];
    let answer = site.post("/waiting", BOB, &both).await;
    assert_eq!(answer.location(), "/waiting?approved=2");
    assert_eq!(site.writes().len(), 2);
    site.get("/waiting?approved=2", BOB)
        .await
        .has("Approved: 2.")
        .has("Nothing waits for you.");
}

#[tokio::test]
async fn attack_5_what_was_chosen_is_not_chosen_when_it_is_another_request() {
    let site = asked().await;
    let page = site
        .post("/waiting", BOB, &[("request", "asks/0a1b2c3d-before")])
        .await;
    page.has("It was not said whether to approve or to deny")
        .has("value=\"asks/0a1b2c3d-asks\"")
        .lacks(" checked");
}

#[tokio::test]
async fn of_several_those_that_fail_are_named_and_the_others_done() {
    let site = asked().await;
    site.put(request(
        "other",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let both = [
        ("request", "asks/wrong"),
        ("request", "other/0a1b2c3d-other"),
        ("decision", "deny"),
    ];
    let page = site.post("/waiting", BOB, &both).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("Denied: 1.")
        .has("This was not done")
        .has("/requests/asks");
    assert_eq!(site.writes().len(), 1);
}

#[tokio::test]
async fn a_comment_that_no_decision_can_carry_loses_no_choice() {
    let site = asked().await;
    let several = [
        ("request", "asks/0a1b2c3d-asks"),
        ("decision", "approve"),
        ("comment", "a\u{202e}b"),
    ];
    let page = site.post("/waiting", BOB, &several).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.has("This was not done. The comment must be one line")
        .has("value=\"asks/0a1b2c3d-asks\" checked")
        .has("value=\"a\u{202e}b\"");
    assert!(site.writes().is_empty());
}

#[tokio::test]
async fn many_are_decided_and_no_more_than_may_be() {
    let site = Site::new().await;
    let shown = waiting(&site, 51);
    let mut fields = chosen(&shown);
    let page = site.post("/waiting", BOB, &fields).await;
    page.has("These are too many at once: choose at most 50.");
    assert!(site.writes().is_empty());
    fields.remove(0);
    let page = site.post("/waiting", BOB, &fields).await;
    assert_eq!(page.location(), "/waiting?approved=50");
    assert_eq!(site.writes().len(), 50);
}

#[tokio::test]
async fn names_that_are_made_up_cost_the_api_server_nothing() {
    let site = asked().await;
    let made_up: Vec<String> = (0..50).map(|number| format!("x-{number}/uid")).collect();
    let fields = chosen(&made_up);
    let page = site.post("/waiting", EVE, &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    // One reason, told once.
    assert_eq!(page.text.matches("This was not done").count(), 1);
    assert!(site.calls().is_empty());
}

#[tokio::test]
async fn an_api_server_that_hangs_keeps_nobody_longer_than_a_load_balancer_waits() {
    let site = Site::new().await;
    let shown = waiting(&site, 25);
    let fields = chosen(&shown);
    site.get("/waiting", BOB).await;
    site.hang();
    let begun = tokio::time::Instant::now();
    let page = site.post("/waiting", BOB, &fields).await;
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    // Ten that were given up, ten that were cut, five that were not begun: three reasons, and all is still chosen.
    page.has("look at the request again in a moment")
        .has("did not answer in time")
        .has("There was no time left for this");
    assert_eq!(page.text.matches(" checked").count(), 25);
    let begun = tokio::time::Instant::now();
    let one = [("uid", "0a1b2c3d-asks-0"), ("decision", "approve")];
    let page = site.post("/requests/asks-0/decision", BOB, &one).await;
    assert_eq!(begun.elapsed().as_secs(), 13);
    page.has("It is not known whether this was done.");
}
