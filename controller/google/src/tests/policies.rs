//! Reading and replacing IAM policies, and the hierarchy.

use jit_access_core::iam_policy::Policy;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    fake_google::{FakeGoogle, Reply},
    google, settings,
};
use crate::{Google, Kind};

/// A policy with everything that a round trip could lose: fields that nobody here knows at each level, audit
/// configurations, another product's binding, a deleted member. As Google's clients are sent it: with numbers for
/// enumerations (they ask for `enum-encoding=int`) and without empty fields.
fn stored() -> Value {
    json!({
        "version": 3,
        "etag": "BwZg7ZfUfYQ=",
        "auditConfigs": [{
            "service": "allServices",
            "auditLogConfigs": [{"logType": 3, "exemptedMembers": ["user:a@example.com"], "new": {"n": 1}}],
            "alsoNew": [1, 2]
        }],
        "rules": [{"future": true}],
        "bindings": [
            {"role": "roles/owner", "members": ["user:owner@example.com", "deleted:user:x@example.com?uid=123"]},
            {
                "role": "roles/storage.admin",
                "members": ["group:Ops@Example.com"],
                "bindingId": "b-1",
                "condition": {
                    "title": "JIT access activation",
                    "description": "Self-approved, justification: ü \"x\"\n",
                    "expression": "request.time < timestamp('2030-01-01T00:00:00Z') // é",
                    "location": "somewhere",
                    "unknown": null
                }
            },
            {"role": "roles/viewer", "members": ["domain:example.com"], "condition": {"expression": "has({}.jitAccessConstraint)"}}
        ]
    })
}

fn policy(json: &Value) -> Policy {
    serde_json::from_value(json.clone()).expect("a policy")
}

#[tokio::test]
async fn a_policy_passes_through_equal_as_json() {
    let fake = FakeGoogle::start(|_, request| {
        if request.path().ends_with(":getIamPolicy") {
            Reply::json(stored())
        } else {
            Reply::json(request.json()["policy"].clone())
        }
    })
    .await;
    let google = google(&fake).await;

    let read = google.get_policy("projects/web").await.expect("a policy");
    assert_eq!(serde_json::to_value(&read).expect("JSON"), stored());
    let written = google
        .set_policy("projects/web", &read, "why")
        .await
        .expect("written");
    assert_eq!(serde_json::to_value(&written).expect("JSON"), stored());
    assert_eq!(fake.calls()[1].json(), json!({"policy": stored()}));
}

/// Words of enumerations that Google's crate knows become numbers, those that it does not know stay; empty fields
/// vanish; base64 gets its padding. All of it means the same in the JSON of protocol buffers.
#[tokio::test]
async fn what_changes_on_the_way_means_the_same() {
    let fake = FakeGoogle::answering(Reply::json(json!({
        "etag": "BwZg7ZfUfYQ",
        "bindings": [{"role": "roles/a", "members": [], "condition": {"title": "t", "description": "", "expression": "true"}}],
        "auditConfigs": [{"service": "s", "auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "NEW_WORD"}]}]
    })))
    .await;
    let read = google(&fake)
        .await
        .get_policy("folders/1")
        .await
        .expect("a policy");
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!({
            "etag": "BwZg7ZfUfYQ=",
            "bindings": [{"role": "roles/a", "condition": {"title": "t", "expression": "true"}}],
            "auditConfigs": [{"service": "s", "auditLogConfigs": [{"logType": 3}, {"logType": "NEW_WORD"}]}]
        })
    );
}

#[tokio::test]
async fn every_level_asks_for_conditions_and_writes_version_3() {
    let fake = FakeGoogle::answering(Reply::json(json!({"version": 1, "etag": "AA=="}))).await;
    let google = google(&fake).await;
    for resource in [
        "projects/web",
        "projects/example.com:web",
        "folders/12",
        "organizations/34",
    ] {
        let policy = google.get_policy(resource).await.expect("a policy");
        assert_eq!(policy.version, Some(1));
        google
            .set_policy(resource, &policy, "why")
            .await
            .expect("written");
        let calls = fake.calls();
        let [get, set] = &calls[calls.len() - 2..] else {
            panic!("two calls")
        };
        assert_eq!(
            (get.method.as_str(), get.path()),
            ("POST", &*format!("/v3/{resource}:getIamPolicy"))
        );
        assert_eq!(
            get.json(),
            json!({"options": {"requestedPolicyVersion": 3}})
        );
        assert_eq!(
            (set.method.as_str(), set.path()),
            ("POST", &*format!("/v3/{resource}:setIamPolicy"))
        );
        assert_eq!(
            set.json(),
            json!({"policy": {"version": 3, "etag": "AA=="}})
        );
    }
}

#[tokio::test]
async fn nobody_is_told_who_we_are_at_an_endpoint() {
    let fake = FakeGoogle::start(|_, request| match request.method.as_str() {
        "GET" => Reply::json(json!({})),
        _ => Reply::json(stored()),
    })
    .await;
    let google = google(&fake).await;
    google.get_policy("projects/web").await.expect("a policy");
    google
        .set_policy("projects/web", &policy(&stored()), "why")
        .await
        .expect("written");
    google.parent("projects/web").await.expect("no parent");
    google
        .groups_of("alice@example.com")
        .await
        .expect("no groups");
    let calls = fake.calls();
    assert_eq!(calls.len(), 4);
    for call in calls {
        assert_eq!(call.header("authorization"), None, "{}", call.target);
        assert_eq!(call.header("x-goog-user-project"), None, "{}", call.target);
        let user_agent = concat!("jit-access/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            call.header("user-agent"),
            Some(user_agent),
            "{}",
            call.target
        );
    }
}

#[tokio::test]
async fn connecting_to_an_endpoint_needs_no_network() {
    // Nobody listens on port 1; nothing is sent before the first call.
    Google::connect(&settings("http://127.0.0.1:1".to_owned()))
        .await
        .expect("a client");
    let error = Google::connect(&settings("127.0.0.1:1".to_owned()))
        .await
        .expect_err("no base URL");
    assert_eq!(error.kind, Kind::Invalid);
}

#[tokio::test]
async fn the_reason_arrives_whatever_it_contains() {
    let fake = FakeGoogle::answering(Reply::json(stored())).await;
    let google = google(&fake).await;
    let long = "€".repeat(2000);
    for reason in [
        "jit/web-1: INC-4711",
        "Grüße\r\nx-evil: 1\u{1F680} 100%",
        &long,
        "",
    ] {
        google
            .set_policy("projects/web", &policy(&stored()), reason)
            .await
            .expect("written");
        let calls = fake.calls();
        let call = calls.last().expect("a call");
        assert_eq!(call.header("x-evil"), None);
        let Some(value) = call.header("x-goog-request-reason") else {
            assert_eq!(reason, "");
            continue;
        };
        assert!(
            value.len() <= 1024 && value.bytes().all(|b| b.is_ascii_graphic()),
            "{value}"
        );
        let decoded = percent_decode_str(value)
            .decode_utf8()
            .expect("whole characters");
        assert!(reason.starts_with(&*decoded));
        assert_eq!(
            decoded.chars().count(),
            reason.chars().count().min(1024 / 9)
        );
    }
}

#[tokio::test]
async fn a_policy_without_an_etag_is_not_sent() {
    let fake = FakeGoogle::answering(Reply::json(stored())).await;
    let google = google(&fake).await;
    for etag in [Value::Null, json!("")] {
        let mut json = stored();
        json["etag"] = etag;
        let error = google
            .set_policy("projects/web", &policy(&json), "why")
            .await
            .expect_err("no etag");
        assert_eq!(
            (error.kind, error.may_have_been_committed),
            (Kind::Invalid, false)
        );
        assert_eq!(
            error.to_string(),
            "The IAM policy for projects/web was not sent: it has no etag, and Google would replace whatever is there \
             by then; it must be read first."
        );
    }
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn a_bad_name_is_not_sent() {
    let fake = FakeGoogle::answering(Reply::json(stored())).await;
    let google = google(&fake).await;
    for name in ["projects/../folders/1", "web", "projects/a?b"] {
        let error = google.get_policy(name).await.expect_err(name);
        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(
            google.parent(name).await.expect_err(name).kind,
            Kind::Invalid
        );
        let error = google
            .set_policy(name, &policy(&stored()), "why")
            .await
            .expect_err(name);
        assert_eq!(error.kind, Kind::Invalid);
    }
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn parents() {
    let fake = FakeGoogle::start(|_, request| {
        Reply::json(match request.path() {
            "/v3/projects/web" => {
                json!({"name": "projects/1", "projectId": "web", "parent": "folders/12"})
            }
            "/v3/projects/lone" => json!({"name": "projects/2", "projectId": "lone"}),
            "/v3/projects/odd" => {
                json!({"name": "projects/3", "projectId": "odd", "parent": "projects/web"})
            }
            "/v3/folders/12" => json!({"name": "folders/12", "parent": "organizations/34"}),
            _ => json!({"name": "folders/13"}),
        })
    })
    .await;
    let google = google(&fake).await;
    let parent = async |name: &str| google.parent(name).await;
    assert_eq!(
        parent("projects/web").await,
        Ok(Some("folders/12".to_owned()))
    );
    assert_eq!(
        parent("folders/12").await,
        Ok(Some("organizations/34".to_owned()))
    );
    assert_eq!(parent("projects/lone").await, Ok(None));
    let calls = fake.calls().len();
    assert_eq!(parent("organizations/34").await, Ok(None));
    assert_eq!(fake.calls().len(), calls);
    for name in ["projects/odd", "folders/13"] {
        assert_eq!(parent(name).await.expect_err(name).kind, Kind::Malformed);
    }
}
