//! The form: where one may ask, for which roles, and which peers could approve.

use axum::http::StatusCode;
use jit_access_crds::AccessState;
use serde_json::json;

use super::{OWN, with};
use crate::tests::site::{ALICE, BOB, EVE, Site, request};

#[tokio::test]
async fn resources_are_found_by_a_part_of_name_or_id() {
    let site = Site::new().await;
    site.get("/", ALICE)
        .await
        .has("Production")
        .has("Web")
        .has("projects/data-prod");
    let found = site.get("/?q=WEB", ALICE).await;
    found.has("projects/web-prod").lacks("projects/data-prod");
    // Who types the whole name has chosen.
    site.get("/?q=projects/web-prod", ALICE)
        .await
        .has("You activate these yourself");
    site.get("/?q=nowhere", ALICE)
        .await
        .has("has “nowhere” in its name");
    let answer = site.get("/resources?q=wareh", ALICE).await;
    let answer: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(answer["resources"][0]["name"], "projects/data-prod");
    assert_eq!(answer["resources"][0]["path"], "example.com › Production");
    assert_eq!(answer["resources"].as_array().unwrap().len(), 1);
    // Bob is in no group: nothing of the folder is his.
    site.get("/?q=wareh", BOB).await.lacks("projects/data-prod");
    site.get("/", "nobody@example.com")
        .await
        .has("The lists name nothing on which you may ask");
}

#[tokio::test]
async fn what_was_asked_for_before_is_offered_first() {
    let site = Site::new().await;
    site.get("/", ALICE).await.lacks("Asked for before");
    site.put(request("earlier", Some(AccessState::Expired), &json!({})));
    site.get("/", ALICE).await.has("Asked for before");
    site.get("/", BOB).await.lacks("Asked for before");
    // Whoever could have nothing there is not told what it is called.
    let refused = json!({"spec": {"requester": BOB, "resource": "projects/data-prod"}, "status": {"plan": null}});
    site.put(request("refused", Some(AccessState::Ineligible), &refused));
    site.get("/", BOB).await.lacks("Data warehouse");
}

#[tokio::test]
async fn roles_are_shown_with_title_condition_and_what_one_has_of_them() {
    let site = Site::new().await;
    let page = site.get("/?resource=projects/web-prod", ALICE).await;
    page.has("You activate these yourself")
        .has("A peer must approve these");
    page.has(r#"name="role" value="roles/compute.admin""#);
    page.has(r#"name="role" value="roles/logging.viewer""#);
    page.has(r#"name="peer-role" value="roles/storage.admin""#)
        .has("Storage Admin");
    page.has("only where the resource name begins with “projects/web-prod/zones/b”");
    page.has("resource.name.startsWith(&#34;projects/web-prod/zones/b&#34;)");
    page.lacks(">Asked for<").lacks("min left");
    page.has("Begin with the incident, such as INC-4711");

    let own = json!({"spec": {"roles": ["roles/compute.admin"], "reviewers": null}});
    site.put(request("runs", Some(AccessState::Active), &own));
    site.put(request(
        "waits",
        Some(AccessState::AwaitingApproval),
        &json!({}),
    ));
    let page = site.get("/?resource=projects/web-prod", ALICE).await;
    page.has(">Active<").has("min left").has(">Asked for<");
}

#[tokio::test]
async fn what_a_resource_is_called_is_told_to_those_who_may_ask_there() {
    let site = Site::new().await;
    let named = site.get("/?resource=projects/data-prod", ALICE).await;
    named.has("Data warehouse").has("Production");
    let page = site.get("/?resource=projects/data-prod", BOB).await;
    page.lacks("Data warehouse").lacks("Production");
    page.has("The lists name no role that you may ask for here");
    let fields = with(&OWN, &[("resource", "projects/data-prod")]);
    let page = site.post("/preview", BOB, &fields).await;
    page.has("will be refused").lacks("Data warehouse");
}

#[tokio::test]
async fn an_address_fills_the_form_in() {
    let site = Site::new().await;
    let address =
        "/?resource=projects/web-prod&role=roles/storage.admin&justification=INC-1&duration=15m";
    let page = site.get(address, ALICE).await;
    page.has(r#"value="roles/storage.admin" checked"#)
        .has("INC-1")
        .has(r#"value="15m""#);
    page.lacks(r#"value="roles/compute.admin" checked"#);
    let page = site
        .get(
            "/?resource=projects/web-prod&role=roles/unknown.role",
            ALICE,
        )
        .await;
    page.has("\nroles/unknown.role</textarea>");
    site.get("/?resource=buckets/x", ALICE)
        .await
        .has("must be projects/PROJECT_ID");
}

#[tokio::test]
async fn reviewers_are_those_who_could_approve() {
    let site = Site::new().await;
    let page = site.get("/?resource=projects/web-prod", ALICE).await;
    page.has(r#"name="reviewer" value="bob@example.com""#);
    page.has(r#"name="reviewer" value="carol@example.com""#)
        .has("only <bdi>Storage Admin</bdi>");
    page.lacks(r#"name="reviewer" value="alice@example.com""#);
    page.has("Members of unlisted@example.com could approve too");
}

#[tokio::test]
async fn ask_again_takes_all_over_but_the_start() {
    let site = Site::new().await;
    let earlier =
        json!({"spec": {"startTime": "2026-01-01T00:00:00Z", "condition": "resource.name == 'x'"}});
    site.put(request("earlier", Some(AccessState::Expired), &earlier));
    let page = site.get("/?like=earlier", ALICE).await;
    page.has(r#"value="roles/storage.admin" checked"#)
        .has(r#"value="bob@example.com" checked"#);
    page.has("INC-4711: disk full")
        .has("resource.name == &#39;x&#39;")
        .lacks("2026-01-01");
    assert_eq!(
        site.get("/?like=earlier", EVE).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn change_something_goes_back_to_the_form_as_it_was() {
    let site = Site::new().await;
    let page = site
        .post("/", ALICE, &with(&OWN, &[("start", "2026-12-24 20:00")]))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    page.has(r#"value="roles/compute.admin" checked"#)
        .has("2026-12-24 20:00")
        .has("INC-4711");
    assert!(site.writes().is_empty());
}

#[tokio::test]
async fn groups_that_cannot_be_looked_up_are_told_and_stop_nothing() {
    let site = Site::new().await;
    let page = site.get("/", EVE).await;
    page.has("Your groups could not be looked up")
        .has("Google does not answer.");
    assert_eq!(page.status, StatusCode::OK);
}
