//! Approving and denying, on a bench without controller: what is written stays, undecided.

use std::time::Duration;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::api_proxy::{ApiProxy, Moment, Pattern};
use jit_access_tests::bench::Bench;
use jit_access_tests::case::{Case, Person};
use jit_access_tests::eventually::eventually;
use jit_access_tests::{install, kubeconfig, programs};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{ADMIN, asks, jit, plugin, run};

struct Peers<'a> {
    case: Case<'a>,
    alice: Person,
    bob: Person,
    carol: Person,
}

impl<'a> Peers<'a> {
    /// Alice asks bob and carol for `disk`, which the controller says is theirs to decide.
    async fn new(bench: &'a Bench) -> Result<Self> {
        let case = Case::new(bench).await?;
        let alice = case.person("alice").await?;
        let bob = case.person("bob").await?;
        let carol = case.person("carol").await?;
        let request = case
            .request("disk", &alice, ADMIN)
            .reviewers(&[&bob.email, &carol.email]);
        case.submit(&alice, &request).await?;
        let this = Self {
            case,
            alice,
            bob,
            carol,
        };
        this.becomes(AccessState::AwaitingApproval).await?;
        Ok(this)
    }

    /// As the controller would say it.
    async fn becomes(&self, state: AccessState) -> Result<()> {
        let control_plane = &self.case.bench.control_plane;
        let identity = install::controller_identity(control_plane).await?;
        let client = kubeconfig::client(&control_plane.kubeconfig_text(identity)).await?;
        let requests: Api<AccessRequest> = Api::namespaced(client, &self.case.namespace);
        let status = json!({"status": {"conditions": [{
            "type": "Granted", "status": "False", "reason": state.as_str(),
            "message": "by a test", "lastTransitionTime": "2026-11-23T20:00:00Z",
        }]}});
        let parameters = PatchParams::default();
        requests
            .patch_status("disk", &parameters, &Patch::Merge(&status))
            .await?;
        Ok(())
    }

    /// The decisions on `disk`, and its version.
    async fn decisions(&self) -> Result<(Vec<(String, String)>, Option<String>)> {
        let metadata = self.case.requests().get("disk").await?.metadata;
        let mut annotations: Vec<(String, String)> = metadata
            .annotations
            .unwrap_or_default()
            .into_iter()
            .collect();
        annotations.retain(|(key, _)| key.contains("-by.jit-access.dev/"));
        Ok((annotations, metadata.resource_version))
    }

    async fn uid(&self) -> Result<String> {
        let uid = self.case.requests().get("disk").await?.metadata.uid;
        uid.context("the request has no UID")
    }

    async fn refused(&self, person: &Person, words: &[&str]) -> Result<String> {
        let before = self.decisions().await?;
        let printed = jit(&self.case, person, words).await?;
        assert_eq!(printed.code, 1, "{}", printed.stdout);
        assert_eq!(self.decisions().await?, before);
        // Broken into lines at spaces.
        Ok(printed
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "))
    }
}

#[tokio::test]
async fn reviewers_decide_in_their_own_names_and_nobody_else_does() -> Result<()> {
    let bench = Bench::without_controller().await?;
    approves(&Peers::new(&bench).await?).await?;
    refuses(&Peers::new(&bench).await?).await?;
    denies(&Peers::new(&bench).await?).await?;
    writes_under_a_name_of_its_own(&Peers::new(&bench).await?).await?;
    completes(&Peers::new(&bench).await?).await?;
    says_that_the_list_of_namespaces_is_gone(&Peers::new(&bench).await?).await
}

async fn approves(peers: &Peers<'_>) -> Result<()> {
    let Peers {
        case, bob, carol, ..
    } = peers;
    let waiting = jit(case, bob, &["list", "--waiting"]).await?.success()?;
    assert!(waiting.contains("disk"), "{waiting}");

    let printed = jit(case, bob, &["approve", "disk", "--comment", "looks right"]).await?;
    let (notes, shown) = (printed.stderr.clone(), printed.success()?);
    for said in [
        &peers.alice.email,
        &case.project,
        ADMIN,
        "10m",
        "CASE-1: a test",
        &carol.email,
    ] {
        assert!(shown.contains(said), "{shown}");
    }
    let key = format!(
        "approved-by.jit-access.dev/{}-bob-{}",
        &peers.uid().await?[..8],
        case.id
    );
    let withdraw = format!("kubectl annotate areq disk -n {} {key}-", case.namespace);
    assert!(
        notes.lines().any(|line| line.ends_with(&withdraw)),
        "{notes}"
    );
    let approval = (key, format!("{}: looks right", bob.email));
    let (decided, version) = peers.decisions().await?;
    assert_eq!(decided.as_slice(), std::slice::from_ref(&approval));

    // Once is enough.
    let printed = jit(case, bob, &["approve", "disk", "-o", "json"]).await?;
    assert!(
        printed.stderr.contains("you have approved disk before"),
        "{}",
        printed.stderr
    );
    let printed: Value = serde_json::from_str(&printed.success()?)?;
    assert_eq!(printed["metadata"]["annotations"][&approval.0], approval.1);
    assert_eq!(peers.decisions().await?, (decided, version));
    let waiting = jit(case, bob, &["list", "--waiting"]).await?;
    assert!(
        waiting.stderr.contains("waits for your decision"),
        "{}",
        waiting.stderr
    );
    assert_eq!(waiting.success()?, "");
    let waiting = jit(case, carol, &["list", "--waiting"]).await?.success()?;
    assert!(waiting.contains("disk"), "{waiting}");
    Ok(())
}

async fn refuses(peers: &Peers<'_>) -> Result<()> {
    let Peers {
        case,
        alice,
        bob,
        carol,
    } = peers;
    let eve = case.person("eve").await?;
    for word in ["approve", "deny"] {
        let told = peers.refused(&eve, &[word, "disk"]).await?;
        let expected = format!(
            "only its reviewers approve or deny disk: {}, {}; you ({}) are none of them",
            bob.email, carol.email, eve.email
        );
        assert!(told.contains(&expected), "{told}");
    }
    let told = peers.refused(alice, &["approve", "disk"]).await?;
    assert!(told.contains("nobody approves their own request"), "{told}");
    let told = peers
        .refused(bob, &["approve", "disk", "--comment", "two\nlines"])
        .await?;
    assert!(told.contains("--comment must be one line"), "{told}");
    peers.becomes(AccessState::TimedOut).await?;
    let told = peers.refused(bob, &["approve", "disk"]).await?;
    assert!(
        told.contains("disk has ended and stays so; TimedOut"),
        "{told}"
    );

    let alone = case.request("alone", alice, ADMIN);
    case.submit(alice, &alone).await?;
    let told = peers.refused(bob, &["approve", "alone"]).await?;
    assert!(told.contains("alone names no reviewers"), "{told}");
    Ok(())
}

async fn denies(peers: &Peers<'_>) -> Result<()> {
    let Peers { case, carol, .. } = peers;
    let words = ["deny", "disk", "--comment", "use the script", "-o", "json"];
    let denied = jit(case, carol, &words).await?.success()?;
    let denied: Value = serde_json::from_str(&denied)?;
    let (decided, _) = peers.decisions().await?;
    assert_eq!(decided.len(), 1, "{decided:?}");
    let (key, value) = &decided[0];
    assert!(key.starts_with("denied-by.jit-access.dev/"), "{key}");
    assert_eq!(*value, format!("{}: use the script", carol.email));
    assert_eq!(denied["metadata"]["annotations"][key], value.as_str());
    let told = peers.refused(carol, &["approve", "disk"]).await?;
    assert!(told.contains("which is never taken back"), "{told}");
    Ok(())
}

/// Between what the plugin showed and what it writes the request is deleted and made again.
#[tokio::test]
async fn attack_5_what_was_shown_is_what_is_written_to() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let peers = Peers::new(&bench).await?;
    let Peers {
        case,
        alice,
        bob,
        carol,
    } = &peers;
    let uid = peers.uid().await?;
    let proxy = ApiProxy::start(&std::fs::read_to_string(bob.kubectl.kubeconfig())?).await?;
    let kubeconfig = case.bench.control_plane.folder().write(
        &format!("proxied-{}.kubeconfig", case.id),
        &proxy.kubeconfig_text(&case.namespace),
    )?;
    for word in ["approve", "deny", "revoke"] {
        let mut held = proxy.hold(Pattern::requests().method("PATCH"), 0, Moment::Before);
        let mut command = plugin(&kubeconfig)?;
        command.args([word, "disk"]);
        let decides = run(command);
        let swaps = async {
            let write = held.reached(Duration::from_secs(30)).await?;
            assert!(write.body["metadata"]["uid"].is_string(), "{write:?}");
            case.delete(alice, "disk").await?.success()?;
            let another = case
                .request("disk", alice, "roles/owner")
                .reviewers(&[&bob.email, &carol.email]);
            case.submit(alice, &another).await?;
            held.release();
            anyhow::Ok(())
        };
        let (printed, swapped) = tokio::join!(decides, swaps);
        swapped?;
        let printed = printed?;
        assert_eq!(printed.code, 1, "{word}: {}", printed.stdout);
        assert!(
            printed.stderr.contains("nothing was written"),
            "{word}: {}",
            printed.stderr
        );
        assert_ne!(peers.uid().await?, uid);
        assert_eq!(peers.decisions().await?.0, [], "{word}");
    }
    Ok(())
}

/// What Flux takes over, and drops, begins with `kubectl`.
async fn writes_under_a_name_of_its_own(peers: &Peers<'_>) -> Result<()> {
    jit(&peers.case, &peers.bob, &["approve", "disk"])
        .await?
        .success()?;
    let request = peers.case.requests().get("disk").await?;
    let fields = request.metadata.managed_fields.unwrap_or_default();
    let managers: Vec<String> = fields
        .iter()
        .filter(|entry| {
            let fields = serde_json::to_string(&entry.fields_v1).unwrap_or_default();
            fields.contains("approved-by.jit-access.dev")
        })
        .filter_map(|entry| entry.manager.clone())
        .collect();
    assert_eq!(managers, ["jit-access-plugin"]);
    Ok(())
}

/// The last on its bench: nothing can be written after it.
async fn says_that_the_list_of_namespaces_is_gone(peers: &Peers<'_>) -> Result<()> {
    let Peers { case, alice, .. } = peers;
    case.bench
        .admin_kubectl(install::NAMESPACE)?
        .run(&["delete", "configmap", install::NAMESPACES])
        .await?
        .success()?;
    // The API server may take a moment to see it.
    eventually(Duration::from_secs(20), async || {
        let printed = jit(case, alice, &asks(case, ADMIN)).await?;
        let told = "JIT Access's list of namespaces is gone";
        Ok(printed.stderr.contains(told).then_some(()))
    })
    .await
}

/// kubectl asks the program `kubectl_complete-jit`, which is the same one under another name.
async fn completes(peers: &Peers<'_>) -> Result<()> {
    let folder = peers.case.bench.control_plane.folder().path();
    let bin = folder.join(format!("bin-{}", peers.case.id));
    std::fs::create_dir(&bin)?;
    let program = programs::built("kubectl-jit")?;
    for name in ["kubectl-jit", "kubectl_complete-jit"] {
        std::os::unix::fs::symlink(&program, bin.join(name))?;
    }
    let complete = async |person: &Person, words: &[&str]| -> Result<Vec<String>> {
        let mut kubectl = Command::new(programs::control_plane()?.join("kubectl"));
        kubectl
            .args(["__complete", "jit"])
            .args(words)
            .env("KUBECONFIG", person.kubectl.kubeconfig())
            .env("PATH", &bin);
        let printed = run(kubectl).await?.success()?;
        Ok(printed.lines().map(str::to_owned).collect())
    };
    let namespace = peers.case.namespace.as_str();
    let words = complete(&peers.bob, &["approve", "-n", namespace, ""]).await?;
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].starts_with("disk\t"), "{words:?}");
    assert_eq!(words[1], ":4");
    let words = complete(&peers.alice, &["approve", "-n", namespace, ""]).await?;
    assert_eq!(words, [":4"]);
    let words = complete(&peers.alice, &["li"]).await?;
    assert!(words[0].starts_with("list\t"), "{words:?}");
    Ok(())
}
