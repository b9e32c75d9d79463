//! What goes wrong with Google's answers to one case.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::AccessState;
use serde_json::{Value, json};

use crate::case::{Case, Person};
use crate::eventually::eventually;
use crate::request::Request;
use crate::simulator::Simulator;

/// How long a call that is to be held may take to come: much more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fault that stays until it is used up or lifted.
#[derive(Debug)]
#[must_use = "the id of a fault is needed to lift it; those with a count end by themselves"]
pub struct Fault<'a> {
    simulator: &'a Simulator,
    id: String,
}

impl Fault<'_> {
    /// Google works again; calls that hang end. Without effect on a fault that is used up.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn lift(self) -> Result<()> {
        self.simulator.remove_fault(&self.id).await
    }
}

/// The next call of one method on one resource, which stops before it takes effect.
#[derive(Debug)]
pub struct HeldCall<'a> {
    fault: Fault<'a>,
    method: String,
    resource: String,
}

impl HeldCall<'_> {
    /// Waits until the call is there.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn reached(&self) -> Result<()> {
        let waited = eventually(PATIENCE, async || {
            Ok((!self.ids().await?.is_empty()).then_some(()))
        })
        .await;
        waited.with_context(|| format!("{} of {} did not come", self.method, self.resource))
    }

    /// Lets it go on, and nobody else's; a call that has not come is not held any more.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn release(self) -> Result<()> {
        let simulator = self.fault.simulator;
        simulator.remove_fault(&self.fault.id).await?;
        for id in self.ids().await? {
            simulator.release(Some(&id)).await?;
        }
        Ok(())
    }

    async fn ids(&self) -> Result<Vec<String>> {
        let mut held = self.fault.simulator.held().await?;
        held.retain(|call| call.method.ends_with(&self.method) && call.resource == self.resource);
        Ok(held.into_iter().map(|call| call.id).collect())
    }
}

impl Case<'_> {
    /// Calls of a method on the case's project go wrong, in the simulator's words:
    /// `case.fault("setIamPolicy", json!({"status": 409, "count": 6}))`.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read it.
    pub async fn fault(&self, method: &str, effect: Value) -> Result<Fault<'_>> {
        self.fault_on(method, &self.project, effect).await
    }

    /// As [`Case::fault`], for another resource, or for the group look-ups of an account.
    ///
    /// # Errors
    /// With the simulator's sentence when it cannot read it.
    pub async fn fault_on(&self, method: &str, resource: &str, effect: Value) -> Result<Fault<'_>> {
        let mut fault = effect;
        fault["method"] = json!(method);
        fault["resource"] = json!(resource);
        let simulator = &self.bench.simulator;
        let id = simulator.fault(&fault).await?;
        Ok(Fault { simulator, id })
    }

    /// Stops the next call of a method on the case's project before it takes effect.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn hold(&self, method: &str) -> Result<HeldCall<'_>> {
        let effect = json!({"hold": "before", "count": 1});
        Ok(HeldCall {
            fault: self.fault(method, effect).await?,
            method: method.to_owned(),
            resource: self.project.clone(),
        })
    }

    /// Submits requests, each of another person, so that they go into one write of the case's project
    /// together: the opener's own write, which comes before, is held until all others are waiting.
    ///
    /// # Errors
    /// When one of them is refused, or does not come to wait.
    pub async fn in_one_write(
        &self,
        opener: (&Person, Request),
        together: &[(&Person, Request)],
    ) -> Result<()> {
        let (person, request) = opener;
        let held = self.hold("setIamPolicy").await?;
        self.submit(person, &request).await?;
        held.reached().await?;
        for (person, request) in together {
            self.submit(person, request).await?;
        }
        // What waits for more than a second is said to be pending.
        for (_, request) in together {
            self.wait_for(request.name(), AccessState::Pending).await?;
        }
        held.release().await
    }
}
