//! What an installation puts into the cluster: the resource's definition, and who may do what.

use anyhow::Result;
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::kubeconfig::Identity;
use crate::kubectl::Kubectl;
use crate::programs;

/// The controller's namespace.
pub const NAMESPACE: &str = "jit-access";
/// The controller's service account.
pub const ACCOUNT: &str = "jit-access-controller";
/// The group of everyone who may ask for access.
pub const PEOPLE: &str = "people";

/// Installs all but the controller itself, and waits until AccessRequests can be made.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn install(control_plane: &ControlPlane) -> Result<()> {
    into(&Kubectl::new(&control_plane.admin_kubeconfig()?, NAMESPACE)).await
}

/// As [`install`], by a kubectl that may do everything, in the controller's namespace.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn into(admin: &Kubectl) -> Result<()> {
    let definition = programs::repository().join("crds/accessrequests.yaml");
    let definition = format!("--filename={}", definition.display());
    admin
        .run(&["apply", "--server-side", &definition])
        .await?
        .success()?;
    admin.apply(manifest()).await?.success()?;
    let crd = "crd/accessrequests.jit-access.dev";
    admin
        .run(&["wait", "--for=condition=Established", "--timeout=30s", crd])
        .await?
        .success()?;
    Ok(())
}

/// Who the controller is: its service account's token.
///
/// # Errors
/// When the API server refuses.
pub async fn controller_identity(control_plane: &ControlPlane) -> Result<Identity> {
    control_plane.service_account(NAMESPACE, ACCOUNT).await
}

fn manifest() -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}},
        role("jit-access-controller", &json!([
            rule("jit-access.dev", &["accessrequests"], &["get", "list", "watch", "update", "patch", "delete"]),
            rule("jit-access.dev", &["accessrequests/status", "accessrequests/finalizers"], &["get", "update", "patch"]),
            rule("events.k8s.io", &["events"], &["create", "patch"]),
            rule("", &["events"], &["create", "patch"]),
        ])),
        binding("jit-access-controller", &json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE})),
        role("jit-access-people", &json!([
            rule("jit-access.dev", &["accessrequests"], &["get", "list", "watch", "create", "update", "patch", "delete"]),
        ])),
        binding("jit-access-people", &json!({"kind": "Group", "name": PEOPLE, "apiGroup": "rbac.authorization.k8s.io"})),
    ]})
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

fn role(name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    })
}

/// Binds the ClusterRole of the same name.
fn binding(name: &str, subject: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    })
}
