//! What an installation puts into the cluster: all that the chart renders, and people.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::control_plane::ControlPlane;
use crate::eventually::eventually;
use crate::kubeconfig::Identity;
use crate::kubectl::Kubectl;
use crate::programs;

/// The controller's namespace.
pub const NAMESPACE: &str = "jit-access";
/// The controller's service account.
pub const ACCOUNT: &str = "jit-access-controller";
/// The web UI's service account, and its role in the namespace of its requests.
pub const WEBUI: &str = "jit-access-webui";
/// The web UI as a user of the API server.
pub const WEBUI_USER: &str = "system:serviceaccount:jit-access:jit-access-webui";
/// The namespace of requests that the chart makes for the web UI.
pub const REQUESTS: &str = "jit-requests";
/// The group of everyone who may ask for access.
pub const PEOPLE: &str = "people";

/// The ConfigMap that says where requests may be, and who speaks for persons there.
pub const NAMESPACES: &str = "jit-access-namespaces";
/// The admission policy, and its binding.
pub const POLICY: &str = "jit-access-identity";

/// How long the API server may take to act on the admission policy.
const PATIENCE: Duration = Duration::from_secs(30);

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
    admin.apply(manifest()).await?.success()?;
    apply(admin, &chart(&[]).await?).await?;
    until_in_force(admin).await
}

/// Installs the resource's definition and the roles of people, and no admission policy.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn schema_alone(control_plane: &ControlPlane) -> Result<()> {
    let admin = Kubectl::new(&control_plane.admin_kubeconfig()?, NAMESPACE);
    admin.apply(manifest()).await?.success()?;
    let parts = ["templates/crd.yaml", "templates/roles-of-people.yaml"];
    apply(&admin, &chart(&parts).await?).await
}

/// Takes the admission policy away, and waits until the API server admits what it refused.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn remove_guard(admin: &Kubectl) -> Result<()> {
    let kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy";
    admin.run(&["delete", kinds, POLICY]).await?.success()?;
    eventually(PATIENCE, async || {
        Ok((!is_in_force(admin).await?).then_some(()))
    })
    .await
}

/// Puts the admission policy back as the chart has it, and waits until it is in force.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn put_guard_back(admin: &Kubectl) -> Result<()> {
    apply(admin, &chart(&["templates/identity-policy.yaml"]).await?).await?;
    until_in_force(admin).await
}

/// As [`put_guard_back`], after removing what is there: neither kubectl nor helm takes out a field that
/// another hand added.
///
/// # Errors
/// With kubectl's words when something is refused.
pub async fn make_guard_anew(admin: &Kubectl) -> Result<()> {
    let kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy";
    admin
        .run(&["delete", "--ignore-not-found", kinds, POLICY])
        .await?
        .success()?;
    put_guard_back(admin).await
}

/// Its objects are in several namespaces, so none is said.
async fn apply(admin: &Kubectl, manifests: &str) -> Result<()> {
    let apply = ["--namespace=", "apply", "--filename=-"];
    admin.run_with(&apply, manifests).await?.success()?;
    let crd = "crd/accessrequests.jit-access.dev";
    admin
        .run(&["wait", "--for=condition=Established", "--timeout=30s", crd])
        .await?
        .success()?;
    Ok(())
}

async fn until_in_force(admin: &Kubectl) -> Result<()> {
    eventually(PATIENCE, async || {
        Ok(is_in_force(admin).await?.then_some(()))
    })
    .await
    .context("the admission policy is not in force")
}

/// Whether a request in another's name is refused by the admission policy.
///
/// # Errors
/// When kubectl cannot be started.
pub async fn is_in_force(admin: &Kubectl) -> Result<bool> {
    let lie = json!({
        "apiVersion": "jit-access.dev/v1alpha1",
        "kind": "AccessRequest",
        "metadata": {"name": "lie", "namespace": NAMESPACE},
        "spec": {
            "requester": "somebody-else@example.com",
            "resource": "projects/some-project",
            "roles": ["roles/viewer"],
            "justification": "to see that it is refused",
        },
    });
    let dry_run = ["create", "--dry-run=server", "--filename=-"];
    let answer = admin.run_with(&dry_run, &lie.to_string()).await?;
    Ok(answer.code != 0 && answer.stderr.contains(POLICY))
}

/// What the chart makes of its default values for an installation that covers the organization: all
/// of it, or these templates alone.
///
/// # Errors
/// With helm's words.
pub async fn chart(templates: &[&str]) -> Result<String> {
    let own = programs::control_plane()?.join("helm");
    // A folder of `setup-envtest` has none.
    let helm = if own.is_file() { own } else { "helm".into() };
    let output = Command::new(&helm)
        .args(["template", "jit-access", "charts/jit-access"])
        .args(["--namespace", NAMESPACE, "--set", "scope=organizations/1"])
        .args(templates.iter().map(|name| format!("--show-only={name}")))
        .current_dir(programs::repository())
        .output()
        .await
        .with_context(|| format!("{} cannot be started", helm.display()))?;
    ensure!(
        output.status.success(),
        "helm failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Who the controller is: its service account's token.
///
/// # Errors
/// When the API server refuses.
pub async fn controller_identity(control_plane: &ControlPlane) -> Result<Identity> {
    control_plane.service_account(NAMESPACE, ACCOUNT).await
}

/// Who the web UI is: its service account's token.
///
/// # Errors
/// When the API server refuses.
pub async fn webui_identity(control_plane: &ControlPlane) -> Result<Identity> {
    control_plane.service_account(NAMESPACE, WEBUI).await
}

fn manifest() -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "jit-access-people"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "jit-access-user"},
            "subjects": [{"kind": "Group", "name": PEOPLE, "apiGroup": "rbac.authorization.k8s.io"}],
        },
    ]})
}
