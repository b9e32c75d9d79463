//! Resource Manager's get, list and search, IAM's roles, Pub/Sub, metadata.

use reqwest::Method;
use serde_json::{Value, json};

use crate::served::{Served, answer, sentence};

#[tokio::test]
async fn resources_as_v3_v2_and_v1_answer_them() {
    let google = Served::new().await;
    let project = google
        .ok("/v3/projects/web-prod?$alt=json;enum-encoding=int&pageToken=")
        .await;
    assert_eq!(project["name"], "projects/1001");
    assert_eq!(project["projectId"], "web-prod");
    assert_eq!(project["parent"], "folders/10");
    assert_eq!(project["state"], 1);
    assert_eq!(google.ok("/v3/projects/1001").await["state"], "ACTIVE");
    assert_eq!(
        google.ok("/v3/folders/10").await["parent"],
        "organizations/1"
    );
    assert_eq!(
        google.ok("/v3/organizations/1").await["displayName"],
        "example.com"
    );
    let legacy = google.ok("/v1/projects/web-prod?alt=json").await;
    assert_eq!(legacy["projectNumber"], "1001");
    assert_eq!(legacy["parent"], json!({"type": "folder", "id": "10"}));
    assert_eq!(
        google.ok("/v2/folders/10").await["lifecycleState"],
        "ACTIVE"
    );
    assert_eq!(
        google.ok("/v1/organizations/1").await["name"],
        "organizations/1"
    );
    for missing in [
        "/v3/projects/no-such",
        "/v3/folders/99",
        "/v3/organizations/9",
        "/v1/projects/no-such",
    ] {
        assert_eq!(google.get(missing).await.0, 403, "{missing}");
    }
    let (_, ancestry) = google
        .post("/v1/projects/web-prod:getAncestry", json!({}))
        .await;
    let ids: Vec<&Value> = ancestry["ancestor"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["resourceId"]["type"])
        .collect();
    assert_eq!(ids, ["project", "folder", "organization"]);
    assert_eq!(google.get("/v3/nothing/here").await.0, 404);
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["projects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|project| project["projectId"].as_str())
        .collect()
}

#[tokio::test]
async fn projects_are_listed_searched_and_paged() {
    let google = Served::new().await;
    assert_eq!(
        ids(&google.ok("/v3/projects?parent=folders/10").await),
        ["data-prod", "web-prod"]
    );
    assert_eq!(
        ids(&google.ok("/v3/projects?parent=organizations/1").await),
        [""; 0]
    );
    assert_eq!(
        ids(&google.ok("/v3/projects:search?query=id:web*").await),
        ["web-prod"]
    );
    assert_eq!(
        ids(&google
            .ok("/v1/projects?filter=lifecycleState:ACTIVE&pageSize=500")
            .await),
        ["data-prod", "web-prod"]
    );
    assert_eq!(
        ids(&google
            .ok("/v1/projects?filter=parent.type:folder%20parent.id:11")
            .await),
        [""; 0]
    );
    assert_eq!(
        google.ok("/v3/organizations:search").await["organizations"][0]["name"],
        "organizations/1"
    );

    let first = google.ok("/v3/projects:search?pageSize=1").await;
    let token = first["nextPageToken"].as_str().unwrap();
    let second = google
        .ok(&format!("/v3/projects:search?pageSize=1&pageToken={token}"))
        .await;
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec!["data-prod"], vec!["web-prod"])
    );
    assert_eq!(second.get("nextPageToken"), None);
    let (status, _) = google
        .get(&format!(
            "/v3/projects:search?query=id:x*&pageToken={token}"
        ))
        .await;
    assert_eq!(status, 400, "a token continues only its own query");
}

#[tokio::test]
async fn who_may_see_nothing_finds_nothing() {
    let google = Served::new().await;
    let search = google
        .request(Method::GET, "/v3/projects:search")
        .bearer_auth("bob@example.com");
    assert_eq!(answer(search).await, (200, json!({})));
    let search = google
        .request(Method::GET, "/v3/projects:search")
        .bearer_auth("alice@example.com");
    assert_eq!(
        ids(&answer(search).await.1),
        ["web-prod"],
        "a viewer sees the project"
    );
}

#[tokio::test]
async fn roles_are_read_listed_and_grantable() {
    let google = Served::new().await;
    let role = google.ok("/v1/roles/compute.instanceAdmin.v1").await;
    assert_eq!(role["title"], "Compute Instance Admin (v1)");
    assert!(
        role["includedPermissions"]
            .as_array()
            .unwrap()
            .contains(&json!("compute.instances.reset"))
    );
    assert_eq!(
        google.ok("/v1/projects/web-prod/roles/own").await["title"],
        "Own"
    );
    let (status, body) = google.get("/v1/roles/no.such").await;
    assert_eq!(
        (status, sentence(&body)),
        (404, "The role named roles/no.such was not found.")
    );
    assert_eq!(
        google.ok("/v1/projects/web-prod/roles?view=FULL").await["roles"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        google.ok("/v1/roles?pageSize=5").await["roles"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let names = |body: &Value| -> Vec<String> {
        body["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let query = |name: &str| json!({"fullResourceName": format!("//cloudresourcemanager.googleapis.com/{name}"), "pageSize": 1000});
    let (_, on_project) = google
        .post("/v1/roles:queryGrantableRoles", query("projects/web-prod"))
        .await;
    let (_, on_folder) = google
        .post("/v1/roles:queryGrantableRoles", query("folders/10"))
        .await;
    assert!(names(&on_project).contains(&"projects/web-prod/roles/own".to_owned()));
    assert!(!names(&on_project).contains(&"roles/resourcemanager.folderAdmin".to_owned()));
    assert!(names(&on_folder).contains(&"roles/resourcemanager.folderAdmin".to_owned()));
}

#[tokio::test]
async fn the_linter_speaks_of_errors_complexity_and_past_times() {
    let google = Served::new().await;
    for (expression, unit) in [
        ("request.time <", Some("ConditionCompileCheck")),
        (
            &vec!["true"; 14].join(" && "),
            Some("ConditionComplexityCheck"),
        ),
        (
            r#"request.time < timestamp("2020-01-01T00:00:00Z")"#,
            Some("DateTimeCheck"),
        ),
        (r#"request.time < timestamp("2999-01-01T00:00:00Z")"#, None),
    ] {
        let (status, body) = google
            .post(
                "/v1/iamPolicies:lintPolicy",
                json!({"condition": {"expression": expression}}),
            )
            .await;
        assert_eq!(status, 200);
        let found = body["lintResults"][0]["validationUnitName"]
            .as_str()
            .and_then(|name| name.rsplit('/').next());
        assert_eq!(found, unit, "{body}");
    }
}

#[tokio::test]
async fn published_messages_are_kept() {
    let google = Served::new().await;
    let message = json!({"messages": [{"data": "aGVsbG8=", "attributes": {"state": "Active"}}]});
    let (status, body) = google
        .post("/v1/projects/web-prod/topics/jit:publish", message.clone())
        .await;
    assert_eq!((status, body), (200, json!({"messageIds": ["1"]})));
    let kept = google
        .ok("/control/messages?topic=projects/web-prod/topics/jit")
        .await;
    assert_eq!(kept["messages"][0]["attributes"]["state"], "Active");
    let (status, body) = google
        .post("/v1/projects/web-prod/topics/none:publish", message)
        .await;
    assert_eq!(
        (status, sentence(&body)),
        (404, "Resource not found (resource=none).")
    );
    assert_eq!(
        google
            .put("/v1/projects/web-prod/topics/none", json!({}))
            .await
            .0,
        200
    );
    assert_eq!(
        google
            .post(
                "/v1/projects/web-prod/topics/none:publish",
                json!({"messages": [{}]})
            )
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn the_metadata_server_answers_those_who_mean_it() {
    let google = Served::new().await;
    let path = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=a,b";
    assert_eq!(google.get(path).await.0, 403);
    let asked = |path: &str| {
        google
            .request(Method::GET, path)
            .header("metadata-flavor", "Google")
    };
    let (_, token) = answer(asked(path)).await;
    assert_eq!(
        (token["expires_in"].as_u64(), token["token_type"].as_str()),
        (Some(3_599), Some("Bearer"))
    );
    let response = asked("/computeMetadata/v1/universe/universe-domain")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["metadata-flavor"], "Google");
    assert_eq!(response.text().await.unwrap(), "googleapis.com");
    let token = token["access_token"].as_str().unwrap().to_owned();
    let read = google
        .request(Method::GET, "/v3/projects/web-prod")
        .bearer_auth(token);
    assert_eq!(
        answer(read).await.0,
        200,
        "the metadata server's account is the administrator"
    );
}
