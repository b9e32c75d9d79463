//! Many people at once.

use anyhow::Result;
use futures::future::try_join_all;
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, SELF};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

#[tokio::test]
async fn two_hundred_people_at_once_on_one_project() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let people: Vec<String> = (0..200)
        .map(|n| format!("p{n}-{}@example.com", case.id))
        .collect();
    bench.simulator.add(&json!({"users": people})).await?;
    let members: Vec<String> = people.iter().map(|email| format!("user:{email}")).collect();
    let group = case
        .group(&members.iter().map(String::as_str).collect::<Vec<_>>())
        .await?;
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    bench.simulator.set_latency(50).await?;

    let api: Api<AccessRequest> = case.requests().clone();
    try_join_all(people.iter().enumerate().map(|(n, email)| {
        let manifest =
            jit_access_tests::request::Request::new(&format!("r{n}"), email, &case.project, ADMIN)
                .manifest();
        let api = api.clone();
        async move {
            let request: AccessRequest = serde_json::from_value(manifest)?;
            api.create(&PostParams::default(), &request).await?;
            Ok::<_, anyhow::Error>(())
        }
    }))
    .await?;
    for n in 0..people.len() {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    assert_eq!(case.grants(&case.project).await?.len(), 200);
    let writes = case.calls("setIamPolicy", &case.project).await?.len();
    assert!(writes <= 20, "{writes} writes");
    Ok(())
}
