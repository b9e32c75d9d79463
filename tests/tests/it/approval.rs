//! A peer approves, or does not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, PEER, Person, condition};
use jit_access_tests::eventually::{eventually, never};
use jit_access_tests::programs;
use jit_access_tests::request::Request;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const VIEWER: &str = "roles/compute.viewer";
const SOON: Duration = Duration::from_secs(30);
const A_WHILE: Duration = Duration::from_secs(2);

/// Alice asks, and Bob could approve.
struct Two {
    case: Case<'static>,
    alice: Person,
    bob: Person,
}

impl Two {
    async fn new() -> Result<Self> {
        Self::on(Bench::shared().await?).await
    }

    async fn on(bench: &'static Bench) -> Result<Self> {
        let case = Case::new(bench).await?;
        let alice = case.person("alice").await?;
        let bob = case.person("bob").await?;
        for person in [&alice, &bob] {
            case.peer_eligible(person, ADMIN).await?;
        }
        Ok(Self { case, alice, bob })
    }

    fn request(&self) -> Request {
        let request = self.case.request("disk", &self.alice, ADMIN);
        request.reviewers(&[&self.bob.email])
    }

    /// Alice's request, once it waits for Bob.
    async fn waiting(&self) -> Result<AccessRequest> {
        self.case.submit(&self.alice, &self.request()).await?;
        self.case
            .wait_for("disk", AccessState::AwaitingApproval)
            .await
    }

    async fn approve(&self, person: &Person) -> Result<()> {
        approve(&self.case, person, "disk").await
    }
}

async fn approve(case: &Case<'_>, person: &Person, name: &str) -> Result<()> {
    let who = person.email.split('-').next().unwrap_or_default();
    let key = format!(
        "approved-by.jit-access.dev/{}-{who}",
        case.uid8(name).await?
    );
    let value = format!("{}: looks right", person.email);
    person.annotate(name, &key, &value).await?.success()?;
    Ok(())
}

fn message(request: &AccessRequest) -> Result<&str> {
    Ok(&condition(request, "Granted")?.message)
}

#[tokio::test]
async fn a_peer_approves_by_the_command_of_the_message() -> Result<()> {
    let two = Two::new().await?;
    let waiting = two.waiting().await?;
    let status = waiting.status.as_ref().context("a status")?;
    let plan = status.plan.as_ref().context("a plan for the reviewer")?;
    assert_eq!(plan.duration, "10m");
    assert_eq!(plan.bindings.len(), 1);
    assert_eq!(plan.bindings[0].role, ADMIN);
    assert_eq!(condition(&waiting, "Approved")?.reason, "AwaitingApproval");
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    let before = two.case.calls("IamPolicy", &two.case.project).await?.len();

    let message = message(&waiting)?;
    let command = message
        .split("approves with: ")
        .nth(1)
        .context(message.to_owned())?;
    run(&two.bob, command).await?;

    let active = two.case.wait_for("disk", AccessState::Active).await?;
    let [binding] = &two.case.grants(&two.case.project).await?[..] else {
        panic!("one binding");
    };
    let description = binding["condition"]["description"].as_str();
    let expected = format!(
        "Approved by {}, justification: CASE-1: a test",
        two.bob.email
    );
    assert_eq!(description, Some(expected.as_str()));
    assert!(
        two.case
            .has_role(&two.alice, &two.case.project, ADMIN)
            .await?
    );
    let approvals = active.status.context("a status")?.approvals;
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].approver, two.bob.email);
    assert_eq!(approvals[0].comment.as_deref(), Some("looks right"));
    // From the approval to access: the policy is read once and written once.
    let calls = two.case.calls("IamPolicy", &two.case.project).await?;
    let methods: Vec<_> = calls[before..].iter().map(|call| &call.method).collect();
    assert_eq!(methods.len(), 2, "{methods:?}");
    Ok(())
}

#[tokio::test]
async fn a_denial_ends_it_and_says_why() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    let value = format!("{}: use the other project", two.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    two.bob.annotate("disk", key, &value).await?.success()?;
    let denied = two.case.wait_for("disk", AccessState::Denied).await?;
    assert_eq!(
        message(&denied)?,
        format!("denied by {}: use the other project", two.bob.email)
    );
    assert_eq!(condition(&denied, "Approved")?.reason, "Denied");
    // Attack 13: an approval afterwards changes nothing.
    two.approve(&two.bob).await?;
    never(A_WHILE, async || {
        let request = two.case.requests().get("disk").await?;
        let state = jit_access_tests::case::state(&request);
        Ok((state != Some(AccessState::Denied)).then_some(request))
    })
    .await?;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_13_what_nobody_approves_in_time_is_over() -> Result<()> {
    let bench = Bench::start(Setup::with_flags(&["--approval-timeout=3s"])).await?;
    let case = Case::new(&bench).await?;
    let (alice, bob) = (case.person("alice").await?, case.person("bob").await?);
    for person in [&alice, &bob] {
        case.peer_eligible(person, ADMIN).await?;
    }
    let request = case.request("disk", &alice, ADMIN).reviewers(&[&bob.email]);
    let said = case
        .outcome(&alice, &request, AccessState::TimedOut)
        .await?;
    assert!(
        said.starts_with("nobody who could approve did so within 3s"),
        "{said}"
    );
    approve(&case, &bob, "disk").await?;
    tokio::time::sleep(A_WHILE).await;
    case.wait_for("disk", AccessState::TimedOut).await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_approval_that_is_withdrawn_before_the_start_does_not_count() -> Result<()> {
    let two = Two::new().await?;
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
    let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let request = two.request().start_time(&start);
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Scheduled).await?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob-",
        two.case.uid8("disk").await?
    );
    // Not by another.
    let alice = &two.alice.kubectl;
    let refused = alice.run(&["annotate", "areq", "disk", &key]).await?;
    assert!(
        refused
            .refusal()?
            .contains("can withdraw your own approval only")
    );
    let bob = &two.bob.kubectl;
    bob.run(&["annotate", "areq", "disk", &key])
        .await?
        .success()?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    Ok(())
}

#[tokio::test]
async fn several_roles_in_parts_with_one_approval() -> Result<()> {
    let two = Two::new().await?;
    for person in [&two.alice, &two.bob] {
        let condition = format!("{PEER} && resource.name.startsWith(\"projects/x/zones/a\")");
        let member = person.member();
        two.case
            .bind(&two.case.project, VIEWER, &member, Some(&condition))
            .await?;
    }
    let request = two
        .request()
        .role(VIEWER)
        .condition("resource.type == \"compute.googleapis.com/Instance\"");
    two.case.submit(&two.alice, &request).await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let grants = two.case.grants(&two.case.project).await?;
    assert_eq!(grants.len(), 2);
    for grant in &grants {
        let expression = grant["condition"]["expression"]
            .as_str()
            .unwrap_or_default();
        assert!(expression.ends_with("&& (resource.type == \"compute.googleapis.com/Instance\")"));
        let narrow = expression.contains("projects/x/zones/a");
        assert_eq!(narrow, grant["role"] == VIEWER, "{expression}");
    }
    Ok(())
}

#[tokio::test]
async fn attacks_9_10_and_19_nobody_who_could_approve() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    let dave = two.case.person("dave").await?;
    two.case.peer_eligible(&carol, VIEWER).await?;
    let elsewhere = two.case.project_in("organizations/1").await?;
    two.case
        .bind(&elsewhere, ADMIN, &dave.member(), Some(PEER))
        .await?;
    let reviewers = [carol.email.as_str(), dave.email.as_str()];
    let request = two.request().reviewers(&reviewers);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::Ineligible)
        .await?;
    assert!(said.contains("None of the reviewers"), "{said}");
    // Attack 19: nobody is told.
    assert!(events(&two.case, "ApprovalRequested").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn each_reviewer_who_could_approve_is_told_and_the_others_are_named() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    let dave = two.case.person("dave").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let reviewers = [&two.bob, &carol, &dave].map(|person| person.email.as_str());
    let request = two.request().reviewers(&reviewers);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let unable = format!("{} could not approve this and was not told", dave.email);
    assert!(said.contains(&unable), "{said}");
    let told = eventually(SOON, async || {
        let told = events(&two.case, "ApprovalRequested").await?;
        Ok((told.len() >= 2).then_some(told))
    })
    .await?;
    let mut asked: Vec<String> = told
        .into_iter()
        .filter_map(|event| event.related?.name)
        .collect();
    asked.sort();
    let mut wanted = vec![two.bob.email.clone(), carol.email.clone()];
    wanted.sort();
    assert_eq!(asked, wanted);
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let approved = eventually(SOON, async || {
        Ok(events(&two.case, "Approved").await?.pop())
    })
    .await?;
    let related = approved.related.context("who approved")?;
    assert_eq!(related.name.as_ref(), Some(&carol.email));
    Ok(())
}

#[tokio::test]
async fn attack_20_an_approver_who_lost_eligibility_does_not_count() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let reviewers = [&two.bob, &carol].map(|person| person.email.as_str());
    two.case
        .submit(&two.alice, &two.request().reviewers(&reviewers))
        .await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let simulator = &two.case.bench.simulator;
    let mut policy = simulator.policy(&two.case.project).await?;
    if let Some(bindings) = policy["bindings"].as_array_mut() {
        for binding in &mut *bindings {
            let members = binding["members"].as_array_mut().context("members")?;
            members.retain(|member| *member != two.bob.member());
        }
        bindings.retain(|binding| binding["members"] != json!([]));
    }
    simulator.set_policy(&two.case.project, &policy).await?;
    two.approve(&two.bob).await?;
    let unable = format!("{} could not approve this", two.bob.email);
    eventually(SOON, async || {
        let request = two.case.requests().get("disk").await?;
        Ok(message(&request)?.contains(&unable).then_some(()))
    })
    .await?;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn attack_14_two_approvals_in_the_same_instant_are_one_grant() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let reviewers = [&two.bob, &carol].map(|person| person.email.as_str());
    two.case
        .submit(&two.alice, &two.request().reviewers(&reviewers))
        .await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let key = format!(
        "approved-by.jit-access.dev/{}",
        two.case.uid8("disk").await?
    );
    let (bobs, carols) = (format!("{key}-bob"), format!("{key}-carol"));
    let (one, other) = tokio::join!(
        two.bob.annotate("disk", &bobs, &two.bob.email),
        carol.annotate("disk", &carols, &carol.email),
    );
    one?.success()?;
    other?.success()?;
    two.case.wait_for("disk", AccessState::Active).await?;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 1);
    assert_eq!(
        two.case
            .calls("setIamPolicy", &two.case.project)
            .await?
            .len(),
        1
    );
    Ok(())
}

#[tokio::test]
async fn attack_5_an_approval_of_another_request_under_the_same_name_is_refused() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    let looked_at = two.case.uid8("disk").await?;
    two.case.delete(&two.alice, "disk").await?.success()?;
    two.case.wait_until_gone("disk").await?;
    two.waiting().await?;
    let key = format!("approved-by.jit-access.dev/{looked_at}-bob");
    let refusal = two
        .bob
        .annotate("disk", &key, &two.bob.email)
        .await?
        .refusal()?;
    // The refusal has the command for this one.
    let command = format!(
        "kubectl annotate areq disk -n {} approved-by.jit-access.dev/{}-bob",
        two.case.namespace,
        two.case.uid8("disk").await?
    );
    assert!(refusal.contains(&command), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn the_command_of_a_refusal_works_whatever_the_address_is() -> Result<()> {
    let two = Two::new().await?;
    let email = format!("{}{}_@example.com", "b".repeat(50), two.case.id);
    two.case
        .bench
        .simulator
        .add(&json!({"users": [email]}))
        .await?;
    let bob = two.case.known_person(&email)?;
    two.case.peer_eligible(&bob, ADMIN).await?;
    let request = two.request().reviewers(&[&bob.email]);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let printed = said.split("approves with: ").nth(1).context(said.clone())?;
    let refusal = bob
        .annotate("disk", "approved-by.jit-access.dev/bob", &bob.email)
        .await?
        .refusal()?;
    let command = refusal
        .split("the command is: ")
        .nth(1)
        .context(refusal.clone())?
        .trim();
    // Both write the same key.
    let key = |command: &str| command.split('=').next().map(str::to_owned);
    assert_eq!(key(command), key(printed));
    run(&bob, command).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn attack_10_a_reviewer_who_cannot_be_looked_up_is_left_out() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let down =
        json!({"method": "searchTransitiveGroups", "resource": two.bob.email, "status": 503});
    let fault = two.case.bench.simulator.fault(&down).await?;
    let reviewers = [&two.bob, &carol].map(|person| person.email.as_str());
    let request = two.request().reviewers(&reviewers);
    let said = two
        .case
        .outcome(&two.alice, &request, AccessState::AwaitingApproval)
        .await?;
    let left_out = format!("{} could not be looked up", two.bob.email);
    assert!(said.contains(&left_out), "{said}");
    approve(&two.case, &carol, "disk").await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    two.case.bench.simulator.remove_fault(&fault).await
}

#[tokio::test]
async fn fault_2_an_approval_counts_once_google_tells_of_the_approver_again() -> Result<()> {
    let two = Two::new().await?;
    let carol = two.case.person("carol").await?;
    two.case.peer_eligible(&carol, ADMIN).await?;
    let reviewers = [&two.bob, &carol].map(|person| person.email.as_str());
    two.case
        .submit(&two.alice, &two.request().reviewers(&reviewers))
        .await?;
    two.case
        .wait_for("disk", AccessState::AwaitingApproval)
        .await?;
    let simulator = &two.case.bench.simulator;
    let down =
        json!({"method": "searchTransitiveGroups", "resource": two.bob.email, "status": 503});
    let fault = simulator.fault(&down).await?;
    // What was read of Bob before serves no longer.
    tokio::time::sleep(Duration::from_secs(6)).await;
    two.approve(&two.bob).await?;
    let retrying = two.case.wait_for("disk", AccessState::Retrying).await?;
    let said = message(&retrying)?;
    let bob = format!("{} approved, and could not be looked up", two.bob.email);
    assert!(said.contains(&bob), "{said}");
    simulator.remove_fault(&fault).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn security_ends_running_access_with_a_reason() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let mallory = two.case.person("mallory").await?;
    let value = format!("{}: INC-1: the key leaked", mallory.email);
    let key = "revoked-by.jit-access.dev/security";
    let refused = mallory.annotate("disk", key, &value).await?.refusal()?;
    assert!(refused.contains("a holder of the verb revoke"), "{refused}");
    let admin = two.case.bench.admin_kubectl(&two.case.namespace)?;
    let user = format!("--user={}", mallory.email);
    let role = "--clusterrole=jit-access-revoker";
    admin
        .run(&["create", "rolebinding", "security", role, &user])
        .await?
        .success()?;
    eventually(SOON, async || {
        let tried = mallory.annotate("disk", key, &value).await?;
        Ok((tried.code == 0).then_some(()))
    })
    .await?;
    let ended = two.case.wait_for("disk", AccessState::Revoked).await?;
    let said = message(&ended)?;
    assert!(
        said.contains(&format!(
            "revoked by {}: INC-1: the key leaked",
            mallory.email
        )),
        "{said}"
    );
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_denial_after_the_grant_ends_it() -> Result<()> {
    let two = Two::new().await?;
    two.waiting().await?;
    two.approve(&two.bob).await?;
    two.case.wait_for("disk", AccessState::Active).await?;
    let value = format!("{}: I was mistaken", two.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    two.bob.annotate("disk", key, &value).await?.success()?;
    let ended = two.case.wait_for("disk", AccessState::Revoked).await?;
    assert!(message(&ended)?.contains("I was mistaken"));
    assert_eq!(two.case.grants(&two.case.project).await?.len(), 0);
    Ok(())
}

/// Runs a printed command as a person would, in a shell.
async fn run(person: &Person, command: &str) -> Result<()> {
    let kubectl = programs::control_plane()?.display();
    let path = format!("{kubectl}:{}", std::env::var("PATH")?);
    let shell = tokio::process::Command::new("sh")
        .args(["-c", command])
        .env("KUBECONFIG", person.kubectl.kubeconfig())
        .env("PATH", path)
        .output()
        .await?;
    ensure!(shell.status.success(), "{command}: {shell:?}");
    Ok(())
}

async fn events(case: &Case<'_>, reason: &str) -> Result<Vec<Event>> {
    let client = case.bench.control_plane.admin().await?;
    let events: Api<Event> = Api::namespaced(client, &case.namespace);
    let mut all = events.list(&ListParams::default()).await?.items;
    all.retain(|event| event.reason.as_deref() == Some(reason));
    Ok(all)
}
