//! World, policies, clock, log, checks, latency.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::served::{Served, world};

#[tokio::test]
async fn worlds_are_added_to_and_replaced() {
    let google = Served::new().await;
    let more = json!({
        "projects": [{"id": "third-prod", "parent": "organizations/1"}],
        "users": ["Erin@example.com"],
        "policies": {"projects/third-prod": {"bindings": [{"role": "roles/viewer", "members": ["user:erin@example.com"]}]}},
    });
    assert_eq!(google.post("/control/world", more).await.0, 200);
    assert_eq!(
        google.ok("/v3/projects/third-prod").await["parent"],
        "organizations/1"
    );
    assert_eq!(
        google.ok("/v3/projects/web-prod").await["projectId"],
        "web-prod"
    );
    let grant =
        json!({"bindings": [{"role": "roles/viewer", "members": ["user:erin@example.com"]}]});
    assert_eq!(google.set("projects/data-prod", grant).await.0, 200);

    for (bad, sentence) in [
        (
            json!({"projects": [{"id": "lost-prod", "parent": "folders/77"}]}),
            "folders/77",
        ),
        (
            json!({"policies": {"projects/lost-prod": {}}}),
            "projects/lost-prod",
        ),
        (
            json!({"roles": [{"name": "roles/mine"}]}),
            "organizations/NUMBER/roles/NAME",
        ),
        (json!({"projcets": []}), "unknown field `projcets`"),
    ] {
        for (status, body) in [
            google.post("/control/world", bad.clone()).await,
            google.put("/control/world", bad).await,
        ] {
            assert_eq!(status, 400);
            assert!(body["error"].as_str().unwrap().contains(sentence), "{body}");
        }
    }
    assert_eq!(google.put("/control/world", world()).await.0, 200);
    assert_eq!(
        google.get("/v3/projects/third-prod").await.0,
        403,
        "the former world is gone"
    );
}

#[tokio::test]
async fn a_foreign_tool_overwrites_a_policy() {
    let google = Served::new().await;
    let before = google.policy("projects/web-prod").await;
    let foreign =
        json!({"bindings": [{"role": "roles/x", "members": ["user:Who@Ever"]}], "etag": "ignored"});
    let (status, stored) = google
        .put("/control/policy?resource=projects/1001", foreign.clone())
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        stored["bindings"], foreign["bindings"],
        "stored as it is, unchecked"
    );
    assert_ne!(stored["etag"], before["etag"]);
    assert_eq!(
        google
            .ok("/control/policy?resource=projects/web-prod")
            .await,
        stored
    );
    assert_eq!(
        google.get("/control/policy?resource=projects/none").await.0,
        404
    );
    assert_eq!(google.set("projects/web-prod", before).await.0, 409);
}

#[tokio::test]
async fn the_clock_moves_date_header_and_checks() {
    let google = Served::new().await;
    google
        .put("/control/clock", json!({"offsetSeconds": 7_200}))
        .await;
    let response = google
        .request(reqwest::Method::GET, "/v3/projects/web-prod")
        .send()
        .await
        .unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let now = google.ok("/control/clock").await;
    assert_eq!(now["offsetSeconds"], 7_200);
    let hour = &now["now"].as_str().unwrap()[11..13];
    assert!(
        date.contains(&format!(" {hour}:")) && date.ends_with("GMT"),
        "{date} {now}"
    );
    assert_eq!(
        google
            .put("/control/clock", json!({"offsetSeconds": i64::MAX}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_check_says_who_has_what_by_which_binding() {
    let google = Served::new().await;
    let window = r#"request.time >= timestamp("2030-01-01T00:00:00Z") && request.time < timestamp("2030-01-01T01:00:00Z") && (resource.name.startsWith("projects/web-prod/zones/europe-west1-b"))"#;
    let policy = json!({"version": 3, "bindings": [{"role": "roles/compute.admin", "members": ["user:alice@example.com"], "condition": {"title": "jit-access 7", "expression": window}}]});
    assert_eq!(google.set("projects/web-prod", policy).await.0, 200);
    let check = |time: &str, name: &str| json!({"principal": "user:alice@example.com", "resource": "projects/web-prod", "role": "roles/compute.admin", "time": time, "resourceName": name});
    let inside = "projects/web-prod/zones/europe-west1-b/instances/web-1";
    let (_, granted) = google
        .post("/control/check", check("2030-01-01T00:30:00Z", inside))
        .await;
    assert_eq!(
        granted,
        json!({"granted": true, "by": [{"resource": "projects/web-prod", "role": "roles/compute.admin", "title": "jit-access 7"}]})
    );
    for (time, name) in [
        ("2029-12-31T23:59:59Z", inside),
        ("2030-01-01T01:00:00Z", inside),
        (
            "2030-01-01T00:30:00Z",
            "projects/web-prod/zones/us-east1-b/instances/web-1",
        ),
    ] {
        assert_eq!(
            google.post("/control/check", check(time, name)).await.1["granted"],
            false,
            "{time} {name}"
        );
    }
    let inherited = json!({"principal": "user:alice@example.com", "resource": "projects/data-prod", "permission": "logging.logs.list"});
    assert_eq!(
        google.post("/control/check", inherited).await.1["by"][0]["resource"],
        "folders/10"
    );
    let neither = json!({"principal": "user:alice@example.com", "resource": "projects/web-prod"});
    assert_eq!(google.post("/control/check", neither).await.0, 400);
}

#[tokio::test]
async fn the_log_tells_calls_with_reason_and_body() {
    let google = Served::new().await;
    google.policy("projects/1001").await;
    let policy =
        json!({"bindings": [{"role": "roles/viewer", "members": ["user:bob@example.com"]}]});
    let set = google
        .request(reqwest::Method::POST, "/v3/projects/data-prod:setIamPolicy")
        .header("x-goog-request-reason", "jit/web-1%20disk")
        .json(&json!({"policy": policy}));
    assert_eq!(set.send().await.unwrap().status(), 200);
    google.get("/control/health").await;
    let log = google.ok("/control/log").await;
    assert_eq!(log["last"], 2, "control calls are not in it");
    let [read, write] = &log["entries"].as_array().unwrap()[..] else {
        panic!("{log}")
    };
    assert_eq!(
        (&read["method"], &read["resource"], &read["status"]),
        (
            &json!("projects.getIamPolicy"),
            &json!("projects/web-prod"),
            &json!(200)
        )
    );
    assert_eq!(read.get("body"), None);
    assert_eq!(write["requestReason"], "jit/web-1%20disk");
    assert_eq!(write["body"], json!({"policy": policy}));
    assert!(
        write["principal"]
            .as_str()
            .unwrap()
            .starts_with("serviceAccount:administrator@")
    );
    assert_eq!(
        google.ok("/control/log?after=1").await["entries"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    google.delete("/control/log").await;
    assert_eq!(
        google.ok("/control/log").await,
        json!({"entries": [], "last": 2})
    );
}

#[tokio::test]
async fn two_hundred_parallel_calls_share_the_latency() {
    let google = Served::new().await;
    google
        .put("/control/latency", json!({"milliseconds": 50}))
        .await;
    let began = Instant::now();
    google.get("/v3/projects/web-prod").await;
    let one = began.elapsed();
    assert!(one >= Duration::from_millis(50), "{one:?}");
    let began = Instant::now();
    let all = join_all((0..200).map(|_| google.get("/v3/projects/web-prod"))).await;
    let took = began.elapsed();
    assert!(all.iter().all(|(status, _)| *status == 200));
    // One after the other they would take 10 s.
    assert!(took < Duration::from_secs(5), "{took:?}");
    let began = Instant::now();
    google.get("/control/health").await;
    assert!(
        began.elapsed() < Duration::from_millis(50),
        "control calls are not slowed"
    );
}

#[tokio::test]
async fn of_parallel_writers_with_one_etag_exactly_one_wins() {
    let google = Served::new().await;
    let policy = google.policy("projects/web-prod").await;
    let all = join_all((0..20).map(|_| google.set("projects/web-prod", policy.clone()))).await;
    let statuses: Vec<u16> = all.iter().map(|(status, _)| *status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        19,
        "{statuses:?}"
    );
}
