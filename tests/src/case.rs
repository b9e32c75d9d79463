//! One test's own part of a bench: a namespace, a project, people, under names that nobody else uses.

mod webui;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jit_access_crds::{AccessRequest, AccessState};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::bench::{Bench, ORGANIZATION};
use crate::eventually::eventually;
use crate::install;
use crate::kubeconfig;
use crate::kubectl::{Kubectl, Printed};
use crate::request::Request;
use crate::simulator::Call;

/// The condition of a role that may be had by self-approval.
pub const SELF: &str = "has({}.jitAccessConstraint)";
/// The condition of a role that may be had with a peer's approval.
pub const PEER: &str = "has({}.multiPartyApprovalConstraint)";

/// The program that speaks for persons in the namespace of every case, beside the web UI.
pub const DELEGATE: &str = "system:serviceaccount:agents:flux";

/// How long a state may take to come: much more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A person with a Google account and a kubeconfig.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account, and the user's name in the cluster.
    pub email: String,
    /// kubectl as this person, in the case's namespace.
    pub kubectl: Kubectl,
}

impl Person {
    /// `kubectl annotate` of a request with this key and value.
    ///
    /// # Errors
    /// When kubectl cannot be started; a refusal is no error here.
    pub async fn annotate(&self, request: &str, key: &str, value: &str) -> Result<Printed> {
        let annotation = format!("{key}={value}");
        self.kubectl
            .run(&["annotate", "areq", request, &annotation])
            .await
    }

    /// As a member of an IAM binding.
    #[must_use]
    pub fn member(&self) -> String {
        format!("user:{}", self.email)
    }
}

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

    /// A person whom an earlier [`Case::person`] made.
    ///
    /// # Errors
    /// When the kubeconfig cannot be made.
    pub fn known_person(&self, email: &str) -> Result<Person> {
        let control_plane = &self.bench.control_plane;
        let kubeconfig = control_plane.kubeconfig_for(email, Some(install::PEOPLE))?;
        Ok(Person {
            kubectl: Kubectl::new(&kubeconfig, &self.namespace),
            email: email.to_owned(),
        })
    }

    /// A person of this case: `person("alice")` is `alice-<id>@example.com`.
    ///
    /// # Errors
    /// When the account or the kubeconfig cannot be made.
    pub async fn person(&self, name: &str) -> Result<Person> {
        let email = format!("{name}-{}@example.com", self.id);
        self.bench.simulator.add(&json!({"users": [email]})).await?;
        let control_plane = &self.bench.control_plane;
        let kubeconfig = control_plane.kubeconfig_for(&email, Some(install::PEOPLE))?;
        Ok(Person {
            kubectl: Kubectl::new(&kubeconfig, &self.namespace),
            email,
        })
    }

    /// The program that speaks for persons in every case's namespace, with a token, and the role of
    /// whoever may ask for access.
    ///
    /// # Errors
    /// When its account cannot be made.
    pub async fn delegate(&self) -> Result<Person> {
        self.program("agents", "flux").await
    }

    /// A service account, with a token and the same role as people have.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn program(&self, namespace: &str, name: &str) -> Result<Person> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let admin = self.bench.admin_kubectl(namespace)?;
        let manifest = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": format!("{namespace}-{name}")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "jit-access-user"},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            },
        ]});
        admin.apply(manifest).await?.success()?;
        let control_plane = &self.bench.control_plane;
        let identity = control_plane.service_account(namespace, name).await?;
        let text = control_plane.kubeconfig_text(identity);
        let file = format!("{namespace}-{name}-{}.kubeconfig", self.id);
        let kubeconfig = control_plane.folder().write(&file, &text)?;
        Ok(Person {
            kubectl: Kubectl::new(&kubeconfig, &self.namespace),
            email: user,
        })
    }

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

    async fn add_project(&self, project: &str, parent: &str) -> Result<()> {
        let id = project.trim_start_matches("projects/");
        let world = json!({"projects": [{"id": id, "parent": parent, "displayName": "of a test"}]});
        self.bench.simulator.add(&world).await
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
