//! Looking: my requests, one request, the history.

use axum::http::StatusCode;
use jit_access_crds::AccessState;
use serde_json::json;

use super::site::{ALICE, BOB, CAROL, CUSTOM_ROLE, EVE, ME, Site, request};

#[tokio::test]
async fn empty_lists_say_what_to_do() {
    let site = Site::new().await;
    site.get("/requests", ALICE)
        .await
        .has("You have no access now")
        .has("Ask for access");
    site.get("/waiting", ALICE)
        .await
        .has("Nothing waits for you.");
    site.get("/history", ALICE)
        .await
        .has("There is no request yet");
    site.get("/history?q=x", ALICE)
        .await
        .has("No request fits.")
        .has("Show all");
}

#[tokio::test]
async fn my_requests_are_mine_alone_with_what_runs_first() {
    let site = Site::new().await;
    site.put(request("runs", Some(AccessState::Active), &json!({})));
    site.put(request("over", Some(AccessState::Expired), &json!({})));
    site.put(request(
        "bobs",
        Some(AccessState::Active),
        &json!({"spec": {"requester": BOB, "reviewers": [ALICE]}}),
    ));
    let page = site.get("/requests", ALICE).await;
    page.has("/requests/runs")
        .has("min left")
        .has("<h2>Ended</h2>")
        .has("/requests/over");
    page.lacks("/requests/bobs");
    assert!(page.text.find("/requests/runs") < page.text.find("/requests/over"));
}

#[tokio::test]
async fn every_state_has_a_page_with_its_words_and_the_controllers() {
    let site = Site::new().await;
    for state in AccessState::ALL {
        let name = state.as_str().to_lowercase();
        site.put(request(&name, Some(*state), &json!({})));
        let page = site.get(&format!("/requests/{name}"), ALICE).await;
        assert_eq!(page.status, StatusCode::OK);
        page.has(crate::state_words::words(Some(*state)));
        page.has(&format!("the controller says {state}"));
        // What is over is not ended again.
        assert_eq!(
            page.text.contains(&format!("/requests/{name}/end")),
            !state.is_final(),
            "{state}"
        );
        page.has(&format!("/?like={name}"));
    }
    site.put(request("new", None, &json!({})));
    let page = site.get("/requests/new", ALICE).await;
    page.has("Being looked at")
        .has("The controller has not looked at it yet.");
    page.has("https://console.cloud.google.com/home/dashboard?project=web%2Dprod");
}

#[tokio::test]
async fn the_page_has_buttons_in_place_of_kubectls_command() {
    let site = Site::new().await;
    let waiting =
        jit_access_core::review::approval_command(&request("asks", None, &json!({})), BOB);
    let message = format!(
        "waits for the approval of bob@example.com or carol@example.com; bob@example.com approves with: {waiting}; the others do so with their own address; eve@example.com could not approve this and was not told"
    );
    let told = json!({"status": {"conditions": [{"type": "Granted", "status": "False", "reason": "AwaitingApproval", "message": message, "lastTransitionTime": "2026-11-25T12:00:00Z"}]}});
    site.put(request("asks", Some(AccessState::AwaitingApproval), &told));
    let page = site.get("/requests/asks", BOB).await;
    page.has("waits for the approval of bob@example.com or carol@example.com; eve@example.com could not approve this");
    page.lacks("kubectl annotate");
}

#[tokio::test]
async fn a_life_is_told_in_its_order() {
    let site = Site::new().await;
    let approved = json!({
        "metadata": {"annotations": {
            "jit-access.dev/created-by": ME,
            "approved-by.jit-access.dev/0a1b2c3d-bob": format!("{BOB} via {ME}: looks right"),
        }},
        "status": {"approvals": [{"approver": BOB, "via": ME, "comment": "looks right", "time": "2026-11-25T12:00:00Z"}]},
    });
    site.put(request("life", Some(AccessState::Active), &approved));
    let page = site.get("/requests/life", ALICE).await;
    let mut last = 0;
    for text in [
        "Asked for by alice@example.com",
        "Through this web form.",
        "Approved by bob@example.com",
        "“looks right”",
        "Access began",
        "the controller says Active</p>",
        "Access ends by itself",
    ] {
        let life = page.text.find("What happened").unwrap();
        let at = page.text[life..]
            .find(text)
            .unwrap_or_else(|| panic!("{text}"));
        assert!(at > last, "{text}");
        last = at;
    }
}

#[tokio::test]
async fn who_reviews_sees_the_difference_to_what_the_requester_has() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    site.get("/requests/asks", BOB)
        .await
        .has("does not have it through JIT Access");
    site.put(request("runs", Some(AccessState::Active), &json!({})));
    let page = site.get("/requests/asks", BOB).await;
    page.has("by runs").has("has it for another");
    // What is active is no comparison any more.
    site.get("/requests/runs", ALICE)
        .await
        .has("What is granted")
        .lacks("through JIT Access");
    site.get("/waiting", BOB)
        .await
        .has("has it for another")
        .has("INC-4711: disk full");
}

#[tokio::test]
async fn nobody_sees_what_does_not_concern_them() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for address in [
        "/requests/asks",
        "/requests/none",
        "/requests/..%2Fx",
        "/requests/A",
    ] {
        let page = site.get(address, EVE).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{address}");
        page.has("There is no request of this name that you made")
            .has("My requests");
        page.lacks("INC-4711");
    }
    site.get("/history", EVE).await.lacks("/requests/asks");
    site.get("/history?whose=reviewed", CAROL)
        .await
        .has("/requests/asks");
}

#[tokio::test]
async fn what_a_custom_role_is_called_is_not_told_to_whoever_names_it() {
    let site = Site::new().await;
    let asks = json!({"spec": {"roles": [CUSTOM_ROLE]}});
    site.put(request("asks", Some(AccessState::Pending), &asks));
    let unknown = json!({"spec": {"roles": [CUSTOM_ROLE]}, "status": {"plan": null}});
    site.put(request("guesses", Some(AccessState::Failed), &unknown));
    site.get("/requests/asks", ALICE).await.has("Break glass");
    for address in [
        "/requests/guesses",
        "/?like=guesses",
        "/history?q=guesses+breakglass",
    ] {
        let page = site.get(address, ALICE).await;
        page.has(CUSTOM_ROLE).lacks("Break glass");
    }
    let fields = [
        ("resource", "projects/web-prod"),
        ("other-role", CUSTOM_ROLE),
        ("justification", "INC-1"),
    ];
    site.post("/preview", ALICE, &fields)
        .await
        .has("By the lists here this will be refused.")
        .has(CUSTOM_ROLE)
        .lacks("Break glass");
}

#[tokio::test]
async fn a_request_that_the_watch_has_not_told_yet_is_asked_for() {
    let site = Site::new().await;
    let other = Site::new().await;
    other.put(request("fresh", None, &json!({})));
    assert_eq!(other.calls().len(), 0, "what is known is not asked for");
    other
        .get("/requests/fresh", ALICE)
        .await
        .has("Being looked at");
    assert_eq!(other.calls().len(), 0);
    assert_eq!(
        site.get("/requests/fresh", ALICE).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(site.calls().len(), 1);
    // What cannot be a name is not put into an address.
    site.get("/requests/..%2Fx", ALICE).await;
    assert_eq!(site.calls().len(), 0);
}

#[tokio::test]
async fn filters_live_in_the_address() {
    let site = Site::new().await;
    site.put(request(
        "first",
        Some(AccessState::Expired),
        &json!({"spec": {"justification": "INC-1: Größe"}}),
    ));
    site.put(request(
        "second",
        Some(AccessState::Denied),
        &json!({"spec": {"justification": "INC-2"}}),
    ));
    site.put(request(
        "third",
        Some(AccessState::Denied),
        &json!({"spec": {"requester": BOB, "reviewers": [ALICE]}}),
    ));
    for (query, shown) in [
        ("", vec!["first", "second", "third"]),
        ("?state=Denied", vec!["second", "third"]),
        ("?state=Denied&whose=mine", vec!["second"]),
        ("?whose=reviewed", vec!["third"]),
        ("?q=inc-1", vec!["first"]),
        ("?q=GR%C3%96SSE", vec![]),
        ("?q=gr%C3%B6%C3%9Fe+storage", vec!["first"]),
        ("?q=bob", vec!["first", "second", "third"]),
        // What roles and resources are called, as the page shows it.
        ("?q=storage+admin+gr%C3%B6%C3%9Fe", vec!["first"]),
        ("?q=WEB", vec!["first", "second", "third"]),
        ("?q=warehouse", vec![]),
        (
            "?state=Nonsense&whose=eve&page=x",
            vec!["first", "second", "third"],
        ),
        ("?page=2", vec!["first", "second", "third"]),
    ] {
        let page = site.get(&format!("/history{query}"), ALICE).await;
        assert_eq!(page.status, StatusCode::OK);
        for name in ["first", "second", "third"] {
            let is_shown = page.text.contains(&format!("/requests/{name}\""));
            assert_eq!(is_shown, shown.contains(&name), "{query} {name}");
        }
    }
    site.get("/history?q=%22%3E%3Cscript%3E", ALICE)
        .await
        .lacks("<script>");
}

#[tokio::test]
async fn a_long_history_has_pages() {
    let site = Site::new().await;
    for number in 0..30 {
        site.put(request(
            &format!("r{number}"),
            Some(AccessState::Expired),
            &json!({}),
        ));
    }
    let first = site.get("/history?q=storage", ALICE).await;
    first
        .has("30 requests")
        .has("/history?q=storage&#38;page=2")
        .lacks("Newer");
    let second = site.get("/history?q=storage&page=2", ALICE).await;
    second.has("Newer").lacks("Older");
    assert_eq!(second.text.matches("<th scope=\"row\">").count(), 5);
}

#[tokio::test]
async fn what_waits_is_counted_on_every_page() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    site.get("/history", BOB)
        .await
        .has(r#"<span class="count">1</span>"#);
    site.get("/history", ALICE)
        .await
        .lacks(r#"<span class="count">"#);
    site.get("/history", BOB)
        .await
        .has("Signed in as <strong>bob@example.com</strong>");
}
