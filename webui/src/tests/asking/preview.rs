//! The preview: what will be granted, and whatever is wrong with the form.

use axum::http::StatusCode;

use super::{OWN, with};
use crate::tests::site::{ALICE, BOB, EVE, Site};

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
            "Justification: Begin with the incident, such as INC-4711",
        ),
        (
            vec![("justification", long.as_str())],
            "Justification: must have 1 to 1000 characters",
        ),
        (
            vec![("justification", "INC-1 \u{202e}abc")],
            "Justification: must not contain control characters",
        ),
        (vec![("duration", "3h")], "3h is not between 1m and 2h"),
        (
            vec![("duration", "soon")],
            "How long: &#34;soon&#34; must be hours, minutes and seconds",
        ),
        (
            vec![("start", "tomorrow")],
            "tomorrow is no time: write it in UTC, such as 2026-11-23 20:00.",
        ),
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
