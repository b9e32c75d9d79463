//! What the guard reads of the cluster, and what it writes: its record and, as a dry run, the probe.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jit_access_core::guard::{
    Answer, CONTROLLER, POLICY, Probed, Seen, Standing, Version, probe_object, probed,
};
use jit_access_core::namespaces::CONFIG_MAP;
use jit_access_crds::AccessRequest;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use crate::write_error::{TIMEOUT, WriteError};

/// Where the record is kept: on the Lease, which lives as long as the installation.
const RECORD: &str = "jit-access.dev/guard";

/// Who the controller is, and what time it is at the API server.
#[derive(Debug, Clone)]
pub struct Myself {
    /// The user name.
    pub user: String,
    /// By the API server's clock, in whole seconds.
    pub now: Timestamp,
}

/// Why something is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoProof {
    /// By what the API server answered: a sentence.
    Answer(String),
    /// It did not answer: a sentence.
    Silence(String),
}

impl NoProof {
    fn of(what: &str, error: kube::Error) -> Self {
        let answered =
            matches!(&error, kube::Error::Api(status) if status.code < 500 && status.code != 429);
        let why = format!("{what}: {}", WriteError::from(error));
        if answered {
            Self::Answer(why)
        } else {
            Self::Silence(why)
        }
    }
}

/// The cluster, as far as the guard is concerned.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

async fn timely<T>(
    what: &str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, NoProof> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(NoProof::of(what, error)),
        Err(_) => Err(NoProof::Silence(format!("{what}: {}", WriteError::Timeout))),
    }
}

/// As raw JSON: a typed structure would drop a field that it does not know.
pub fn policies(client: Client) -> Api<DynamicObject> {
    Api::all_with(
        client,
        &ApiResource::erase::<ValidatingAdmissionPolicy>(&()),
    )
}

/// As [`policies`].
pub fn bindings(client: Client) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ValidatingAdmissionPolicyBinding>(&());
    Api::all_with(client, &resource)
}

/// How an object stands.
pub fn seen(object: &DynamicObject) -> Result<Seen, NoProof> {
    let meta = &object.metadata;
    match (&meta.uid, meta.generation, &meta.creation_timestamp) {
        (Some(uid), Some(generation), Some(created)) => Ok(Seen {
            version: Version {
                uid: uid.clone(),
                generation,
            },
            created: created.0,
        }),
        _ => Err(NoProof::Answer(format!(
            "{} has no uid, generation or creation time",
            object.name_any()
        ))),
    }
}

impl Cluster {
    /// By this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Asks the API server who we are.
    pub async fn myself(&self) -> Result<Myself, NoProof> {
        let api: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let question = SelfSubjectReview::default();
        let answer = timely(
            "who the controller is, is not known",
            api.create(&params, &question),
        )
        .await?;
        let user = answer.status.and_then(|status| status.user_info?.username);
        match (user, answer.metadata.creation_timestamp) {
            (Some(user), Some(now)) => Ok(Myself { user, now: now.0 }),
            _ => Err(NoProof::Answer(
                "the API server does not say who the controller is, or what time it is".to_owned(),
            )),
        }
    }

    /// The policy.
    pub async fn policy(&self) -> Result<DynamicObject, NoProof> {
        let api = policies(self.client.clone());
        timely("the admission policy cannot be read", api.get_opt(POLICY))
            .await?
            .ok_or_else(|| {
                NoProof::Answer(format!(
                    "the ValidatingAdmissionPolicy {POLICY} is not there"
                ))
            })
    }

    /// The only binding of the policy.
    pub async fn binding(&self) -> Result<DynamicObject, NoProof> {
        let api = bindings(self.client.clone());
        let params = ListParams::default();
        let all = timely(
            "the bindings of admission policies cannot be read",
            api.list(&params),
        )
        .await?;
        let mut ours = all
            .items
            .into_iter()
            .filter(|binding| binding.data["spec"]["policyName"] == POLICY);
        match (ours.next(), ours.next()) {
            (Some(binding), None) if binding.name_any() == POLICY => Ok(binding),
            (None, _) => Err(NoProof::Answer(format!(
                "the ValidatingAdmissionPolicyBinding {POLICY} is not there"
            ))),
            (Some(one), other) => {
                let foreign = other.filter(|_| one.name_any() == POLICY).unwrap_or(one);
                Err(NoProof::Answer(format!(
                    "the ValidatingAdmissionPolicyBinding {} binds {POLICY} too: remove it",
                    foreign.name_any()
                )))
            }
        }
    }

    /// The ConfigMap of namespaces.
    pub async fn namespaces(&self, namespace: &str) -> Result<BTreeMap<String, String>, NoProof> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = timely(
            "the ConfigMap of namespaces cannot be read",
            api.get_opt(CONFIG_MAP),
        )
        .await?;
        found.map(|map| map.data.unwrap_or_default()).ok_or_else(|| {
            NoProof::Answer(format!("the ConfigMap {namespace}/{CONFIG_MAP} is not there, without which the API server refuses every write of a request: install the chart again, or make an empty one"))
        })
    }

    /// Sends the probe, which leaves nothing behind, and reads the answer.
    pub async fn probe(&self, namespace: &str, user: &str) -> Result<Probed, NoProof> {
        let resource = ApiResource::erase::<AccessRequest>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        const WHAT: &str = "the admission policy cannot be probed";
        let object = serde_json::from_value(probe_object(namespace))
            .map_err(|error| NoProof::Answer(format!("{WHAT}: {error}")))?;
        let params = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        match tokio::time::timeout(TIMEOUT, api.create(&params, &object)).await {
            Ok(Ok(_)) => Ok(probed(user, Answer::Admitted)),
            Ok(Err(kube::Error::Api(status))) if status.code < 500 && status.code != 429 => {
                let (code, message) = (status.code, status.message.as_str());
                Ok(probed(user, Answer::Refused { code, message }))
            }
            Ok(Err(error)) => Err(NoProof::of(WHAT, error)),
            Err(_) => Err(NoProof::Silence(format!("{WHAT}: {}", WriteError::Timeout))),
        }
    }

    /// The record of since when the policy stands; `None` if there is none yet.
    pub async fn record(
        &self,
        namespace: &str,
    ) -> Result<(Option<Lease>, Option<Standing>), NoProof> {
        let api = self.leases(namespace);
        let what = "the controller's Lease cannot be read";
        let lease = timely(what, api.get_opt(CONTROLLER)).await?;
        // One that cannot be read is as none.
        let standing = lease
            .as_ref()
            .and_then(|lease| serde_json::from_str(lease.annotations().get(RECORD)?).ok());
        Ok((lease, standing))
    }

    /// Keeps the record on the Lease that it was read from.
    pub async fn keep(
        &self,
        namespace: &str,
        lease: Option<Lease>,
        standing: &Standing,
    ) -> Result<(), NoProof> {
        const WHAT: &str = "since when the admission policy stands cannot be recorded";
        let record = serde_json::to_string(standing)
            .map_err(|error| NoProof::Answer(format!("{WHAT}: {error}")))?;
        let api = self.leases(namespace);
        match lease {
            Some(lease) => {
                let patch = Patch::Merge(json!({"metadata": {
                    "resourceVersion": lease.meta().resource_version,
                    "annotations": {RECORD: record},
                }}));
                let params = PatchParams::default();
                timely(WHAT, api.patch(CONTROLLER, &params, &patch)).await?;
            }
            None => {
                let mut lease = Lease::default();
                lease.metadata.name = Some(CONTROLLER.to_owned());
                lease.annotations_mut().insert(RECORD.to_owned(), record);
                timely(WHAT, api.create(&PostParams::default(), &lease)).await?;
            }
        }
        Ok(())
    }

    fn leases(&self, namespace: &str) -> Api<Lease> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
