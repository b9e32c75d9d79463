//! A peer approves, or does not.

mod approving;
mod ending;
mod reviewers;

use std::time::Duration;

use anyhow::{Result, ensure};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person, condition};
use jit_access_tests::programs;
use jit_access_tests::request::Request;

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

    /// Carol, who could approve too, and Alice's request that names both.
    async fn with_carol(&self) -> Result<(Person, Request)> {
        let carol = self.case.person("carol").await?;
        self.case.peer_eligible(&carol, ADMIN).await?;
        let reviewers = [&self.bob, &carol].map(|person| person.email.as_str());
        let request = self.request().reviewers(&reviewers);
        Ok((carol, request))
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
