//! Faults: errors, silence, cut connections, held calls.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::served::{Served, sentence};

fn viewer() -> Value {
    json!({"bindings": [{"role": "roles/viewer", "members": ["user:bob@example.com"]}]})
}

fn set(google: &Served) -> reqwest::RequestBuilder {
    google
        .request(Method::POST, "/v3/projects/data-prod:setIamPolicy")
        .json(&json!({"policy": viewer()}))
}

#[tokio::test]
async fn errors_have_googles_bodies() {
    let google = Served::new().await;
    for (status, word) in [
        (403, "PERMISSION_DENIED"),
        (409, "ABORTED"),
        (412, "FAILED_PRECONDITION"),
        (413, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
    ] {
        google
            .fault(json!({"method": "projects.get", "status": status, "count": 1}))
            .await;
        let (code, body) = google.get("/v3/projects/web-prod").await;
        assert_eq!(
            (
                code,
                body["error"]["status"].as_str(),
                body["error"]["code"].as_u64()
            ),
            (status, Some(word), Some(u64::from(status)))
        );
        assert!(!sentence(&body).is_empty());
        assert_eq!(
            google.get("/v3/projects/web-prod").await.0,
            200,
            "one call only"
        );
    }
    google
        .fault(
            json!({"method": "*", "status": 429, "message": "slow down", "retryAfterSeconds": 2}),
        )
        .await;
    let response = google
        .request(Method::GET, "/v3/projects/web-prod")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "2");
    let body: Value = response.json().await.unwrap();
    assert_eq!(sentence(&body), "slow down");
    assert_eq!(body["error"]["details"][0]["retryDelay"], "2s");
    assert_eq!(google.delete("/control/faults").await.1["removed"], 1);
}

#[tokio::test]
async fn faults_choose_by_resource_account_and_role() {
    let google = Served::new().await;
    google
        .fault(json!({"method": "getIamPolicy", "resource": "projects/web", "status": 403}))
        .await;
    google
        .fault(json!({"method": "searchDirectGroups", "resource": "alice@", "status": 503}))
        .await;
    google.fault(json!({"method": "setIamPolicy", "role": "roles/viewer", "status": 400, "message": "not this role"})).await;
    assert_eq!(
        google
            .post("/v3/projects/1001:getIamPolicy", json!({}))
            .await
            .0,
        403,
        "by number too"
    );
    assert_eq!(
        google
            .post("/v3/projects/data-prod:getIamPolicy", json!({}))
            .await
            .0,
        200
    );
    let groups = |who: &str| {
        format!("/v1/groups/-/memberships:searchDirectGroups?query=member_key_id%3D%3D%27{who}%27")
    };
    assert_eq!(google.get(&groups("alice@example.com")).await.0, 503);
    assert_eq!(google.get(&groups("bob@example.com")).await.0, 200);

    let (status, body) = google.set("projects/data-prod", viewer()).await;
    assert_eq!((status, sentence(&body)), (400, "not this role"));
    let other =
        json!({"bindings": [{"role": "roles/browser", "members": ["user:bob@example.com"]}]});
    assert_eq!(google.set("projects/data-prod", other).await.0, 200);
    google
        .put("/control/policy?resource=projects/data-prod", viewer())
        .await;
    assert_eq!(
        google.set("projects/data-prod", viewer()).await.0,
        200,
        "the role's members stay the same"
    );
    assert_eq!(
        google
            .set("projects/data-prod", json!({"bindings": []}))
            .await
            .0,
        400,
        "a removal counts too"
    );
}

#[tokio::test]
async fn a_cut_connection_before_and_after_the_write() {
    let google = Served::new().await;
    for (phase, written) in [("before", false), ("after", true)] {
        google
            .fault(json!({"method": "setIamPolicy", "cut": phase, "count": 1}))
            .await;
        let error = set(&google).send().await.unwrap_err();
        assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
        let policy = google.policy("projects/data-prod").await;
        assert_eq!(policy.get("bindings").is_some(), written, "{phase}");
    }
}

#[tokio::test]
async fn half_an_answer_an_empty_one_and_a_late_one() {
    let google = Served::new().await;
    google
        .fault(json!({"method": "projects.get", "truncate": true, "count": 1}))
        .await;
    let text = google
        .request(Method::GET, "/v3/projects/web-prod")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err(),
        "{text}"
    );
    google
        .fault(json!({"method": "searchAllIamPolicies", "emptyAnswer": true, "count": 1}))
        .await;
    assert_eq!(
        google.ok("/v1/organizations/1:searchAllIamPolicies").await,
        json!({})
    );
    google
        .fault(json!({"method": "projects.get", "delayMilliseconds": 300, "count": 1}))
        .await;
    let began = Instant::now();
    google.ok("/v3/projects/web-prod").await;
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_hanging_call_ends_with_its_fault() {
    let google = Served::new().await;
    let id = google
        .fault(json!({"method": "projects.get", "hang": true, "count": 1}))
        .await;
    let impatient = google
        .request(Method::GET, "/v3/projects/web-prod")
        .timeout(Duration::from_millis(200));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    google.delete(&format!("/control/faults/{id}")).await;

    let id = google
        .fault(json!({"method": "setIamPolicy", "hang": true, "count": 1}))
        .await;
    let call = tokio::spawn(set(&google).send());
    while google.log().await.last() != Some(&("projects.setIamPolicy".to_owned(), 0)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        set(&google).send().await.unwrap().status(),
        200,
        "only one call hangs"
    );
    google.delete(&format!("/control/faults/{id}")).await;
    assert!(call.await.unwrap().is_err());
}

async fn held(google: &Served) -> Value {
    loop {
        let held = google.ok("/control/held").await["held"].clone();
        if held != json!([]) {
            return held;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_held_write_takes_effect_after_its_client_has_left() {
    let google = Served::new().await;
    google
        .fault(json!({"method": "setIamPolicy", "hold": "before", "count": 1}))
        .await;
    let gone = set(&google)
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(gone.unwrap_err().is_timeout());
    let calls = held(&google).await;
    assert_eq!(
        (
            &calls[0]["method"],
            &calls[0]["resource"],
            &calls[0]["hold"]
        ),
        (
            &json!("projects.setIamPolicy"),
            &json!("projects/data-prod"),
            &json!("before")
        )
    );
    assert_eq!(
        google.policy("projects/data-prod").await.get("bindings"),
        None
    );
    assert_eq!(
        google
            .post("/control/release", json!({"id": calls[0]["id"]}))
            .await
            .1["released"],
        1
    );
    while google
        .policy("projects/data-prod")
        .await
        .get("bindings")
        .is_none()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(google.ok("/control/held").await["held"], json!([]));
}

#[tokio::test]
async fn a_write_held_after_it_is_done_is_answered_on_release() {
    let google = Served::new().await;
    google
        .fault(json!({"method": "setIamPolicy", "hold": "after", "count": 1}))
        .await;
    let call = tokio::spawn(set(&google).send());
    held(&google).await;
    assert!(
        google
            .policy("projects/data-prod")
            .await
            .get("bindings")
            .is_some()
    );
    assert!(!call.is_finished());
    google.post("/control/release", json!({})).await;
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let google = Served::new().await;
    for (fault, sentence) in [
        (json!({"method": "*"}), "needs an effect"),
        (json!({"status": 500}), "needs a method"),
        (json!({"method": "*", "status": 200}), "must be an error"),
        (
            json!({"method": "*", "cut": "during"}),
            "unknown variant `during`",
        ),
        (json!({"method": "*", "hnag": true}), "unknown field `hnag`"),
    ] {
        let (status, body) = google.post("/control/faults", fault).await;
        assert_eq!(status, 400);
        assert!(body["error"].as_str().unwrap().contains(sentence), "{body}");
    }
}
