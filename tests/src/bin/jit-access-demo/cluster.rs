//! The cluster that the demo runs on: a control plane of its own, or one that is there.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use jit_access_tests::control_plane::{ControlPlane, Options};
use jit_access_tests::folder::Folder;
use jit_access_tests::kubeconfig::{self, Identity};
use jit_access_tests::kubectl::Kubectl;
use jit_access_tests::{install, programs};
use serde_json::{Value, json};

use jit_access_tests::install::REQUESTS;

/// Whom the kubeconfig has contexts for; the first is the current one.
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A cluster with kubeconfigs for everyone.
#[derive(Debug)]
pub struct Cluster {
    /// An administrator, in the controller's namespace.
    pub admin: Kubectl,
    /// The demo's people, one context each, in the namespace of requests.
    pub people: Kubectl,
    /// Server and authority, for further kubeconfigs.
    server: String,
    authority: Option<String>,
    own: Option<ControlPlane>,
}

impl Cluster {
    /// Starts a control plane. The people have client certificates.
    pub async fn of_its_own(folder: &Folder) -> Result<Self> {
        let manager = programs::control_plane()?.join("kube-controller-manager");
        let own = ControlPlane::start(Options {
            controller_manager: manager.exists(),
            ..Options::default()
        })
        .await?;
        let mut identities = Vec::new();
        for name in PEOPLE {
            let email = format!("{name}@example.com");
            identities.push((name, own.identity(&email, Some(install::PEOPLE))?));
        }
        identities.push(("admin", own.identity("admin", Some("system:masters"))?));
        let text = kubeconfig::text(own.url(), Some(own.authority()), REQUESTS, &identities);
        Ok(Self {
            admin: Kubectl::new(&own.admin_kubeconfig()?, install::NAMESPACE),
            people: Kubectl::new(&folder.write("demo.kubeconfig", &text)?, REQUESTS),
            server: own.url().to_owned(),
            authority: Some(own.authority().to_owned()),
            own: Some(own),
        })
    }

    /// Takes the cluster of a context of the user's kubeconfig. The people are impersonated by whoever that
    /// context is, since client certificates cannot be had everywhere.
    pub async fn existing(folder: &Folder, context: &str) -> Result<Self> {
        let config = minified(context).await?;
        let admin = folder.write("admin.kubeconfig", &config.to_string())?;
        let admin = Kubectl::new(&admin, install::NAMESPACE).with_real_home();
        refuse_real_requests(&admin, context).await?;

        let cluster = &config["clusters"][0]["cluster"];
        let user = &config["users"][0]["user"];
        let mut users = vec![json!({"name": "admin", "user": user})];
        for name in PEOPLE {
            let mut person = user.clone();
            person["as"] = format!("{name}@example.com").into();
            person["as-groups"] = json!([install::PEOPLE, "system:authenticated"]);
            users.push(json!({"name": name, "user": person}));
        }
        let contexts: Vec<Value> = users
            .iter()
            .map(|user| {
                json!({"name": user["name"], "context": {"cluster": "demo", "user": user["name"], "namespace": REQUESTS}})
            })
            .collect();
        let people = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "demo", "cluster": cluster}],
            "contexts": contexts,
            "users": users,
            "current-context": PEOPLE[0],
        });
        let people = folder.write("demo.kubeconfig", &format!("{people:#}\n"))?;
        Ok(Self {
            admin,
            people: Kubectl::new(&people, REQUESTS).with_real_home(),
            server: cluster["server"]
                .as_str()
                .context("the cluster has a server")?
                .to_owned(),
            authority: authority(cluster)?,
            own: None,
        })
    }

    /// A kubeconfig of one of the installation's service accounts, with a token for a day.
    pub async fn kubeconfig_of(&self, account: &str, folder: &Folder) -> Result<PathBuf> {
        let arguments = ["create", "token", account, "--duration=24h"];
        let token = self.admin.run(&arguments).await?.success()?;
        let identities = [(account, Identity::Token(token.trim().to_owned()))];
        let text = kubeconfig::text(
            &self.server,
            self.authority.as_deref(),
            install::NAMESPACE,
            &identities,
        );
        folder.write(&format!("{account}.kubeconfig"), &text)
    }

    /// Deletes the requests while the controller still runs: without it their finalizers would stay for ever.
    /// A control plane of the demo's own goes as a whole.
    pub async fn leave(&self) -> Result<()> {
        if self.own.is_some() {
            return Ok(());
        }
        let arguments = [
            "--context=admin",
            "delete",
            "accessrequests",
            "--all",
            "--timeout=30s",
        ];
        self.people.run(&arguments).await?.success()?;
        println!("the demo's requests are deleted; this removes the rest of it from the cluster:");
        println!(
            "    kubectl delete namespace {REQUESTS} {}",
            install::NAMESPACE
        );
        println!("    kubectl delete crd accessrequests.jit-access.dev");
        println!(
            "    kubectl delete validatingadmissionpolicy,validatingadmissionpolicybinding {}",
            install::POLICY
        );
        println!("    kubectl delete clusterrolebinding jit-access-controller jit-access-people");
        println!(
            "    kubectl delete clusterrole jit-access-controller jit-access-user jit-access-viewer jit-access-revoker"
        );
        Ok(())
    }
}

/// The context alone, with everything in it that it refers to, from wherever kubectl finds it.
async fn minified(context: &str) -> Result<Value> {
    let output = tokio::process::Command::new(programs::control_plane()?.join("kubectl"))
        .args([
            "config",
            "view",
            "--raw",
            "--minify",
            "--flatten",
            "--output=json",
            "--context",
            context,
        ])
        .output()
        .await
        .context("kubectl cannot be started")?;
    ensure!(
        output.status.success(),
        "the context {context} cannot be used: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Real requests in that cluster would be judged by the simulated Google Cloud.
async fn refuse_real_requests(admin: &Kubectl, context: &str) -> Result<()> {
    let found = admin
        .run(&["get", "accessrequests", "--all-namespaces", "--output=name"])
        .await?;
    if found.code == 0 && !found.stdout.trim().is_empty() {
        bail!(
            "the cluster of context {context} has AccessRequests, on which the demo's controller would act by its simulated \
             Google Cloud: delete them, or take another cluster"
        );
    }
    if found.code != 0
        && !found
            .stderr
            .contains("the server doesn't have a resource type")
    {
        bail!(
            "the cluster of context {context} cannot be used: {}",
            found.stderr.trim()
        );
    }
    Ok(())
}

/// The certificate authority of a flattened cluster entry, PEM.
fn authority(cluster: &Value) -> Result<Option<String>> {
    use base64::Engine as _;
    let Some(encoded) = cluster["certificate-authority-data"].as_str() else {
        return Ok(None);
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded)?;
    Ok(Some(String::from_utf8(bytes)?))
}
