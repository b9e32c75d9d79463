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
        page.has(match state {
            // Nothing of it was ever granted.
            AccessState::Revoked => "Withdrawn",
            state => crate::state_words::words(Some(*state)),
        });
        page.has(&format!("the controller says {state}"));
        // What is over is not ended again.
        assert_eq!(
            page.text.contains(&format!("/requests/{name}/end")),
            !state.is_final(),
            "{state}"
        );
        page.has(&format!("/?like={name}"));
    }
    let ended = json!({"status": {"grant": {"startTime": "2026-11-25T12:00:00Z", "expireTime": "2026-11-25T12:30:00Z", "bindings": [{"resource": "projects/web-prod", "role": "roles/storage.admin", "title": "jit-access x", "expression": "true"}]}}});
    site.put(request("ended", Some(AccessState::Revoked), &ended));
    let page = site.get("/requests/ended", ALICE).await;
    page.has("Ended early").has("What was granted");
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

#[tokio::test]
async fn what_is_held_only_in_part_is_new_to_who_reviews() {
    let site = Site::new().await;
    let logs = r#"resource.name.startsWith("projects/_/buckets/logs")"#;
    let plan = |expression: &str| json!({"duration": "30m", "bindings": [{"resource": "projects/web-prod", "role": "roles/storage.admin", "expression": expression}]});
    let narrowed = json!({"spec": {"condition": logs}, "status": {"plan": plan(logs)}});
    site.put(request("narrow", Some(AccessState::Active), &narrowed));
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for address in ["/requests/asks", "/waiting"] {
        let page = site.get(address, BOB).await;
        page.has(
            "has it only where the resource name begins with “projects/_/buckets/logs”, for another",
        )
        .has("by narrow")
        .has("<tr class=\"new\">");
    }
    site.get("/?resource=projects/web-prod", ALICE)
        .await
        .has("Active in part");
    // The same condition, written otherwise, is held already.
    let same = json!({"spec": {"condition": logs}, "status": {"plan": plan(&format!("({logs})"))}});
    site.put(request("asks", Some(AccessState::AwaitingApproval), &same));
    site.get("/requests/asks", BOB)
        .await
        .has("has it for another")
        .lacks("<tr class=\"new\">");
    // Another one is not.
    let other = r#"resource.name.startsWith("projects/_/buckets/x")"#;
    let other = json!({"spec": {"condition": other}, "status": {"plan": plan(other)}});
    site.put(request("asks", Some(AccessState::AwaitingApproval), &other));
    site.get("/requests/asks", BOB)
        .await
        .has("has it only where")
        .has("<tr class=\"new\">");
    // What is over before the access begins is no comparison.
    let later = json!({"spec": {"startTime": "2099-01-01T00:00:00Z"}});
    site.put(request("whole", Some(AccessState::Active), &json!({})));
    site.put(request("asks", Some(AccessState::AwaitingApproval), &later));
    site.get("/requests/asks", BOB)
        .await
        .has("does not have it through JIT Access")
        .has("<tr class=\"new\">");
}

#[tokio::test]
async fn messages_have_times_and_no_names_of_programs() {
    let site = Site::new().await;
    let said = |reason: &str, message: &str| json!({"status": {"grant": null, "conditions": [{"type": "Granted", "status": "False", "reason": reason, "message": message, "lastTransitionTime": "2026-11-25T12:00:00Z"}]}});
    let message = format!("revoked by {ALICE} via {ME}: finished");
    site.put(request(
        "asks",
        Some(AccessState::Revoked),
        &said("Revoked", &message),
    ));
    let page = site.get("/requests/asks", ALICE).await;
    page.has("revoked by alice@example.com: finished").lacks(ME);
    // There never was access.
    page.has("Withdrawn").lacks("Ended early");
    site.put(request(
        "asks",
        Some(AccessState::Expired),
        &said("Expired", "access ended at 2026-11-29T12:12:06Z"),
    ));
    site.get("/requests/asks", ALICE).await.has(
        "access ended at <time datetime=\"2026-11-29T12:12:06Z\" data-local>29 Nov 2026, 12:12 UTC</time>",
    );
}

#[tokio::test]
async fn until_when_somebody_must_approve_is_told() {
    let site = Site::new().await;
    let made = json!({"metadata": {"creationTimestamp": "2026-11-25T12:00:00Z"}});
    site.put(request("asks", Some(AccessState::AwaitingApproval), &made));
    for who in [ALICE, BOB] {
        site.get("/requests/asks", who)
            .await
            .has("Times out unless somebody approves")
            .has("25 Nov 2026, 13:00 UTC");
    }
    site.put(request(
        "young",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let page = site.get("/waiting", BOB).await;
    page.has("to be approved before <time datetime=\"2026-11-25T13:00:00Z\"");
    let at = |name: &str| page.text.find(&format!("value=\"{name}/")).unwrap();
    assert!(at("asks") < at("young"), "who waited longest comes first");
}

#[tokio::test]
async fn whoever_has_nothing_to_do_with_a_request_learns_nothing_by_the_clock() {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    for address in ["/requests/asks", "/requests/none"] {
        site.get(address, EVE).await;
        assert_eq!(site.calls().len(), 1, "{address}");
    }
}

#[tokio::test]
async fn a_watch_that_fails_is_told_on_every_page() {
    let site = Site::new().await;
    let now = jiff::Timestamp::now();
    for address in ["/", "/requests", "/waiting", "/history"] {
        site.get(address, ALICE).await.lacks("out of date");
    }
    site.fail_watch(now - jiff::SignedDuration::from_secs(10));
    site.fail_watch(now);
    for address in ["/", "/requests", "/waiting", "/history", "/nowhere"] {
        site.get(address, ALICE)
            .await
            .has("The Kubernetes API server tells of no changes since");
    }
    site.put(request("asks", None, &json!({})));
    site.get("/requests", ALICE).await.lacks("out of date");
}
