//! What is read from Google before anything is decided: faults of it refuse nobody and admit nobody,
//! and it is read once for all who need the same.

use std::time::{Duration, Instant};

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::request::Request;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

async fn new() -> Result<(Case<'static>, Person)> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    Ok((case, alice))
}

async fn is_granted_once(case: &Case<'_>, project: &str) -> Result<()> {
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(case.grants(project).await?.len(), 1);
    assert_eq!(case.calls("setIamPolicy", project).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fault_2_a_body_that_is_cut_off_is_read_again() -> Result<()> {
    let (case, alice) = new().await?;
    let _once = case
        .fault("getIamPolicy", json!({"truncate": true, "count": 1}))
        .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    is_granted_once(&case, &case.project).await?;
    assert!(case.calls("getIamPolicy", &case.project).await?.len() > 1);
    Ok(())
}

#[tokio::test]
async fn fault_2_an_outage_is_said_and_waited_for() -> Result<()> {
    let (case, alice) = new().await?;
    let down = case.fault("getIamPolicy", json!({"status": 503})).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    let request = case.wait_for("disk", AccessState::Retrying).await?;
    let message = &condition(&request, "Granted")?.message;
    assert!(
        message.contains(&case.project) && message.contains("HTTP 503"),
        "{message}"
    );
    assert_eq!(condition(&request, "Reconciling")?.status, "True");
    down.lift().await?;
    is_granted_once(&case, &case.project).await
}

/// Waits for the time-outs of two attempts to read, which are 10 seconds each.
#[tokio::test]
async fn fault_2_a_read_that_hangs_is_said_and_made_again() -> Result<()> {
    let (case, alice) = new().await?;
    let hang = case.fault("getIamPolicy", json!({"hang": true})).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains("did not answer within 10 s") && message.contains(&case.project),
        "{message}"
    );
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    hang.lift().await?;
    is_granted_once(&case, &case.project).await
}

#[tokio::test]
async fn fault_2_a_quota_for_reading_is_waited_for_as_long_as_google_asks() -> Result<()> {
    let (case, alice) = new().await?;
    let effect = json!({"status": 429, "retryAfterSeconds": 3, "count": 1});
    let _once = case.fault("getIamPolicy", effect).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    is_granted_once(&case, &case.project).await?;
    let reads = case.calls("getIamPolicy", &case.project).await?;
    assert_eq!(reads[0].status, 429);
    let at = |n: usize| reads[n].time.parse::<jiff::Timestamp>();
    let pause = at(1)?.duration_since(at(0)?);
    assert!(
        pause >= jiff::SignedDuration::from_secs(3),
        "after {pause:?}"
    );
    Ok(())
}

#[tokio::test]
async fn attack_10_groups_that_cannot_be_looked_up_refuse_nobody_and_admit_nobody() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let group = case.group(&[&alice.member()]).await?;
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    let effect = json!({"status": 500});
    let down = case
        .fault_on("searchTransitiveGroups", &alice.email, effect)
        .await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains("groups") && message.contains(&alice.email),
        "{message}"
    );
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    down.lift().await?;
    is_granted_once(&case, &case.project).await
}

/// A refusal by the project itself is an answer; one by an ancestor, whatever it is, is not.
#[tokio::test]
async fn attack_10_an_ancestor_that_cannot_be_read_is_named_and_waited_for() -> Result<()> {
    for (method, status) in [
        ("getIamPolicy", 403),
        ("getIamPolicy", 503),
        ("folders.get", 403),
        ("folders.get", 404),
    ] {
        let (case, alice) = new().await?;
        let folder = case.folder(ORGANIZATION).await?;
        let project = case.project_in(&folder).await?;
        case.bind(&project, ADMIN, &alice.member(), Some(SELF))
            .await?;
        let fault = case
            .fault_on(method, &folder, json!({"status": status}))
            .await?;
        let request = Request::new("disk", &alice.email, &project, ADMIN);
        let message = case
            .outcome(&alice, &request, AccessState::Retrying)
            .await?;
        assert!(message.contains(&folder), "{method} {status}: {message}");
        assert_eq!(case.calls("setIamPolicy", &project).await?.len(), 0);
        fault.lift().await?;
        is_granted_once(&case, &project).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_a_project_whose_place_cannot_be_looked_up_for_now() -> Result<()> {
    let (case, alice) = new().await?;
    let down = case.fault("projects.get", json!({"status": 503})).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains(&case.project) && message.contains("hierarchy"),
        "{message}"
    );
    // Whether it is within the scope is not known, so its policy is not read.
    assert_eq!(case.calls("getIamPolicy", &case.project).await?.len(), 0);
    down.lift().await?;
    is_granted_once(&case, &case.project).await
}

#[tokio::test]
async fn fault_3_a_clock_that_is_off_decides_no_window() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    bench.simulator.set_clock(300).await?;
    let request = case.request("disk", &alice, ADMIN);
    let message = case
        .outcome(&alice, &request, AccessState::Retrying)
        .await?;
    assert!(
        message.contains("seconds behind Google's") && message.contains("synchronise"),
        "{message}"
    );
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    bench.simulator.set_clock(0).await?;
    is_granted_once(&case, &case.project).await
}

#[tokio::test]
async fn an_edition_without_a_search_for_nested_groups_takes_a_call_for_each_group() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    bench
        .simulator
        .add(&json!({"premiumGroups": false}))
        .await?;
    let case = Case::new(&bench).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    let mut groups = vec![case.group(&[&alice.member(), &bob.member()]).await?];
    for n in 0..2 {
        let group = case.group(&[&format!("group:{}", groups[n])]).await?;
        groups.push(group);
    }
    let outermost = format!("group:{}", groups[2]);
    case.bind(&case.project, ADMIN, &outermost, Some(SELF))
        .await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    is_granted_once(&case, &case.project).await?;
    assert!(case.has_role(&alice, &case.project, ADMIN).await?);
    let log = bench.controller()?.process().output();
    assert!(log.contains("cannot search for nested groups"), "{log}");
    // One refusal is enough to know it, and it is walked up from each group once.
    case.submit(&bob, &case.request("bob", &bob, ADMIN)).await?;
    case.wait_for("bob", AccessState::Active).await?;
    let calls = async |method: &str, address: &str| {
        Ok::<_, anyhow::Error>(case.calls(method, address).await?.len())
    };
    assert_eq!(calls("searchTransitiveGroups", &alice.email).await?, 1);
    assert_eq!(calls("searchTransitiveGroups", &bob.email).await?, 0);
    for person in [&alice, &bob] {
        assert_eq!(calls("searchDirectGroups", &person.email).await?, 1);
    }
    for group in &groups {
        assert_eq!(calls("searchDirectGroups", group).await?, 2, "{group}");
    }
    Ok(())
}

/// Without a window that it could miss, a request is tried for as long as its approval may take.
#[tokio::test]
async fn fault_2_what_cannot_be_read_for_too_long_fails_with_the_last_cause() -> Result<()> {
    let bench = Bench::start(Setup {
        controller_flags: vec!["--approval-timeout=6s".to_owned()],
        ..Setup::default()
    })
    .await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let effect = json!({"status": 503, "message": "The zone is on fire."});
    let down = case.fault("getIamPolicy", effect).await?;
    let request = case.request("disk", &alice, ADMIN);
    case.outcome(&alice, &request, AccessState::Retrying)
        .await?;
    let request = case.wait_for("disk", AccessState::Failed).await?;
    let message = &condition(&request, "Granted")?.message;
    for words in [
        "given up after 6s of trying; the last try: Google could not read the IAM policy of",
        &case.project,
        "Google said: \"The zone is on fire\"",
    ] {
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
    down.lift().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    case.wait_for("disk", AccessState::Failed).await?;
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

/// How many readings so much time allows: each serves for five seconds.
fn readings_since(began: Instant) -> usize {
    1 + usize::try_from(began.elapsed().as_secs() / 5).unwrap_or(usize::MAX - 1)
}

/// A project in a folder in a folder, with a role for whoever is in the group through another group.
async fn deep(case: &mut Case<'_>, people: &[&Person]) -> Result<[String; 2]> {
    let members: Vec<String> = people.iter().map(|person| person.member()).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let inner_group = case.group(&members).await?;
    let group = case.group(&[&format!("group:{inner_group}")]).await?;
    let outer = case.folder(ORGANIZATION).await?;
    let inner = case.folder(&outer).await?;
    case.project = case.project_in(&inner).await?;
    case.bind(&outer, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    Ok([inner, outer])
}

#[tokio::test]
async fn people_who_ask_at_once_share_all_readings_but_that_of_their_own_groups() -> Result<()> {
    let mut case = Case::new(Bench::shared().await?).await?;
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(case.person(&format!("p{n}")).await?);
    }
    let everybody: Vec<&Person> = people.iter().collect();
    let folders = deep(&mut case, &everybody).await?;
    let began = Instant::now();
    let request = |n: usize| case.request(&format!("r{n}"), &people[n], ADMIN);
    let rest: Vec<_> = (1..6).map(|n| (&people[n], request(n))).collect();
    case.in_one_write((&people[0], request(0)), &rest).await?;
    for n in 0..6 {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    let most = readings_since(began);
    assert_eq!(case.grants(&case.project).await?.len(), 6);
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 2);
    // Once for each write, and again where an ancestor's policy became too old meanwhile.
    let reads = case.calls("getIamPolicy", &case.project).await?.len();
    assert!((2..=1 + most).contains(&reads), "{reads} readings");
    for person in &people {
        let look_ups = case.calls("searchTransitiveGroups", &person.email).await?;
        assert_eq!(look_ups.len(), 1, "{}", person.email);
    }
    assert_eq!(case.calls("projects.get", &case.project).await?.len(), 1);
    for folder in &folders {
        assert_eq!(case.calls("folders.get", folder).await?.len(), 1);
        let reads = case.calls("getIamPolicy", folder).await?.len();
        assert!(
            (1..=most).contains(&reads),
            "{reads} readings of {folder}, {most} allowed"
        );
    }
    Ok(())
}

#[tokio::test]
async fn one_persons_requests_share_one_look_up_of_groups() -> Result<()> {
    let mut case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let folders = deep(&mut case, &[&alice]).await?;
    let began = Instant::now();
    for n in 0..5 {
        case.submit(&alice, &case.request(&format!("r{n}"), &alice, ADMIN))
            .await?;
    }
    for n in 0..5 {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    let most = readings_since(began);
    assert_eq!(case.grants(&case.project).await?.len(), 5);
    let mut all = vec![("searchTransitiveGroups", &alice.email)];
    all.extend(folders.iter().map(|folder| ("getIamPolicy", folder)));
    for (method, of) in all {
        let reads = case.calls(method, of).await?.len();
        assert!(
            (1..=most).contains(&reads),
            "{reads} times {method} of {of}, {most} allowed"
        );
    }
    Ok(())
}
