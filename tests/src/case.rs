//! One test's own part of a bench: a namespace, a project, people, under names that nobody else uses.

mod google;
mod people;
mod webui;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jit_access_crds::{AccessRequest, AccessState};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::bench::{Bench, ORGANIZATION};
use crate::eventually::eventually;
use crate::install;
use crate::kubeconfig;
use crate::kubectl::Printed;
use crate::request::Request;

pub use people::Person;

/// The condition of a role that may be had by self-approval.
pub const SELF: &str = "has({}.jitAccessConstraint)";
/// The condition of a role that may be had with a peer's approval.
pub const PEER: &str = "has({}.multiPartyApprovalConstraint)";

/// The program that speaks for persons in the namespace of every case, beside the web UI.
pub const DELEGATE: &str = "system:serviceaccount:agents:flux";

/// How long a state may take to come: much more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// One test's own namespace and project.
#[derive(Debug)]
pub struct Case<'a> {
    /// The bench that it is on.
    pub bench: &'a Bench,
    /// Part of all its names.
    pub id: String,
    /// The namespace of its requests.
    pub namespace: String,
    /// A project right below the organization: `projects/case-…`.
    pub project: String,
    requests: Api<AccessRequest>,
    first_call: u64,
}

/// Where a case is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The namespace of its requests.
    pub namespace: String,
    /// Its project.
    pub project: String,
    first_call: u64,
}

impl<'a> Case<'a> {
    /// Makes a namespace and a project.
    ///
    /// # Errors
    /// When one of them is refused.
    pub async fn new(bench: &'a Bench) -> Result<Self> {
        let id = unique();
        let namespace = format!("case-{id}");
        let admin = bench.admin_kubectl(&namespace)?;
        admin
            .run(&["create", "namespace", &namespace])
            .await?
            .success()?;
        let (_, first_call) = bench.simulator.calls_after(u64::MAX >> 1).await?;
        let this = Self {
            bench,
            project: format!("projects/case-{id}"),
            requests: Api::namespaced(bench.control_plane.admin().await?, &namespace),
            namespace,
            id,
            first_call,
        };
        let delegates = [install::WEBUI_USER, DELEGATE];
        this.set_up(&this.namespace, ORGANIZATION, &delegates)
            .await?;
        this.add_project(&this.project, ORGANIZATION).await?;
        Ok(this)
    }

    /// Says in the installation's ConfigMap what the requests of a namespace may name and who speaks
    /// for persons there, and waits until the API server knows.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn set_up(&self, namespace: &str, scope: &str, delegates: &[&str]) -> Result<()> {
        let control_plane = &self.bench.control_plane;
        let maps: Api<ConfigMap> =
            Api::namespaced(control_plane.admin().await?, install::NAMESPACE);
        let data = json!({"data": {
            format!("{namespace}.scope"): scope,
            format!("{namespace}.delegates"): delegates.join(", "),
        }});
        let params = PatchParams::default();
        maps.patch(install::NAMESPACES, &params, &Patch::Merge(data))
            .await?;
        let nobody = "nobody@example.com";
        let client = control_plane
            .client_as(nobody, Some(install::PEOPLE))
            .await?;
        let requests: Api<AccessRequest> = Api::namespaced(client, namespace);
        let request = Request::new("dry-run", nobody, &self.project, "roles/viewer");
        let request: AccessRequest = serde_json::from_str(&request.to_string())?;
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        eventually(PATIENCE, async || {
            match requests.create(&dry_run, &request).await {
                Ok(_) => Ok(Some(())),
                Err(kube::Error::Api(status)) if status.message.contains("is not set up") => {
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
        .context("the API server does not know the namespace")
    }

    /// Where the case is, to go on with it after something was done to the whole bench.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            namespace: self.namespace.clone(),
            project: self.project.clone(),
            first_call: self.first_call,
        }
    }

    /// Goes on with the case that an earlier [`Case::new`] made.
    ///
    /// # Errors
    /// When no client can be made.
    pub async fn at(bench: &'a Bench, place: &Place) -> Result<Self> {
        let Place {
            namespace,
            project,
            first_call,
        } = place.clone();
        Ok(Self {
            bench,
            id: namespace.trim_start_matches("case-").to_owned(),
            requests: Api::namespaced(bench.control_plane.admin().await?, &namespace),
            namespace,
            project,
            first_call,
        })
    }

    /// The first characters of a request's UID, with which the key of a person's approval begins.
    ///
    /// # Errors
    /// When there is no such request.
    pub async fn uid8(&self, name: &str) -> Result<String> {
        let uid = self.requests.get(name).await?.metadata.uid;
        Ok(uid.context("every object has a UID")?[..8].to_owned())
    }

    /// A request of this person for a role on the case's project.
    #[must_use]
    pub fn request(&self, name: &str, person: &Person, role: &str) -> Request {
        Request::new(name, &person.email, &self.project, role)
    }

    /// `kubectl apply` by a person; a refusal is an error.
    ///
    /// # Errors
    /// With kubectl's words when it is refused.
    pub async fn submit(&self, person: &Person, request: &Request) -> Result<()> {
        person.kubectl.apply(request).await?.success().map(drop)
    }

    /// `kubectl delete` by a person, without waiting for the object to go.
    ///
    /// # Errors
    /// When kubectl cannot be started; a refusal is no error here.
    pub async fn delete(&self, person: &Person, name: &str) -> Result<Printed> {
        person
            .kubectl
            .run(&["delete", "accessrequest", name, "--wait=false"])
            .await
    }

    /// The requests of the case, as an administrator.
    #[must_use]
    pub const fn requests(&self) -> &Api<AccessRequest> {
        &self.requests
    }

    /// The requests of the case, as the controller: whoever got hold of its token can write what the
    /// admission policy lets nobody else write.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn as_controller(&self) -> Result<Api<AccessRequest>> {
        let control_plane = &self.bench.control_plane;
        let identity = install::controller_identity(control_plane).await?;
        let text = control_plane.kubeconfig_text(identity);
        Ok(Api::namespaced(
            kubeconfig::client(&text).await?,
            &self.namespace,
        ))
    }

    /// Waits until a request has this state, and returns it.
    ///
    /// # Errors
    /// When it does not come, or another final one comes first: with the status and the controller's log.
    pub async fn wait_for(&self, name: &str, wanted: AccessState) -> Result<AccessRequest> {
        let mut last = None;
        let waited = eventually(PATIENCE, async || {
            let request = self.requests.get(name).await?;
            let now = state(&request);
            let over = now.is_some_and(|now| now != wanted && now.is_final());
            last = Some(request.clone());
            if over {
                bail!("it is {now:?} for good");
            }
            Ok((now == Some(wanted)).then_some(request))
        })
        .await;
        waited.with_context(|| {
            let status = last.map(|request| serde_json::to_string_pretty(&request.status));
            format!(
                "{name} did not become {wanted:?}; its status: {}\n{}",
                status.and_then(Result::ok).unwrap_or_default(),
                self.bench.controller_log(30)
            )
        })
    }

    /// Submits, waits for the state, and returns the message of `Granted`.
    ///
    /// # Errors
    /// When it is refused, or the state does not come.
    pub async fn outcome(
        &self,
        person: &Person,
        request: &Request,
        wanted: AccessState,
    ) -> Result<String> {
        self.submit(person, request).await?;
        let seen = self.wait_for(request.name(), wanted).await?;
        Ok(condition(&seen, "Granted")?.message.clone())
    }

    /// Waits until a request is gone.
    ///
    /// # Errors
    /// When it stays, with the controller's log.
    pub async fn wait_until_gone(&self, name: &str) -> Result<()> {
        let waited = eventually(PATIENCE, async || {
            Ok(self.requests.get_opt(name).await?.is_none().then_some(()))
        })
        .await;
        waited.with_context(|| format!("{name} is not gone\n{}", self.bench.controller_log(30)))
    }
}

/// The state of a request; none before the controller's first visit.
#[must_use]
pub fn state(request: &AccessRequest) -> Option<AccessState> {
    let granted = condition(request, "Granted").ok()?;
    AccessState::from_word(&granted.reason)
}

/// A condition of a request.
///
/// # Errors
/// When it is not there.
pub fn condition<'a>(request: &'a AccessRequest, kind: &str) -> Result<&'a Condition> {
    request
        .status
        .iter()
        .flat_map(|status| &status.conditions)
        .find(|condition| condition.type_ == kind)
        .with_context(|| format!("the condition {kind} is not there"))
}

/// Eight characters that no other case has.
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}
