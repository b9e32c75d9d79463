//! Deciding: approve, deny, take back, end; one and several.

use axum::http::{Method, StatusCode};
use jit_access_crds::AccessState;
use serde_json::json;

use super::site::{ALICE, BOB, CAROL, EVE, ME, Site, request};

const UID: &str = "0a1b2c3d-asks";

pub async fn asked() -> Site {
    let site = Site::new().await;
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    site
}

#[tokio::test]
async fn an_approval_is_signed_by_the_web_ui_and_bound_to_what_the_page_showed() {
    let site = asked().await;
    let page = site.get("/requests/asks", BOB).await;
    page.has("Your decision")
        .has("alice@example.com")
        .has("Storage Admin")
        .has("30m")
        .has("INC-4711: disk full");
    page.has(r#"name="uid" value="0a1b2c3d-asks""#);
    let fields = [
        ("uid", UID),
        ("decision", "approve"),
        ("comment", " looks\r\nright "),
    ];
    let answer = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(answer.location(), "/requests/asks?done=approved");
    let writes = site.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].method, Method::PATCH);
    assert_eq!(
        writes[0].body,
        json!({"metadata": {"uid": UID, "annotations": {
            "approved-by.jit-access.dev/0a1b2c3d-bob": format!("{BOB} via {ME}: looks right"),
        }}})
    );
    let page = site.get(answer.location(), BOB).await;
    page.has("Your approval was written")
        .lacks("Your decision")
        .has("Take my approval back");
}

#[tokio::test]
async fn a_denial_and_an_end_are_written_alike() {
    let site = asked().await;
    let fields = [("uid", UID), ("decision", "deny"), ("comment", "")];
    site.post("/requests/asks/decision", CAROL, &fields)
        .await
        .location();
    assert_eq!(
        site.writes()[0].body["metadata"]["annotations"],
        json!({"denied-by.jit-access.dev/0a1b2c3d-carol": format!("{CAROL} via {ME}")})
    );
    let site = Site::new().await;
    site.put(request("asks", Some(AccessState::Active), &json!({})));
    site.get("/requests/asks", ALICE)
        .await
        .has("Give back early");
    let fields = [("uid", UID), ("comment", "done")];
    let answer = site.post("/requests/asks/end", ALICE, &fields).await;
    assert_eq!(answer.location(), "/requests/asks?done=ended");
    let writes = site.writes();
    assert_eq!(writes[0].method, Method::PATCH, "ending is no deletion");
    assert_eq!(
        writes[0].body["metadata"]["annotations"],
        json!({"revoked-by.jit-access.dev/0a1b2c3d-alice": format!("{ALICE} via {ME}: done")})
    );
}

#[tokio::test]
async fn a_reviewer_may_end_what_is_active() {
    let site = Site::new().await;
    site.put(request("asks", Some(AccessState::Active), &json!({})));
    let page = site.get("/requests/asks", BOB).await;
    page.has("End this access")
        .lacks(">Deny<")
        .lacks(">Approve<");
    site.post("/requests/asks/end", BOB, &[("uid", UID)])
        .await
        .location();
    let late = [("uid", UID), ("decision", "approve")];
    let page = site.post("/requests/asks/decision", BOB, &late).await;
    page.has("Somebody approved this already");
}

#[tokio::test]
async fn an_approval_can_be_taken_back() {
    let site = asked().await;
    let none = site
        .post("/requests/asks/withdrawal", BOB, &[("uid", UID)])
        .await;
    none.has("There is no approval of yours here");
    let fields = [("uid", UID), ("decision", "approve")];
    site.post("/requests/asks/decision", BOB, &fields)
        .await
        .location();
    site.writes();
    let answer = site
        .post("/requests/asks/withdrawal", BOB, &[("uid", UID)])
        .await;
    assert_eq!(answer.location(), "/requests/asks?done=withdrawn");
    assert_eq!(
        site.writes()[0].body,
        json!({"metadata": {"uid": UID, "annotations": {"approved-by.jit-access.dev/0a1b2c3d-bob": null}}})
    );
    site.get("/requests/asks", BOB).await.has("Your decision");
}

#[tokio::test]
async fn attack_5_who_approves_approves_what_was_shown() {
    let site = asked().await;
    let shown = site.get("/requests/asks", BOB).await;
    shown.has(UID);
    // Deleted and made again under the same name, meanwhile.
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &json!({"metadata": {"uid": "ffffffff-other"}}),
    ));
    for (address, fields) in [
        (
            "/requests/asks/decision",
            vec![("uid", UID), ("decision", "approve")],
        ),
        ("/requests/asks/decision", vec![("decision", "approve")]),
        ("/requests/asks/end", vec![("uid", UID)]),
        ("/requests/asks/withdrawal", vec![("uid", UID)]),
    ] {
        let page = site.post(address, BOB, &fields).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{address}");
        page.has("this is not the request any more that the page showed")
            .has("/requests/asks");
    }
    let several = [("request", "asks/0a1b2c3d-asks"), ("decision", "approve")];
    let page = site.post("/waiting", BOB, &several).await;
    page.has("this is not the request any more that the page showed");
    assert!(site.writes().is_empty());
    // And where only the API server knows.
    site.refuse(
        422,
        "Invalid",
        "AccessRequest \"asks\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable",
    );
    let fields = [("uid", "ffffffff-other"), ("decision", "approve")];
    let page = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("this is not the request any more that the page showed");
}

#[tokio::test]
async fn attack_2_nobody_decides_who_is_not_named() {
    let site = asked().await;
    for (who, address, fields, status) in [
        (
            ALICE,
            "/requests/asks/decision",
            vec![("uid", UID), ("decision", "approve")],
            StatusCode::FORBIDDEN,
        ),
        (
            ALICE,
            "/requests/asks/decision",
            vec![("uid", UID), ("decision", "deny")],
            StatusCode::FORBIDDEN,
        ),
        (
            EVE,
            "/requests/asks/decision",
            vec![("uid", UID), ("decision", "approve")],
            StatusCode::NOT_FOUND,
        ),
        (
            EVE,
            "/requests/asks/end",
            vec![("uid", UID)],
            StatusCode::NOT_FOUND,
        ),
        // What waits for a reviewer is denied, not ended.
        (
            BOB,
            "/requests/asks/end",
            vec![("uid", UID)],
            StatusCode::FORBIDDEN,
        ),
        (
            BOB,
            "/requests/asks/decision",
            vec![("uid", UID)],
            StatusCode::BAD_REQUEST,
        ),
        (
            BOB,
            "/requests/asks/decision",
            vec![("uid", UID), ("decision", "approve"), ("decision", "deny")],
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let page = site.post(address, who, &fields).await;
        assert_eq!(page.status, status, "{who} {address} {fields:?}");
        page.has("<a ");
    }
    site.get("/requests/asks", ALICE)
        .await
        .lacks("Your decision")
        .has("Withdraw this request");
}

#[tokio::test]
async fn attack_6_a_decision_carries_an_identity_and_a_comment_and_nothing_else() {
    let site = asked().await;
    let more = [
        ("uid", UID),
        ("decision", "approve"),
        ("approver", CAROL),
        ("roles", "roles/owner"),
        ("annotations", "x"),
    ];
    site.post("/requests/asks/decision", BOB, &more)
        .await
        .location();
    let writes = site.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(
        writes[0].body,
        json!({"metadata": {"uid": UID, "annotations": {"approved-by.jit-access.dev/0a1b2c3d-bob": format!("{BOB} via {ME}")}}})
    );
}

#[tokio::test]
async fn what_has_ended_is_not_decided() {
    let site = Site::new().await;
    for state in AccessState::ALL.iter().filter(|state| state.is_final()) {
        site.put(request("asks", Some(*state), &json!({})));
        for (address, fields) in [
            (
                "/requests/asks/decision",
                vec![("uid", UID), ("decision", "approve")],
            ),
            ("/requests/asks/end", vec![("uid", UID)]),
        ] {
            let page = site.post(address, BOB, &fields).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{state}");
            page.has("This request has ended already");
        }
    }
    assert!(site.writes().is_empty());
}

#[tokio::test]
async fn a_comment_has_room_and_no_tricks() {
    let site = asked().await;
    let long = "x".repeat(500);
    for (comment, said) in [
        (long.as_str(), "characters too long"),
        ("a\u{202e}b", "must be one line without control characters"),
    ] {
        let fields = [("uid", UID), ("decision", "approve"), ("comment", comment)];
        let page = site.post("/requests/asks/decision", BOB, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.has("This was not done.")
            .has("<p>The comment")
            .has(said);
        // It is there to be mended, about the same request.
        page.has(&format!("maxlength=\"300\" value=\"{comment}\""))
            .has(r#"name="uid" value="0a1b2c3d-asks""#)
            .has(">Approve<");
    }
    assert!(site.writes().is_empty());
    // Attack 30: what looks like a signature is a comment all the same.
    let fields = [
        ("uid", UID),
        ("decision", "approve"),
        ("comment", "carol@example.com via x: yes"),
    ];
    site.post("/requests/asks/decision", BOB, &fields)
        .await
        .location();
    let written = &site.writes()[0].body["metadata"]["annotations"]["approved-by.jit-access.dev/0a1b2c3d-bob"];
    assert_eq!(
        *written,
        json!(format!("{BOB} via {ME}: carol@example.com via x: yes"))
    );
}

#[tokio::test]
async fn what_the_policy_refuses_is_told_in_full() {
    let site = asked().await;
    site.refuse(403, "Forbidden", "accessrequests.jit-access.dev \"asks\" is forbidden: ValidatingAdmissionPolicy 'jit-access-identity' with binding 'jit-access-identity' denied request: you decide in your own name only");
    let fields = [("uid", UID), ("decision", "approve")];
    let page = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.has("This was not done.")
        .has("<p>you decide in your own name only</p>")
        .has("ValidatingAdmissionPolicy")
        .has(">Approve<");
}

#[tokio::test]
async fn why_something_ends_is_kept_where_it_does_not_end() {
    let site = Site::new().await;
    site.put(request("asks", Some(AccessState::Active), &json!({})));
    site.refuse(503, "ServiceUnavailable", "later");
    let fields = [("uid", UID), ("comment", "done <early>")];
    let page = site.post("/requests/asks/end", ALICE, &fields).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    page.has("It is not known whether this was done.")
        .has("<p>The Kubernetes API server cannot do this now")
        .has("value=\"done &#60;early&#62;\"")
        .has("Give back early");
    let page = site.post("/requests/asks/end", ALICE, &fields).await;
    assert_eq!(page.location(), "/requests/asks?done=ended");
}

#[tokio::test]
async fn a_decision_that_is_sent_twice_is_written_once_and_told_alike() {
    let site = asked().await;
    let fields = [("uid", UID), ("decision", "approve")];
    let first = site.post("/requests/asks/decision", BOB, &fields).await;
    let second = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(first.location(), second.location());
    assert_eq!(site.writes().len(), 1);
    let twice = [
        ("request", "asks/0a1b2c3d-asks"),
        ("request", "asks/0a1b2c3d-asks"),
        ("decision", "deny"),
    ];
    let page = site.post("/waiting", CAROL, &twice).await;
    assert_eq!(page.location(), "/waiting?denied=1");
    assert_eq!(site.writes().len(), 1);
}

#[tokio::test]
async fn too_late_an_approval_is_not_taken_back() {
    let site = asked().await;
    let fields = [("uid", UID), ("decision", "approve")];
    site.post("/requests/asks/decision", BOB, &fields)
        .await
        .location();
    let approved = json!({"metadata": {"annotations": {"approved-by.jit-access.dev/0a1b2c3d-bob": format!("{BOB} via {ME}")}}});
    site.put(request("asks", Some(AccessState::Active), &approved));
    site.writes();
    let page = site
        .post("/requests/asks/withdrawal", BOB, &[("uid", UID)])
        .await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("It is too late to take an approval back");
    assert!(site.writes().is_empty());
}

#[tokio::test]
async fn who_is_named_and_could_not_approve_is_not_asked() {
    let site = Site::new().await;
    let told = json!({"status": {"conditions": [{"type": "Granted", "status": "False", "reason": "AwaitingApproval", "message": "waits for the approval of bob@example.com; carol@example.com, x@example.com could not approve this and was not told", "lastTransitionTime": "2026-11-25T12:00:00Z"}]}});
    site.put(request("asks", Some(AccessState::AwaitingApproval), &told));
    site.get("/waiting", BOB).await.has("asks/0a1b2c3d-asks");
    let page = site.get("/waiting", CAROL).await;
    page.has("Nothing waits for you.")
        .lacks(r#"<span class="count">"#);
    let page = site.get("/requests/asks", CAROL).await;
    page.has("you could not approve this")
        .has(">Deny<")
        .lacks(">Approve<");
}

#[tokio::test]
async fn whatever_is_open_can_be_denied_by_every_reviewer() {
    let approved = json!({"metadata": {"annotations": {"approved-by.jit-access.dev/0a1b2c3d-bob": format!("{BOB} via {ME}")}}});
    for state in [
        AccessState::Pending,
        AccessState::Scheduled,
        AccessState::Retrying,
    ] {
        let site = Site::new().await;
        site.put(request("asks", Some(state), &approved));
        for who in [BOB, CAROL] {
            let page = site.get("/requests/asks", who).await;
            page.has(">Deny<").lacks(">Approve<");
        }
        let fields = [("uid", UID), ("decision", "deny"), ("comment", "not now")];
        let page = site.post("/requests/asks/decision", CAROL, &fields).await;
        assert_eq!(page.location(), "/requests/asks?done=denied", "{state}");
        site.get("/requests/asks", CAROL).await.lacks(">Deny<");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_told_as_not_done() {
    let site = asked().await;
    site.refuse(503, "ServiceUnavailable", "later");
    let fields = [("uid", UID), ("decision", "approve")];
    let page = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    page.has("It is not known whether this was done.")
        .lacks("This was not done");
    site.refuse(503, "ServiceUnavailable", "later");
    let several = [("request", "asks/0a1b2c3d-asks"), ("decision", "approve")];
    let page = site.post("/waiting", BOB, &several).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    page.has("It is not known whether this was done.")
        .has("alice@example.com on projects/web-prod")
        .has("value=\"asks/0a1b2c3d-asks\" checked")
        .lacks("This was not done");
}

#[tokio::test]
async fn two_of_the_same_short_name_both_decide() {
    let site = Site::new().await;
    let other = "bob@corp.example.com";
    let reviewers = json!({"spec": {"reviewers": [BOB, other]}});
    site.put(request(
        "asks",
        Some(AccessState::AwaitingApproval),
        &reviewers,
    ));
    // The other Bob was first, and the watch has not told it yet.
    let key = "approved-by.jit-access.dev/0a1b2c3d-bob";
    site.decide_unseen("asks", key, &format!("{other} via {ME}"));
    site.refuse(403, "Forbidden", "a decision never changes");
    let fields = [("uid", UID), ("decision", "approve")];
    let page = site.post("/requests/asks/decision", BOB, &fields).await;
    assert_eq!(page.location(), "/requests/asks?done=approved");
    let written = site.writes().pop().unwrap();
    let annotations = written.body["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(
        annotations.keys().collect::<Vec<_>>(),
        ["approved-by.jit-access.dev/0a1b2c3d-bob-2"]
    );
}
