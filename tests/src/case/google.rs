//! The case's part of the simulated Google Cloud: what is there, who has which role, what was called.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Case, PEER, Person, SELF, unique};
use crate::simulator::Call;

impl Case<'_> {
    /// A new folder below this parent; returns `folders/NUMBER`.
    ///
    /// # Errors
    /// When there is no such parent.
    pub async fn folder(&self, parent: &str) -> Result<String> {
        let number = (uuid::Uuid::new_v4().as_u128() % 1_000_000_000_000).to_string();
        let world =
            json!({"folders": [{"id": number, "parent": parent, "displayName": "a folder"}]});
        self.bench.simulator.add(&world).await?;
        Ok(format!("folders/{number}"))
    }

    /// Another project of this case below this parent; returns `projects/ID`.
    ///
    /// # Errors
    /// When there is no such parent.
    pub async fn project_in(&self, parent: &str) -> Result<String> {
        let project = format!("projects/case-{}", unique());
        self.add_project(&project, parent).await?;
        Ok(project)
    }

    pub(super) async fn add_project(&self, project: &str, parent: &str) -> Result<()> {
        let id = project.trim_start_matches("projects/");
        let world = json!({"projects": [{"id": id, "parent": parent, "displayName": "of a test"}]});
        self.bench.simulator.add(&world).await
    }

    /// A new group with these members (each with its prefix); returns its e-mail address.
    ///
    /// # Errors
    /// When the simulator refuses it.
    pub async fn group(&self, members: &[&str]) -> Result<String> {
        let email = format!("group-{}@example.com", unique());
        let world = json!({"groups": {email.as_str(): members}});
        self.bench.simulator.add(&world).await?;
        Ok(email)
    }

    /// Adds a binding to the policy of a resource, with a condition if one is given.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn bind(
        &self,
        resource: &str,
        role: &str,
        member: &str,
        condition: Option<&str>,
    ) -> Result<()> {
        let mut binding = json!({"role": role, "members": [member]});
        if let Some(expression) = condition {
            binding["condition"] = json!({"title": "by a test", "expression": expression});
        }
        self.bench.simulator.bind(resource, binding).await
    }

    /// Makes a person eligible for a role on the case's project, by self-approval.
    ///
    /// # Errors
    /// When the simulator refuses it.
    pub async fn eligible(&self, person: &Person, role: &str) -> Result<()> {
        self.bind(&self.project, role, &person.member(), Some(SELF))
            .await
    }

    /// Makes a person eligible for a role on the case's project, with a peer's approval.
    ///
    /// # Errors
    /// When the simulator refuses it.
    pub async fn peer_eligible(&self, person: &Person, role: &str) -> Result<()> {
        self.bind(&self.project, role, &person.member(), Some(PEER))
            .await
    }

    /// Whether Google gives the person this role on the resource now.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn has_role(&self, person: &Person, resource: &str, role: &str) -> Result<bool> {
        self.bench
            .simulator
            .has_role(&person.email, resource, role)
            .await
    }

    /// Our bindings in the policy of a resource.
    ///
    /// # Errors
    /// When there is no such resource.
    pub async fn grants(&self, resource: &str) -> Result<Vec<Value>> {
        let mut policy = self.bench.simulator.policy(resource).await?;
        let bindings = policy
            .get_mut("bindings")
            .map(Value::take)
            .unwrap_or_default();
        let mut bindings: Vec<Value> = serde_json::from_value(bindings).unwrap_or_default();
        bindings.retain(|binding| {
            binding["condition"]["title"]
                .as_str()
                .is_some_and(|title| title.starts_with("jit-access "))
        });
        Ok(bindings)
    }

    /// The calls of Google so far, since the case began, whose method ends so and whose resource is this.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn calls(&self, method: &str, resource: &str) -> Result<Vec<Call>> {
        let (mut calls, _) = self.bench.simulator.calls_after(self.first_call).await?;
        calls.retain(|call| call.method.ends_with(method) && call.resource == resource);
        Ok(calls)
    }
}
