//! What is written when the form is sent: once, and in whose name.

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use jit_access_core::request::parse_time;
use jit_access_crds::AccessState;
use jit_access_google::catalogue::{Catalogue, Snapshot};
use serde_json::json;

use super::{OWN, with};
use crate::tests::site::{ALICE, BOB, CAROL, ME, Site, limits, request};

#[tokio::test]
async fn a_request_is_made_in_the_name_of_who_is_signed_in_by_the_web_ui_itself() {
    let site = Site::new().await;
    let before = Timestamp::now();
    // Attack 1: whatever else the form says, nobody else is named.
    let forged = with(
        &OWN,
        &[
            ("requester", BOB),
            ("spec.requester", BOB),
            ("created-by", BOB),
        ],
    );
    let page = site.post("/requests", ALICE, &forged).await;
    let writes = site.writes();
    let [made] = writes.as_slice() else {
        panic!("{writes:?}");
    };
    assert_eq!(made.method, Method::POST);
    assert_eq!(
        made.path,
        "/apis/jit-access.dev/v1alpha1/namespaces/jit-requests/accessrequests"
    );
    let name = made.body["metadata"]["name"].as_str().unwrap();
    assert_eq!(page.location(), format!("/requests/{name}?done=sent"));
    assert!(name.starts_with("compute-admin-"), "{name}");
    assert_eq!(
        made.body["metadata"]["annotations"],
        json!({
            "jit-access.dev/created-by": ME,
            "jit-access.dev/device-id": "device-1",
            "jit-access.dev/access-levels": "corp, managed",
        })
    );
    let start = made.body["spec"]["startTime"].as_str().unwrap();
    let start = parse_time(start).unwrap();
    assert!(start.duration_since(before).abs() < SignedDuration::from_secs(30));
    let mut spec = made.body["spec"].clone();
    spec.as_object_mut().unwrap().remove("startTime");
    assert_eq!(
        spec,
        json!({
            "requester": ALICE,
            "resource": "projects/web-prod",
            "roles": ["roles/compute.admin"],
            "justification": "INC-4711: disk full",
            "duration": "30m",
        })
    );
    site.get(page.location(), ALICE)
        .await
        .has("Your request was sent.")
        .has("Being looked at");
}

#[tokio::test]
async fn with_peers_it_starts_with_the_approval() {
    let site = Site::new().await;
    let fields = [
        ("resource", "projects/web-prod"),
        ("peer-role", "roles/storage.admin"),
        ("reviewer", BOB),
        ("other-reviewer", "Carol@Example.com, bob@example.com"),
        ("justification", "INC-1\r\nline two"),
    ];
    site.post("/requests", ALICE, &fields).await.location();
    let writes = site.writes();
    let spec = &writes[0].body["spec"];
    assert_eq!(spec["reviewers"], json!([BOB, CAROL]));
    assert_eq!(spec["startTime"], json!(null));
    assert_eq!(spec["justification"], "INC-1\nline two");
    let later = Timestamp::now() + SignedDuration::from_hours(24);
    let later = later.strftime("%Y-%m-%d %H:%M").to_string();
    site.post("/requests", ALICE, &with(&fields, &[("start", &later)]))
        .await
        .location();
    let start = site.writes()[0].body["spec"]["startTime"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(start, format!("{}:00Z", later.replace(' ', "T")));
}

#[tokio::test]
async fn sent_twice_it_is_made_once() {
    let site = Site::new().await;
    let page = site.post("/preview", ALICE, &OWN).await;
    let (_, rest) = page.text.split_once(r#"name="name" value=""#).unwrap();
    let name = rest.split('"').next().unwrap();
    let named = with(&OWN, &[("name", name)]);
    let first = site.post("/requests", ALICE, &named).await;
    let second = site.post("/requests", ALICE, &named).await;
    assert_eq!(first.location(), second.location());
    assert_eq!(first.location(), format!("/requests/{name}?done=sent"));
    // A name of another's request is replaced, and says nothing of it.
    let page = site
        .post("/requests", BOB, &with(&OWN, &[("name", name)]))
        .await;
    assert_ne!(page.location(), first.location());
    assert_eq!(site.writes().pop().unwrap().body["spec"]["requester"], BOB);
    for odd in ["../x", "x", "a-b", "compute-admin-AAAAAAAA"] {
        site.post("/requests", ALICE, &with(&OWN, &[("name", odd)]))
            .await
            .location();
        let made = site.writes().pop().unwrap();
        assert_ne!(made.body["metadata"]["name"], odd);
    }
}

#[tokio::test]
async fn sent_again_with_something_changed_it_is_another_request() {
    let site = Site::new().await;
    let name = ("name", "compute-admin-bcdfghjk");
    let first = site.post("/requests", ALICE, &with(&OWN, &[name])).await;
    let changed = with(&OWN, &[name, ("justification", "INC-4712: something else")]);
    let second = site.post("/requests", ALICE, &changed).await;
    assert_ne!(first.location(), second.location());
    let made = site.writes().pop().unwrap();
    assert_eq!(
        made.body["spec"]["justification"],
        "INC-4712: something else"
    );
}

#[tokio::test]
async fn where_it_is_not_known_whether_it_was_sent_the_next_try_makes_no_second() {
    let site = Site::new().await;
    let name = ("name", "compute-admin-bcdfghjk");
    site.refuse(500, "InternalError", "etcd is gone");
    let page = site.post("/requests", ALICE, &with(&OWN, &[name])).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    page.has("It is not known whether this was sent");
    page.has(r#"name="name" value="compute-admin-bcdfghjk""#);
}

#[tokio::test]
async fn what_the_api_server_says_reaches_the_user_in_full() {
    let site = Site::new().await;
    let rule = "namespace jit-requests is not set up for AccessRequests: ask the administrators of JIT Access which one is";
    let whole = format!(
        "accessrequests.jit-access.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'jit-access-identity' with binding 'jit-access-identity' denied request: {rule}"
    );
    site.refuse(403, "Forbidden", &whole);
    let page = site.post("/requests", ALICE, &OWN).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.has(rule)
        .has("ValidatingAdmissionPolicy &#39;jit-access-identity&#39; with binding");
    // Nothing that was filled in is lost.
    page.has("INC-4711: disk full")
        .has(r#"value="roles/compute.admin" checked"#);
    site.refuse(500, "InternalError", "etcd is gone");
    let page = site.post("/requests", ALICE, &OWN).await;
    page.has("cannot do this now: try again")
        .has("etcd is gone");
}

#[tokio::test]
async fn without_a_catalogue_requests_by_name_still_work() {
    let site = Site::with(Catalogue::of(Snapshot::empty()), limits()).await;
    let page = site.get("/?resource=projects/web-prod", ALICE).await;
    page.has("The lists name no role that you may ask for here: name the roles yourself");
    let fields = with(&OWN, &[("role", ""), ("other-role", "roles/compute.admin")]);
    site.post("/preview", ALICE, &fields)
        .await
        .has("Send the request");
    site.post("/requests", ALICE, &fields).await.location();
    assert_eq!(
        site.writes()[0].body["spec"]["roles"],
        json!(["roles/compute.admin"])
    );
}

#[tokio::test]
async fn what_is_over_is_made_anew() {
    let site = Site::new().await;
    let named = with(&OWN, &[("name", "compute-admin-bcdfghjk")]);
    let first = site.post("/requests", ALICE, &named).await;
    let made = site.writes().pop().unwrap();
    // It was ended meanwhile; the browser goes back, and the form is sent again.
    let ended = request(
        "compute-admin-bcdfghjk",
        Some(AccessState::Revoked),
        &json!({"spec": made.body["spec"]}),
    );
    site.put(ended);
    let second = site.post("/requests", ALICE, &named).await;
    assert_ne!(first.location(), second.location());
    assert_eq!(
        site.writes().len(),
        2,
        "the name was taken, so it got another"
    );
}

#[tokio::test]
async fn a_link_does_not_choose_the_name() {
    let site = Site::new().await;
    let page = site
        .get(
            "/?resource=projects/web-prod&name=compute-admin-bcdfghjk",
            ALICE,
        )
        .await;
    page.lacks("bcdfghjk");
}
