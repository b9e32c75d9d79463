//! Asking: where, what, why; the preview; and what is written.

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use jit_access_core::request::parse_time;
use jit_access_crds::AccessState;
use jit_access_google::catalogue::{Catalogue, Snapshot};
use serde_json::json;

use super::site::{ALICE, BOB, CAROL, EVE, ME, Site, limits, request};

/// A form that asks for a role that alice activates herself.
const OWN: [(&str, &str); 4] = [
    ("resource", "projects/web-prod"),
    ("role", "roles/compute.admin"),
    ("justification", "INC-4711: disk full"),
    ("duration", "30m"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let kept = fields.iter().filter(|(name, _)| !replaced(name)).copied();
    kept.chain(more.iter().copied()).collect()
}

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
        .has("only Storage Admin");
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
async fn the_preview_shows_exactly_what_will_be_granted_and_writes_nothing() {
    let site = Site::new().await;
    let page = site
        .post(
            "/preview",
            ALICE,
            &with(&OWN, &[("role", "roles/compute.osLogin")]),
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    page.has("Check your request")
        .has("roles/compute.osLogin")
        .has("30m");
    page.has("only where the resource name begins with “projects/web-prod/zones/b”");
    page.has("does not have it through JIT Access")
        .lacks("role=\"alert\"");
    assert!(site.writes().is_empty());

    let narrowed = with(&OWN, &[("condition", "resource.name == 'x'")]);
    let page = site.post("/preview", ALICE, &narrowed).await;
    page.has("only where the resource name is “x”");
}

#[tokio::test]
async fn the_preview_warns_of_what_the_lists_say_and_lets_it_be_sent() {
    let site = Site::new().await;
    let page = site
        .post("/preview", ALICE, &with(&OWN, &[("role", "roles/owner")]))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    page.has("By the lists here this will be refused")
        .has("Send the request");
    let elsewhere = with(&OWN, &[("resource", "projects/unknown")]);
    let page = site.post("/preview", ALICE, &elsewhere).await;
    page.has("projects/unknown is not in the lists here")
        .has("Send the request");
    let run = [
        ("role", ""),
        ("peer-role", "roles/storage.admin"),
        ("reviewer", EVE),
    ];
    let page = site.post("/preview", ALICE, &with(&OWN, &run)).await;
    page.has("eve@example.com could not approve all of this");
    // Who is in a group that could not be listed may be able to.
    let run = [
        ("role", ""),
        ("peer-role", "roles/run.admin"),
        ("reviewer", EVE),
    ];
    let page = site.post("/preview", ALICE, &with(&OWN, &run)).await;
    page.lacks("could not approve all of this");
}

#[tokio::test]
async fn whatever_is_wrong_is_said_beside_the_field_and_nothing_is_lost() {
    let site = Site::new().await;
    let long = "x".repeat(1_001);
    for (changes, said) in [
        (vec![("resource", "")], "Choose where you need access."),
        (vec![("role", "")], "Choose at least one role."),
        (
            vec![("justification", " \r\n ")],
            "Say why: a case number and a few words.",
        ),
        (
            vec![("justification", "because")],
            "Begin with the incident, such as INC-4711.",
        ),
        (
            vec![("justification", long.as_str())],
            "The justification must have 1 to 1000 characters.",
        ),
        (
            vec![("justification", "INC-1 \u{202e}abc")],
            "The justification must not contain control characters",
        ),
        (vec![("duration", "3h")], "3h is not between 1m and 2h"),
        (
            vec![("duration", "soon")],
            "must be hours, minutes and seconds",
        ),
        (vec![("start", "tomorrow")], "must be a time in UTC"),
        (
            vec![("start", "2090-01-01 00:00")],
            "at most 168h ahead is allowed here",
        ),
        (vec![("condition", "a) || (b")], "valid CEL"),
        (vec![("condition", "has({}.jitAccessConstraint)")], "marker"),
        (
            vec![("peer-role", "roles/storage.admin")],
            "cannot go together",
        ),
        (
            vec![("role", ""), ("peer-role", "roles/storage.admin")],
            "Choose at least one peer who may approve.",
        ),
        (vec![("reviewer", BOB)], "needs nobody&#39;s approval"),
        (
            vec![("role", ""), ("other-role", "storage.admin")],
            "must be roles/NAME",
        ),
        (
            vec![
                ("role", ""),
                ("other-role", "roles/a roles/b,roles/c;roles/d"),
            ],
            "at most 3 are allowed",
        ),
        (
            vec![
                ("role", ""),
                ("peer-role", "roles/storage.admin"),
                ("other-reviewer", ALICE),
            ],
            "nobody approves their own request",
        ),
        (
            vec![
                ("role", ""),
                ("peer-role", "roles/storage.admin"),
                ("other-reviewer", "x@y.gserviceaccount.com"),
            ],
            "is a service account",
        ),
    ] {
        for address in ["/preview", "/requests"] {
            let page = site.post(address, ALICE, &with(&OWN, &changes)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{changes:?}");
            let text = page.text.to_lowercase();
            assert!(text.contains(&said.to_lowercase()), "{said}: {}", page.text);
            // Without a resource there is no form yet.
            if !matches!(changes[0].0, "justification" | "resource") {
                page.has("INC-4711: disk full");
            }
        }
    }
    assert!(site.writes().is_empty());
}

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
    // A name of another's request, or of another form, leads nowhere.
    let page = site
        .post("/requests", BOB, &with(&OWN, &[("name", name)]))
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.has("This was sent before.");
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
async fn attack_26_a_form_of_many_words_costs_little() {
    let site = Site::new().await;
    let many: Vec<String> = (0..4_000).map(|number| format!("r{number}")).collect();
    let many = many.join(" ");
    let fields = with(
        &OWN,
        &[
            ("role", ""),
            ("other-role", &many),
            ("other-reviewer", &many),
        ],
    );
    let page = site.post("/preview", ALICE, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.has("50 roles, but at most 3 are allowed").lacks("r51");
}

#[tokio::test]
async fn a_start_that_is_over_is_told_before_it_is_sent() {
    let site = Site::new().await;
    let fields = with(&OWN, &[("start", "2020-01-01 00:00")]);
    let page = site.post("/preview", ALICE, &fields).await;
    page.has("This time is over already");
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
async fn groups_that_cannot_be_looked_up_are_told_and_stop_nothing() {
    let site = Site::new().await;
    let page = site.get("/", EVE).await;
    page.has("Your groups could not be looked up")
        .has("Google does not answer.");
    assert_eq!(page.status, StatusCode::OK);
}
