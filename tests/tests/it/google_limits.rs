//! What Google's limits and rules refuse: a sentence says which, with the number; others go on, and what
//! can be counted is not even sent. And what several requests' write does besides.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::{Case, Person, SELF, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use kube::api::ListParams;
use serde_json::{Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/compute.viewer";
const SOON: Duration = Duration::from_secs(30);

async fn new() -> Result<(Case<'static>, Vec<Person>)> {
    let case = Case::new(Bench::shared().await?).await?;
    let mut people = Vec::new();
    for name in ["opener", "alice", "bob", "carol"] {
        people.push(case.person(name).await?);
    }
    Ok((case, people))
}

async fn everybody_eligible(case: &Case<'_>, people: &[Person]) -> Result<()> {
    for person in people {
        case.eligible(person, ADMIN).await?;
    }
    Ok(())
}

/// So many bindings' or members' worth of others in the policy.
async fn add_to_policy(case: &Case<'_>, bindings: impl IntoIterator<Item = Value>) -> Result<()> {
    let mut policy = case.bench.simulator.policy(&case.project).await?;
    policy["bindings"]
        .as_array_mut()
        .context("bindings")?
        .extend(bindings);
    case.bench
        .simulator
        .set_policy(&case.project, &policy)
        .await
}

async fn writes(case: &Case<'_>) -> Result<usize> {
    Ok(case.calls("setIamPolicy", &case.project).await?.len())
}

async fn message(case: &Case<'_>, name: &str, state: AccessState) -> Result<String> {
    let request = case.wait_for(name, state).await?;
    Ok(condition(&request, "Granted")?.message.clone())
}

fn contains_all(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn fault_6_the_last_of_1500_principals_is_granted_and_the_next_is_not() -> Result<()> {
    let (case, people) = new().await?;
    let members: Vec<String> = people.iter().map(Person::member).collect();
    let group = case
        .group(&members.iter().map(String::as_str).collect::<Vec<_>>())
        .await?;
    case.bind(&case.project, ADMIN, &format!("group:{group}"), Some(SELF))
        .await?;
    // With the group 1,498, and with the opener 1,499.
    let others: Vec<String> = (0..1_497)
        .map(|n| format!("user:m{n}@example.com"))
        .collect();
    add_to_policy(&case, [json!({"role": VIEWER, "members": others})]).await?;
    let [opener, alice, bob, _] = people.as_slice() else {
        anyhow::bail!("four people");
    };
    let request = |name, person| case.request(name, person, ADMIN);
    case.in_one_write(
        (opener, request("opener", opener)),
        &[(alice, request("a", alice)), (bob, request("b", bob))],
    )
    .await?;
    case.wait_for("opener", AccessState::Active).await?;
    // Which of the two comes first is open.
    let mut states = Vec::new();
    for name in ["a", "b"] {
        let (state, message) = eventually(SOON, async || {
            let request = case.requests().get(name).await?;
            let state = jit_access_tests::case::state(&request);
            let decided = state
                .filter(|state| *state == AccessState::Active || *state == AccessState::Failed);
            let message = condition(&request, "Granted")?.message.clone();
            Ok(decided.map(|state| (state, message)))
        })
        .await?;
        if state == AccessState::Failed {
            contains_all(&message, &["1,501 principals", "1,500", &case.project]);
        }
        states.push(state);
    }
    states.sort_by_key(|state| *state == AccessState::Failed);
    assert_eq!(states, [AccessState::Active, AccessState::Failed]);
    assert_eq!(case.grants(&case.project).await?.len(), 2);
    assert_eq!(writes(&case).await?, 2);
    Ok(())
}

#[tokio::test]
async fn fault_6_a_policy_with_more_than_250_groups() -> Result<()> {
    let (case, people) = new().await?;
    let alice = &people[1];
    case.eligible(alice, ADMIN).await?;
    let groups: Vec<String> = (0..251)
        .map(|n| format!("group:g{n}@example.com"))
        .collect();
    add_to_policy(&case, [json!({"role": VIEWER, "members": groups})]).await?;
    let request = case.request("full", alice, ADMIN);
    let message = case.outcome(alice, &request, AccessState::Failed).await?;
    contains_all(&message, &["251 groups", "250", &case.project]);
    assert_eq!(writes(&case).await?, 0);
    // Elsewhere she is granted what she asks for.
    let other = case.project_in(ORGANIZATION).await?;
    case.bind(&other, ADMIN, &alice.member(), Some(SELF))
        .await?;
    case.submit(alice, &Request::new("other", &alice.email, &other, ADMIN))
        .await?;
    case.wait_for("other", AccessState::Active).await.map(drop)
}

#[tokio::test]
async fn fault_6_the_21st_binding_of_the_same_role_and_person() -> Result<()> {
    let (case, people) = new().await?;
    everybody_eligible(&case, &people).await?;
    let (alice, bob) = (&people[1], &people[2]);
    // With the marker's own binding that makes 19.
    add_to_policy(
        &case,
        (0..18).map(|n| {
            json!({"role": ADMIN, "members": [alice.member()],
                   "condition": {"title": "by a test", "expression": format!("resource.name == \"{n}\"")}})
        }),
    )
    .await?;
    let request = |name, person| case.request(name, person, ADMIN);
    case.in_one_write(
        (alice, request("twentieth", alice)),
        &[(alice, request("next", alice)), (bob, request("fine", bob))],
    )
    .await?;
    for name in ["twentieth", "fine"] {
        case.wait_for(name, AccessState::Active).await?;
    }
    let message = message(&case, "next", AccessState::Failed).await?;
    contains_all(&message, &["21 bindings", ADMIN, "allows 20", &alice.email]);
    assert_eq!(writes(&case).await?, 2);
    Ok(())
}

#[tokio::test]
async fn fault_6_more_than_12_logical_operators() -> Result<()> {
    let (case, people) = new().await?;
    everybody_eligible(&case, &people).await?;
    let alice = &people[1];
    // Each term is one operator, which joins it to the window's two or to the next term.
    let condition = |terms: usize| {
        let terms: Vec<_> = (0..terms)
            .map(|n| format!("resource.name != \"{n}\""))
            .collect();
        terms.join(" && ")
    };
    let request = case.request("many", alice, ADMIN).condition(&condition(12));
    let message = case.outcome(alice, &request, AccessState::Failed).await?;
    contains_all(
        &message,
        &["13 logical operators", "allows 12", "11 in spec.condition"],
    );
    assert_eq!(writes(&case).await?, 0);
    let request = case.request("most", alice, ADMIN).condition(&condition(11));
    case.submit(alice, &request).await?;
    case.wait_for("most", AccessState::Active).await?;
    assert_eq!(writes(&case).await?, 1);
    Ok(())
}

/// In a write of four, the request that Google refuses is found; `role` is granted to nobody.
async fn only_the_refused_one_fails(
    case: &Case<'_>,
    people: &[Person],
    role: &str,
    words: &[&str],
) -> Result<()> {
    let [opener, alice, bob, carol] = people else {
        anyhow::bail!("four people");
    };
    let request = |name, person, role| case.request(name, person, role);
    case.in_one_write(
        (opener, request("opener", opener, ADMIN)),
        &[
            (bob, request("before", bob, ADMIN)),
            (alice, request("refused", alice, role)),
            (carol, request("after", carol, ADMIN)),
        ],
    )
    .await?;
    for name in ["opener", "before", "after"] {
        case.wait_for(name, AccessState::Active).await?;
    }
    let message = message(case, "refused", AccessState::Failed).await?;
    contains_all(&message, words);
    let grants = case.grants(&case.project).await?;
    assert_eq!(grants.len(), 3);
    assert!(grants.iter().all(|grant| grant["role"] == ADMIN));
    // The opener's; all three; then, at most, each half of what is refused, and what is left alone once
    // more, since a 403 may mean a limit on which roles one write may touch.
    let writes = writes(case).await?;
    assert!((4..=7).contains(&writes), "{writes} writes");
    // An addition that is refused alone is not tried again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        case.calls("setIamPolicy", &case.project).await?.len(),
        writes
    );
    Ok(())
}

#[tokio::test]
async fn fault_2_of_many_requests_only_the_one_that_google_refuses_fails() -> Result<()> {
    for (status, words) in [
        (400, "something in the policy is invalid"),
        (403, "lacks the permission"),
        (413, "the request is too large"),
    ] {
        let (case, people) = new().await?;
        everybody_eligible(&case, &people).await?;
        case.eligible(&people[1], VIEWER).await?;
        let said = "Not this one";
        let effect = json!({"role": VIEWER, "status": status, "message": said});
        let _refusal = case.fault("setIamPolicy", effect).await?;
        let words = [words, said, &case.project];
        only_the_refused_one_fails(&case, &people, VIEWER, &words)
            .await
            .with_context(|| format!("status {status}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_2_a_policy_that_google_does_not_take_at_all_costs_few_writes() -> Result<()> {
    let (case, people) = new().await?;
    everybody_eligible(&case, &people).await?;
    for person in &people[1..] {
        case.eligible(person, VIEWER).await?;
    }
    // Somebody else's binding, which Google refuses in every write.
    let odd = json!({"role": "roles/viewer", "members": ["allAuthenticatedUsers"]});
    add_to_policy(&case, [odd]).await?;
    let request = |name: &str, person: &Person| case.request(name, person, ADMIN);
    let opener = (&people[0], request("opener", &people[0]));
    let together: Vec<(&Person, Request)> = people[1..]
        .iter()
        .flat_map(|person| ["one", "two"].map(|name| (person, name)))
        .enumerate()
        .map(|(n, (person, name))| {
            let request = request(&format!("{name}-{n}"), person);
            (person, request.role(VIEWER))
        })
        .collect();
    case.in_one_write(opener, &together).await?;
    for (_, request) in &together {
        let message = message(&case, request.name(), AccessState::Failed).await?;
        let words = [
            "even as it is, which is no fault of this request",
            "allAuthenticatedUsers",
            &case.project,
        ];
        contains_all(&message, &words);
        assert!(
            !message.contains(VIEWER) && !message.contains(ADMIN),
            "{message}"
        );
    }
    // The opener's write, that of all the others, and the policy as it is.
    assert_eq!(writes(&case).await?, 3);
    Ok(())
}

#[tokio::test]
async fn fault_6_a_basic_role_which_takes_no_condition() -> Result<()> {
    let (mut case, people) = new().await?;
    // Eligible by the folder's policy: Google would accept no write to one that has such a binding.
    let folder = case.folder(ORGANIZATION).await?;
    case.project = case.project_in(&folder).await?;
    everybody_eligible(&case, &people).await?;
    for role in ["roles/owner", "roles/editor", "roles/viewer"] {
        case.bind(&folder, role, &people[1].member(), Some(SELF))
            .await?;
    }
    let words = ["Conditions can't be set on primitive roles", &case.project];
    only_the_refused_one_fails(&case, &people, "roles/owner", &words).await?;
    for role in ["roles/editor", "roles/viewer"] {
        let name = role.trim_start_matches("roles/");
        let request = case.request(name, &people[1], role);
        let message = case
            .outcome(&people[1], &request, AccessState::Failed)
            .await?;
        contains_all(&message, &words);
    }
    Ok(())
}

#[tokio::test]
async fn fault_6_a_role_that_cannot_be_granted_on_a_project() -> Result<()> {
    let (mut case, people) = new().await?;
    let folder = case.folder(ORGANIZATION).await?;
    case.project = case.project_in(&folder).await?;
    everybody_eligible(&case, &people).await?;
    let role = "roles/resourcemanager.organizationAdmin";
    case.bind(&folder, role, &people[1].member(), Some(SELF))
        .await?;
    let sentence = format!("Role {role} is not supported for this resource");
    only_the_refused_one_fails(&case, &people, role, &[&sentence, &case.project]).await
}

fn over(title: &str, member: &str) -> Value {
    json!({
        "role": VIEWER,
        "members": [member],
        "condition": {
            "title": title,
            "expression": "request.time >= timestamp(\"2026-01-01T00:00:00Z\") && \
                           request.time < timestamp(\"2026-01-01T00:30:00Z\")",
        },
    })
}

#[tokio::test]
async fn attack_16_what_is_over_of_ours_goes_with_the_next_grant() -> Result<()> {
    let (case, people) = new().await?;
    let alice = &people[1];
    case.eligible(alice, ADMIN).await?;
    let ours = |digit: char| format!("jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae{digit}");
    let mut running = over(&ours('3'), "user:running@example.com");
    running["condition"]["expression"] =
        json!("request.time < timestamp(\"2090-01-01T00:00:00Z\")");
    let others = over("a project of ours", "user:other@example.com");
    let kept = [running, others];
    add_to_policy(
        &case,
        [
            over(&ours('1'), "user:first@example.com"),
            kept[0].clone(),
            over(&ours('2'), "user:second@example.com"),
            kept[1].clone(),
        ],
    )
    .await?;
    case.submit(alice, &case.request("disk", alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    assert_eq!(writes(&case).await?, 1);
    let policy = case.bench.simulator.policy(&case.project).await?;
    let left: Vec<&Value> = policy["bindings"]
        .as_array()
        .context("bindings")?
        .iter()
        .filter(|binding| binding["role"] == VIEWER)
        .collect();
    assert_eq!(left, [&kept[0], &kept[1]]);
    Ok(())
}

#[tokio::test]
async fn attack_16_what_expires_in_one_round_goes_in_one_write() -> Result<()> {
    const ROUND: i64 = 10;
    let bench = Bench::start(Setup {
        controller_flags: vec![format!("--round-interval={ROUND}s")],
        ..Setup::default()
    })
    .await?;
    let case = Case::new(&bench).await?;
    let mut people = Vec::new();
    for n in 0..5 {
        let person = case.person(&format!("p{n}")).await?;
        case.eligible(&person, ADMIN).await?;
        people.push(person);
    }
    for (n, person) in people.iter().enumerate() {
        let request = case.request(&format!("r{n}"), person, ADMIN);
        case.submit(person, &request.duration("20s")).await?;
    }
    for n in 0..people.len() {
        case.wait_for(&format!("r{n}"), AccessState::Active).await?;
    }
    let granted = writes(&case).await?;
    let mut ends = Vec::new();
    for n in 0..people.len() {
        let request = case
            .wait_for(&format!("r{n}"), AccessState::Expired)
            .await?;
        let grant = request.status.and_then(|status| status.grant);
        let end: jiff::Timestamp = grant.context("a grant")?.expire_time.parse()?;
        ends.push(end.as_second());
    }
    eventually(SOON, async || {
        let requests = case.requests().list(&ListParams::default()).await?;
        let is_released = |request: &AccessRequest| request.metadata.finalizers.is_none();
        Ok(requests.items.iter().all(is_released).then_some(()))
    })
    .await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    let rounds: BTreeSet<i64> = ends.iter().map(|end| end.div_euclid(ROUND)).collect();
    // What ends in the very second of a round comes to it a moment too late, or goes with the next.
    let late = ends.iter().filter(|end| *end % ROUND == 0).count();
    let calls = case.calls("setIamPolicy", &case.project).await?;
    // A removal that came while the policy was read for another request makes that one's write stale,
    // which Google refuses: it changes nothing.
    let removals: Vec<_> = calls[granted..]
        .iter()
        .filter(|call| call.status == 200)
        .map(|call| &call.time)
        .collect();
    assert!(
        (1..=rounds.len() + late).contains(&removals.len()),
        "{removals:?} for what ended at {ends:?}"
    );
    Ok(())
}
