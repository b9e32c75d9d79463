//! Programs that speak for persons: a Git agent applies manifests that were reviewed.

use std::time::Duration;

use anyhow::Result;
use jit_access_crds::{AccessState, CREATED_BY_ANNOTATION, FINALIZER};
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::{Case, DELEGATE, Person, condition};
use jit_access_tests::control_plane::Options;
use jit_access_tests::eventually::{eventually, never};
use jit_access_tests::request::Request;
use kube::ResourceExt;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(30);

/// Alice's request in Git, with Bob's approval, and the agent that applies it.
struct Git<'a> {
    case: Case<'a>,
    alice: Person,
    bob: Person,
    agent: Person,
}

impl<'a> Git<'a> {
    async fn on(bench: &'a Bench) -> Result<Self> {
        let case = Case::new(bench).await?;
        let this = Self {
            alice: case.person("alice").await?,
            bob: case.person("bob").await?,
            agent: case.delegate().await?,
            case,
        };
        for person in [&this.alice, &this.bob] {
            this.case.peer_eligible(person, ADMIN).await?;
        }
        Ok(this)
    }

    /// The manifest, for access that begins so many seconds from now.
    fn manifest(&self, start: i64) -> Request {
        let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(start);
        let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let approval = format!("{} via {DELEGATE}: merged", self.bob.email);
        self.case
            .request("disk", &self.alice, ADMIN)
            .reviewers(&[&self.bob.email])
            .start_time(&start)
            .annotation(CREATED_BY_ANNOTATION, DELEGATE)
            .annotation("approved-by.jit-access.dev/bob", &approval)
    }
}

#[tokio::test]
async fn a_manifest_with_its_approval_becomes_access() -> Result<()> {
    let git = Git::on(Bench::shared().await?).await?;
    git.case.submit(&git.agent, &git.manifest(0)).await?;
    let active = git.case.wait_for("disk", AccessState::Active).await?;
    let approvals = active.status.map(|status| status.approvals);
    let approvals = approvals.unwrap_or_default();
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].approver, git.bob.email);
    assert_eq!(approvals[0].via.as_deref(), Some(DELEGATE));
    assert!(
        git.case
            .has_role(&git.alice, &git.case.project, ADMIN)
            .await?
    );
    // Alice gives it back: it is hers, though she did not make it.
    let value = format!("{}: done", git.alice.email);
    let key = "revoked-by.jit-access.dev/alice";
    git.alice.annotate("disk", key, &value).await?.success()?;
    git.case.wait_for("disk", AccessState::Revoked).await?;
    assert_eq!(git.case.grants(&git.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_5_what_was_ended_is_not_made_again_by_deleting_and_applying() -> Result<()> {
    let git = Git::on(Bench::shared().await?).await?;
    let manifest = git.manifest(0).duration("12s");
    git.case.submit(&git.agent, &manifest).await?;
    git.case.wait_for("disk", AccessState::Active).await?;
    let value = format!("{}: wrong project", git.bob.email);
    let key = "revoked-by.jit-access.dev/bob";
    git.bob.annotate("disk", key, &value).await?.success()?;
    let ended = git.case.wait_for("disk", AccessState::Revoked).await?;
    let said = &condition(&ended, "Granted")?.message;
    assert!(said.contains("so that it is not made again"), "{said}");
    let uid = ended.metadata.uid.clone();
    // As an agent does that was told to force or to replace.
    git.case.delete(&git.agent, "disk").await?.success()?;
    let window = Duration::from_secs(4);
    never(window, async || {
        drop(git.agent.kubectl.apply(&manifest).await?);
        let now = git.case.requests().get_opt("disk").await?;
        let other = now.is_none_or(|now| now.metadata.uid != uid);
        Ok(other.then_some("another request has the name"))
    })
    .await?;
    assert_eq!(git.case.grants(&git.case.project).await?.len(), 0);
    // Once its time is over the name is free, and the old manifest comes to nothing.
    git.case.wait_until_gone("disk").await?;
    git.case.submit(&git.agent, &manifest).await?;
    git.case.wait_for("disk", AccessState::Expired).await?;
    assert_eq!(
        git.case
            .calls("setIamPolicy", &git.case.project)
            .await?
            .len(),
        2
    );
    Ok(())
}

#[tokio::test]
async fn attack_5_a_denial_before_the_start_keeps_the_name_too() -> Result<()> {
    let git = Git::on(Bench::shared().await?).await?;
    git.case.submit(&git.agent, &git.manifest(3_600)).await?;
    git.case.wait_for("disk", AccessState::Scheduled).await?;
    let value = format!("{}: I never merged this", git.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    git.bob.annotate("disk", key, &value).await?.success()?;
    let denied = git.case.wait_for("disk", AccessState::Denied).await?;
    assert_eq!(denied.finalizers(), [FINALIZER]);
    git.case.delete(&git.agent, "disk").await?.success()?;
    never(Duration::from_secs(2), async || {
        let gone = git.case.requests().get_opt("disk").await?.is_none();
        Ok(gone.then_some("it is gone"))
    })
    .await
}

#[tokio::test]
async fn a_manifest_that_is_taken_out_of_git_ends_its_access() -> Result<()> {
    let git = Git::on(Bench::shared().await?).await?;
    git.case.submit(&git.agent, &git.manifest(0)).await?;
    git.case.wait_for("disk", AccessState::Active).await?;
    git.case.delete(&git.agent, "disk").await?.success()?;
    git.case.wait_until_gone("disk").await?;
    assert_eq!(git.case.grants(&git.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn attack_8_a_program_that_is_not_listed_any_more_does_not_count() -> Result<()> {
    let git = Git::on(Bench::shared().await?).await?;
    let start = git.manifest(6);
    git.case.submit(&git.agent, &start).await?;
    git.case.wait_for("disk", AccessState::Scheduled).await?;
    git.case
        .set_up(&git.case.namespace, ORGANIZATION, &[])
        .await?;
    let failed = git.case.wait_for("disk", AccessState::Failed).await?;
    let said = &condition(&failed, "Granted")?.message;
    assert!(said.contains("is no delegate of this namespace"), "{said}");
    assert_eq!(
        git.case
            .calls("setIamPolicy", &git.case.project)
            .await?
            .len(),
        0
    );
    Ok(())
}

#[tokio::test]
async fn attacks_8_and_19_a_namespace_names_what_is_within_its_scope_only() -> Result<()> {
    let case = Case::new(Bench::shared().await?).await?;
    let alice = case.person("alice").await?;
    let folder = case.folder(ORGANIZATION).await?;
    let inside = case.project_in(&folder).await?;
    for project in [&inside, &case.project] {
        let condition = Some(jit_access_tests::case::SELF);
        case.bind(project, ADMIN, &alice.member(), condition)
            .await?;
    }
    case.set_up(&case.namespace, &folder, &[]).await?;
    let outside = case.request("outside", &alice, ADMIN);
    let said = case
        .outcome(&alice, &outside, AccessState::Ineligible)
        .await?;
    assert!(said.contains(&format!("is not within {folder}")), "{said}");
    let request = Request::new("inside", &alice.email, &inside, ADMIN);
    case.submit(&alice, &request).await?;
    case.wait_for("inside", AccessState::Active).await?;
    // Attack 19: of the one outside no policy was read.
    assert_eq!(case.calls("getIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_is_deleted_goes_with_names_that_are_kept() -> Result<()> {
    let bench = Bench::start(Setup {
        control_plane: Options {
            controller_manager: true,
            ..Options::default()
        },
        ..Setup::default()
    })
    .await?;
    let git = Git::on(&bench).await?;
    git.case.eligible(&git.alice, ADMIN).await?;
    git.case.submit(&git.agent, &git.manifest(3_600)).await?;
    git.case.wait_for("disk", AccessState::Scheduled).await?;
    let value = format!("{}: no", git.bob.email);
    let key = "denied-by.jit-access.dev/bob";
    git.bob.annotate("disk", key, &value).await?.success()?;
    git.case.wait_for("disk", AccessState::Denied).await?;
    let own = git.case.request("running", &git.alice, ADMIN);
    git.case.submit(&git.alice, &own).await?;
    git.case.wait_for("running", AccessState::Active).await?;
    let admin = bench.admin_kubectl("default")?;
    let namespace = git.case.namespace.clone();
    admin
        .run(&["delete", "namespace", &namespace, "--wait=false"])
        .await?
        .success()?;
    eventually(Duration::from_secs(90), async || {
        let found = admin.run(&["get", "namespace", &namespace]).await?;
        Ok(found.stderr.contains("NotFound").then_some(()))
    })
    .await?;
    assert_eq!(git.case.grants(&git.case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn what_google_cannot_remove_holds_a_namespace_no_longer_than_the_finalizers_patience()
-> Result<()> {
    let bench = Bench::start(Setup {
        control_plane: Options {
            controller_manager: true,
            ..Options::default()
        },
        ..Setup::with_flags(&["--finalizer-patience=3s"])
    })
    .await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let request = case.request("disk", &alice, ADMIN).duration("8s");
    case.submit(&alice, &request).await?;
    case.wait_for("disk", AccessState::Active).await?;
    let down = json!({"method": "setIamPolicy", "resource": case.project, "status": 503});
    bench.simulator.fault(&down).await?;
    let admin = bench.admin_kubectl("default")?;
    admin
        .run(&["delete", "namespace", &case.namespace, "--wait=false"])
        .await?
        .success()?;
    // What it waits for is said on the object while it lasts.
    eventually(SOON, async || {
        let request = case.requests().get_opt("disk").await?;
        let said = request
            .as_ref()
            .and_then(|it| condition(it, "Granted").ok());
        Ok(said
            .is_some_and(|said| said.message.contains("cannot be removed for now"))
            .then_some(()))
    })
    .await?;
    eventually(Duration::from_secs(90), async || {
        let found = admin.run(&["get", "namespace", &case.namespace]).await?;
        Ok(found.stderr.contains("NotFound").then_some(()))
    })
    .await?;
    // The binding is there still, and gives nothing any more.
    assert_eq!(case.grants(&case.project).await?.len(), 1);
    assert!(!case.has_role(&alice, &case.project, ADMIN).await?);
    Ok(())
}
