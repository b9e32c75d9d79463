//! What the admission policy withstands beyond the truth table: floods, and a full object.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person};
use serde_json::{Map, Value, json};

const ADMIN: &str = "roles/compute.instanceAdmin.v1";

async fn three() -> Result<(Case<'static>, [Person; 3])> {
    let case = Case::new(Bench::shared().await?).await?;
    let people = [
        case.person("alice").await?,
        case.person("bob").await?,
        case.person("carol").await?,
    ];
    for person in &people {
        case.peer_eligible(person, ADMIN).await?;
    }
    let [alice, bob, carol] = &people;
    let request = case.request("disk", alice, ADMIN);
    case.submit(alice, &request.reviewers(&[&bob.email, &carol.email]))
        .await?;
    case.wait_for("disk", AccessState::AwaitingApproval).await?;
    Ok((case, people))
}

async fn patch(person: &Person, metadata: Value) -> Result<jit_access_tests::kubectl::Printed> {
    let patch = json!({"metadata": metadata}).to_string();
    // It is longer than a command line may be.
    let arguments = [
        "patch",
        "areq",
        "disk",
        "--type=merge",
        "--patch-file=/dev/stdin",
    ];
    person.kubectl.run_with(&arguments, &patch).await
}

fn many(count: usize, length: usize) -> Map<String, Value> {
    (0..count)
        .map(|number| (format!("a{number:x}"), "x".repeat(length).into()))
        .collect()
}

#[tokio::test]
async fn attack_26_a_flood_of_annotations_is_refused_and_everybody_goes_on() -> Result<()> {
    let (case, [alice, bob, _]) = three().await?;
    let refusal = patch(&alice, json!({"annotations": many(40_000, 0)}))
        .await?
        .refusal()?;
    assert!(refusal.contains("at most 64 annotations"), "{refusal}");
    let refusal = patch(&alice, json!({"labels": many(65, 1)}))
        .await?
        .refusal()?;
    assert!(refusal.contains("64 labels"), "{refusal}");
    let key = "denied-by.jit-access.dev/bob";
    bob.annotate("disk", key, &bob.email).await?.success()?;
    case.wait_for("disk", AccessState::Denied).await?;
    Ok(())
}

#[tokio::test]
async fn attack_26_in_an_object_that_is_full_a_denial_finds_room() -> Result<()> {
    let (case, [alice, bob, carol]) = three().await?;
    // Beside what kubectl apply keeps there.
    let full = json!({"annotations": many(15, 1_900), "labels": many(64, 60)});
    patch(&alice, full).await?.success()?;
    let one_more = json!({"annotations": {"one-more": "x"}});
    let refusal = patch(&alice, one_more).await?.refusal()?;
    assert!(refusal.contains("at most 16 annotations"), "{refusal}");
    // Decisions of Alice's own do not fill it either: she has one.
    let revoked = format!("{}: {}", alice.email, "x".repeat(400));
    let key = |name: &str| format!("revoked-by.jit-access.dev/{name}");
    alice
        .annotate("disk", &key("a"), &revoked)
        .await?
        .success()?;
    let refusal = alice
        .annotate("disk", &key("b"), &revoked)
        .await?
        .refusal()?;
    assert!(refusal.contains("one decision of each kind"), "{refusal}");
    case.wait_for("disk", AccessState::Revoked).await?;
    for reviewer in [&bob, &carol] {
        let value = format!("{}: {}", reviewer.email, "x".repeat(400));
        let key = format!("denied-by.jit-access.dev/{}", &reviewer.email[..3]);
        reviewer.annotate("disk", &key, &value).await?.success()?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_26_what_a_delegate_made_is_never_so_full_that_nobody_can_end_it() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, ADMIN).await?;
    }
    let agent = case.delegate().await?;
    let start = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let request = case
        .request("disk", &alice, ADMIN)
        .reviewers(&[&bob.email])
        .start_time(&start.to_string())
        .annotation("jit-access.dev/created-by", &agent.email)
        .annotation(
            "approved-by.jit-access.dev/bob",
            &format!("{} via {}", bob.email, agent.email),
        );
    for key in ["jit-access.dev/device-id", "jit-access.dev/access-levels"] {
        for value in ["x".repeat(2_001), "two\nlines".to_owned()] {
            let full = request.clone().annotation(key, &value);
            let refusal = agent.kubectl.run_with(&CREATE, &full.to_string()).await?;
            let refusal = refusal.refusal()?;
            assert!(
                refusal.contains("one line each of at most 2,000"),
                "{refusal}"
            );
        }
    }
    let mut full = request;
    for key in ["jit-access.dev/device-id", "jit-access.dev/access-levels"] {
        full = full.annotation(key, &"x".repeat(2_000));
    }
    for number in 0..16 {
        full = full.annotation(&format!("example.com/{number}"), &"x".repeat(1_875));
    }
    agent
        .kubectl
        .run_with(&CREATE, &full.to_string())
        .await?
        .success()?;
    case.wait_for("disk", AccessState::Active).await?;
    let value = format!("{}: {}", bob.email, "x".repeat(400));
    let key = "denied-by.jit-access.dev/bob";
    bob.annotate("disk", key, &value).await?.success()?;
    case.wait_for("disk", AccessState::Revoked).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

/// Without what `kubectl apply` would keep in an annotation.
const CREATE: [&str; 2] = ["create", "--filename=-"];
