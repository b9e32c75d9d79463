//! One person's request that something interrupts, and what must have become of it afterwards.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState, GrantStatus};
use jit_access_tests::api_proxy::Held;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Place};
use jit_access_tests::eventually::eventually;
use jit_access_tests::request::Request;
use kube::ResourceExt;
use serde_json::{Value, json};

/// Long enough for all that is under way, on a busy machine too.
pub const SOON: Duration = Duration::from_secs(30);

/// A person, eligible for some roles on a project, and the request for them. It can be gone on with
/// after the bench was changed.
pub struct Interrupted {
    pub place: Place,
    pub email: String,
    roles: Vec<&'static str>,
}

impl Interrupted {
    /// Nothing is asked yet.
    pub async fn prepare(bench: &Bench, roles: &[&'static str]) -> Result<Self> {
        let case = Case::new(bench).await?;
        let alice = case.person("alice").await?;
        for role in roles {
            case.eligible(&alice, role).await?;
        }
        Ok(Self {
            place: case.place(),
            email: alice.email,
            roles: roles.to_vec(),
        })
    }

    /// Another person who is eligible for the same.
    pub async fn another_person(&self, bench: &Bench, name: &str) -> Result<Self> {
        let case = Case::at(bench, &self.place).await?;
        let person = case.person(name).await?;
        for role in &self.roles {
            case.eligible(&person, role).await?;
        }
        Ok(Self {
            place: self.place.clone(),
            email: person.email,
            roles: self.roles.clone(),
        })
    }

    /// All roles on the project.
    pub fn request(&self, name: &str) -> Request {
        let mut roles = self.roles.iter();
        let first = roles.next().copied().unwrap_or_default();
        let request = Request::new(name, &self.email, &self.place.project, first);
        roles.fold(request, |request, role| request.role(role))
    }

    pub async fn submit(&self, bench: &Bench, request: &Request) -> Result<()> {
        let case = Case::at(bench, &self.place).await?;
        case.submit(&case.known_person(&self.email)?, request).await
    }

    pub async fn delete(&self, bench: &Bench, name: &str) -> Result<()> {
        let case = Case::at(bench, &self.place).await?;
        let alice = case.known_person(&self.email)?;
        case.delete(&alice, name).await?.success().map(drop)
    }

    pub async fn wait_for(
        &self,
        bench: &Bench,
        name: &str,
        state: AccessState,
    ) -> Result<AccessRequest> {
        let case = Case::at(bench, &self.place).await?;
        case.wait_for(name, state).await
    }

    /// A fault of writes to the project's policy.
    pub async fn fault(&self, bench: &Bench, mut more: Value) -> Result<()> {
        more["method"] = json!("setIamPolicy");
        more["resource"] = json!(self.place.project);
        bench.simulator.fault(&more).await.map(drop)
    }

    /// The window that was recorded, if one was.
    pub async fn window(&self, bench: &Bench, name: &str) -> Result<Option<GrantStatus>> {
        let case = Case::at(bench, &self.place).await?;
        let request = case.requests().get_opt(name).await?;
        Ok(request
            .and_then(|request| request.status)
            .and_then(|status| status.grant))
    }

    /// It becomes access, by one binding for each role, in the window that was recorded before.
    pub async fn is_granted_once(
        &self,
        bench: &Bench,
        name: &str,
        before: Option<&GrantStatus>,
    ) -> Result<GrantStatus> {
        let case = Case::at(bench, &self.place).await?;
        let request = case.wait_for(name, AccessState::Active).await?;
        let title = format!("jit-access {}", request.uid().unwrap_or_default());
        let grant = request
            .status
            .and_then(|status| status.grant)
            .context("a grant")?;
        if let Some(before) = before {
            assert_eq!(
                (&before.start_time, &before.expire_time),
                (&grant.start_time, &grant.expire_time),
                "{name}"
            );
        }
        let mut bindings = case.grants(&case.project).await?;
        bindings.retain(|binding| binding["condition"]["title"] == title.as_str());
        assert_eq!(bindings.len(), self.roles.len(), "{name}: {bindings:?}");
        let alice = case.known_person(&self.email)?;
        for role in &self.roles {
            let binding = bindings.iter().find(|binding| binding["role"] == *role);
            let expression = binding.context("a binding of each role")?["condition"]["expression"]
                .as_str()
                .unwrap_or_default();
            assert!(
                expression.contains(&grant.start_time) && expression.contains(&grant.expire_time),
                "{name}: {expression}"
            );
            assert!(case.has_role(&alice, &case.project, role).await?);
        }
        Ok(grant)
    }

    /// Given back, it leaves neither object nor binding.
    pub async fn leaves_nothing(&self, bench: &Bench, name: &str) -> Result<()> {
        self.delete(bench, name).await?;
        let case = Case::at(bench, &self.place).await?;
        case.wait_until_gone(name).await?;
        assert_eq!(case.grants(&case.project).await?, Vec::<Value>::new());
        Ok(())
    }

    /// No binding of ours stands in the policy any more, or soon will not.
    pub async fn no_binding_is_left(&self, bench: &Bench) -> Result<()> {
        let case = Case::at(bench, &self.place).await?;
        let gone = eventually(SOON, async || {
            Ok(case.grants(&case.project).await?.is_empty().then_some(()))
        });
        gone.await.with_context(|| bench.controller_log(30))
    }

    /// How often the policy was written since the case began.
    pub async fn policy_writes(&self, bench: &Bench) -> Result<usize> {
        let case = Case::at(bench, &self.place).await?;
        let mut writes = case.calls("setIamPolicy", &case.project).await?;
        writes.retain(|write| write.status == 200);
        Ok(writes.len())
    }
}

/// Waits until a fault holds a call of Google.
pub async fn held_at_google(bench: &Bench) -> Result<()> {
    let held = eventually(SOON, async || {
        Ok((!bench.simulator.held().await?.is_empty()).then_some(()))
    });
    held.await.with_context(|| bench.controller_log(30))
}

/// Kills the controller while its writes are held, lets them go on to where they were sent, and
/// starts it again.
pub async fn crash(bench: &mut Bench, held: Option<Held>) -> Result<()> {
    bench.controller_mut()?.kill_hard()?;
    drop(held);
    bench.simulator.release(None).await?;
    bench.controller_mut()?.start_again().await
}
