//! Everybody who may try something.

use anyhow::Result;
use jit_access_tests::control_plane::ControlPlane;
use jit_access_tests::install;
use jit_access_tests::kubeconfig::Identity;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::{DELEGATE, ELSEWHERE, NAMESPACE};

/// Somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Requester,
    Peer,
    PeerForAnotherRole,
    PeerElsewhere,
    Outsider,
    Delegate,
    DelegateElsewhere,
    ListedInside,
    ProgramWithStar,
    Revoker,
    Viewer,
    NamespaceOwner,
    ClusterAdmin,
    Controller,
    GarbageCollector,
}

/// Everybody.
pub const PEOPLE: &[Who] = &[
    Who::Requester,
    Who::Peer,
    Who::PeerForAnotherRole,
    Who::PeerElsewhere,
    Who::Outsider,
    Who::Delegate,
    Who::DelegateElsewhere,
    Who::ListedInside,
    Who::ProgramWithStar,
    Who::Revoker,
    Who::Viewer,
    Who::NamespaceOwner,
    Who::ClusterAdmin,
    Who::Controller,
    Who::GarbageCollector,
];

const ADMINISTRATORS: &str = "administrators";

impl Who {
    /// What the table says of them.
    pub fn description(self) -> &'static str {
        match self {
            Self::Requester => "alice, who made the requests",
            Self::Peer => "bob, a reviewer named in them, eligible for the role",
            Self::PeerForAnotherRole => {
                "carol, named too, eligible for another role: the API server does not know that, the controller does"
            }
            Self::PeerElsewhere => "dave, eligible for the role elsewhere, and not named",
            Self::Outsider => "erin, who may ask for access, and has to do with none of these",
            Self::Delegate => "a Git agent that the installation lists for this namespace",
            Self::DelegateElsewhere => "one that it lists for another namespace",
            Self::ListedInside => "a service account of this very namespace that it lists",
            Self::ProgramWithStar => "a service account that holds every verb, and is not listed",
            Self::Revoker => {
                "mallory of the security team, with the verb revoke; she may ask for access too"
            }
            Self::Viewer => "who may read requests",
            Self::NamespaceOwner => "who may do everything in this namespace",
            Self::ClusterAdmin => "a cluster administrator",
            Self::Controller => "the controller's service account",
            Self::GarbageCollector => "the cluster's garbage collector",
        }
    }
}

/// Somebody's user name.
#[derive(Debug, Clone)]
pub struct Identified {
    /// Who it is.
    pub who: Who,
    /// The user name, as the API server has it.
    pub user: String,
}

impl Identified {
    /// Of somebody.
    pub fn new(who: &Who) -> Self {
        let user = match who {
            Who::Requester => "alice@example.com",
            Who::Peer => "bob@example.com",
            Who::PeerForAnotherRole => "carol@example.com",
            Who::PeerElsewhere => "dave@example.com",
            Who::Outsider => "erin@example.com",
            Who::Delegate => DELEGATE,
            Who::DelegateElsewhere => "system:serviceaccount:agents:other",
            Who::ListedInside => "system:serviceaccount:table:inside",
            Who::ProgramWithStar => "system:serviceaccount:agents:star",
            Who::Revoker => "mallory@example.com",
            Who::Viewer => "victor@example.com",
            Who::NamespaceOwner => "owen@example.com",
            Who::ClusterAdmin => "root@example.com",
            Who::Controller => "system:serviceaccount:jit-access:jit-access-controller",
            Who::GarbageCollector => "system:serviceaccount:kube-system:generic-garbage-collector",
        };
        Self {
            who: *who,
            user: user.to_owned(),
        }
    }

    fn group(&self) -> Option<&'static str> {
        match self.who {
            Who::Requester
            | Who::Peer
            | Who::PeerForAnotherRole
            | Who::PeerElsewhere
            | Who::Outsider => Some(install::PEOPLE),
            Who::ClusterAdmin => Some(ADMINISTRATORS),
            _ => None,
        }
    }

    /// A client that proves it by a certificate, or by a token.
    pub async fn client(&self, control_plane: &ControlPlane) -> Result<Client> {
        let identity: Identity = match self.user.strip_prefix("system:serviceaccount:") {
            Some(account) => {
                let (namespace, name) = account.split_once(':').unwrap_or((account, ""));
                control_plane.service_account(namespace, name).await?
            }
            None => control_plane.identity(&self.user, self.group())?,
        };
        jit_access_tests::kubeconfig::client(&control_plane.kubeconfig_text(identity)).await
    }

    /// A client of an administrator who impersonates them.
    pub async fn impersonated(&self, control_plane: &ControlPlane) -> Result<Client> {
        let admin = control_plane.identity("admin", Some("system:masters"))?;
        let mut kubeconfig = Kubeconfig::from_yaml(&control_plane.kubeconfig_text(admin))?;
        let groups: Vec<String> = match self.user.strip_prefix("system:serviceaccount:") {
            Some(account) => {
                let (namespace, _) = account.split_once(':').unwrap_or((account, ""));
                vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                ]
            }
            None => self.group().map(str::to_owned).into_iter().collect(),
        };
        for user in &mut kubeconfig.auth_infos {
            if let Some(user) = &mut user.auth_info {
                user.impersonate = Some(self.user.clone());
                user.impersonate_groups = Some(
                    groups
                        .iter()
                        .cloned()
                        .chain(["system:authenticated".to_owned()])
                        .collect(),
                );
            }
        }
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        Ok(Client::try_from(config)?)
    }
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn bound(kind: &str, name: &str, namespace: Option<&str>, role: &str, subject: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    })
}

fn user(who: Who) -> Value {
    json!({"kind": "User", "name": Identified::new(&who).user, "apiGroup": "rbac.authorization.k8s.io"})
}

fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
}

/// Namespaces and rights: all that RBAC can give, so that it is the policy that refuses.
pub fn setup() -> Value {
    let cluster = "ClusterRoleBinding";
    let local = "RoleBinding";
    let here = Some(NAMESPACE);
    let administrators =
        json!({"kind": "Group", "name": ADMINISTRATORS, "apiGroup": "rbac.authorization.k8s.io"});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        namespace(NAMESPACE),
        namespace(ELSEWHERE),
        namespace("agents"),
        bound(cluster, "flux", None, "jit-access-user", &account("agents", "flux")),
        bound(cluster, "other", None, "jit-access-user", &account("agents", "other")),
        bound(cluster, "inside", None, "jit-access-user", &account(NAMESPACE, "inside")),
        bound(cluster, "star", None, "cluster-admin", &account("agents", "star")),
        bound(cluster, "root", None, "cluster-admin", &administrators),
        bound(local, "revoker", here, "jit-access-revoker", &user(Who::Revoker)),
        bound(local, "revoker-asks", here, "jit-access-user", &user(Who::Revoker)),
        bound(local, "controller-asks", here, "jit-access-user", &account("jit-access", "jit-access-controller")),
        bound(local, "collector-asks", here, "jit-access-user", &account("kube-system", "generic-garbage-collector")),
        bound(local, "viewer", here, "jit-access-viewer", &user(Who::Viewer)),
        bound(local, "owner", here, "admin", &user(Who::NamespaceOwner)),
        bound(local, "owner-of-requests", here, "jit-access-user", &user(Who::NamespaceOwner)),
        bound(local, "owner-revokes", here, "jit-access-revoker", &user(Who::NamespaceOwner)),
    ]})
}
