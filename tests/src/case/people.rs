//! The people and programs of a case.

use anyhow::Result;
use serde_json::json;

use super::Case;
use crate::install;
use crate::kubectl::{Kubectl, Printed};

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

impl Case<'_> {
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
}
