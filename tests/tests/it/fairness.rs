//! One person's many requests hold up nobody, and cost Google nothing.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::{AccessState, CREATED_BY_ANNOTATION};
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::{Case, Person};
use jit_access_tests::eventually::{eventually, never};
use jit_access_tests::request::Request;
use kube::api::ListParams;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn attack_26_requests_that_were_too_many_are_kept_for_a_while_and_only_some() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--max-hourly=1"])).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("first", &alice, ADMIN))
        .await?;
    case.wait_for("first", AccessState::Active).await?;
    let before = case.calls("getIamPolicy", &case.project).await?.len();
    for number in 0..24 {
        let name = format!("more-{number}");
        case.submit(&alice, &case.request(&name, &alice, ADMIN))
            .await?;
    }
    let counts = async || {
        let all = case.requests().list(&ListParams::default()).await?;
        let failed = all
            .iter()
            .filter(|it| jit_access_tests::case::state(it) == Some(AccessState::Failed));
        anyhow::Ok((all.items.len(), failed.count()))
    };
    eventually(SOON, async || {
        Ok((counts().await? == (21, 20)).then_some(()))
    })
    .await?;
    never(Duration::from_secs(1), async || {
        let now = counts().await?;
        Ok((now != (21, 20)).then_some(now))
    })
    .await?;
    let after = case.calls("getIamPolicy", &case.project).await?.len();
    assert_eq!(after, before, "nothing was asked for those");
    Ok(())
}

#[tokio::test]
async fn what_a_program_asks_for_a_person_counts_apart() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--max-open=1"])).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let (one, two) = (
        case.program("git", "one").await?,
        case.program("git", "two").await?,
    );
    case.set_up(&case.namespace, ORGANIZATION, &[&one.email, &two.email])
        .await?;
    let start = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let start = start.to_string();
    let asked = |name: &str, maker: &Person| {
        let request = case.request(name, &alice, ADMIN);
        if maker.email == alice.email {
            return request;
        }
        request
            .annotation(CREATED_BY_ANNOTATION, &maker.email)
            .start_time(&start)
    };
    for (name, maker) in [("own", &alice), ("one", &one), ("two", &two)] {
        case.submit(maker, &asked(name, maker)).await?;
        case.wait_for(name, AccessState::Active).await?;
    }
    for (name, maker) in [("own-2", &alice), ("one-2", &one)] {
        let request = asked(name, maker);
        let message = case.outcome(maker, &request, AccessState::Failed).await?;
        assert!(message.contains("1 of yours are not finished"), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn attack_26_two_requests_of_one_person_are_in_work_and_others_go_on() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    case.eligible(&bob, ADMIN).await?;
    let mut projects = Vec::new();
    for _ in 0..4 {
        let project = case.project_in(ORGANIZATION).await?;
        case.bind(
            &project,
            ADMIN,
            &alice.member(),
            Some(jit_access_tests::case::SELF),
        )
        .await?;
        let hold = json!({
            "method": "getIamPolicy", "resource": project, "hold": "before", "count": 1,
        });
        case.bench.simulator.fault(&hold).await?;
        projects.push(project);
    }
    for (number, project) in projects.iter().enumerate() {
        let request = Request::new(&format!("many-{number}"), &alice.email, project, ADMIN);
        case.submit(&alice, &request).await?;
    }
    let held = async || {
        let held = case.bench.simulator.held().await?;
        let held = held
            .into_iter()
            .filter(|call| projects.contains(&call.resource));
        anyhow::Ok(held.collect::<Vec<_>>())
    };
    eventually(SOON, async || Ok((held().await?.len() == 2).then_some(()))).await?;
    case.submit(&bob, &case.request("bobs", &bob, ADMIN))
        .await?;
    case.wait_for("bobs", AccessState::Active).await?;
    never(Duration::from_secs(2), async || {
        let held = held().await?;
        Ok((held.len() != 2).then_some(held))
    })
    .await?;
    // As one is done, the next has its turn.
    for number in 0..projects.len() {
        let next = eventually(SOON, async || Ok(held().await?.pop())).await?;
        case.bench.simulator.release(Some(&next.id)).await?;
        assert!(held().await?.len() <= 2, "{number}");
    }
    for number in 0..projects.len() {
        case.wait_for(&format!("many-{number}"), AccessState::Active)
            .await?;
    }
    Ok(())
}
