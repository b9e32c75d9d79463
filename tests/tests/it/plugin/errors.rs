//! What goes wrong is a sentence that says what to do.

use std::path::Path;

use anyhow::Result;
use jit_access_tests::bench::Bench;
use jit_access_tests::case::Case;
use jit_access_tests::control_plane::{ControlPlane, Options};
use jit_access_tests::kubeconfig::{self, Identity};
use jit_access_tests::ports;

use super::{ADMIN, asks, fits, jit, new, plugin, run};

/// What a command that fails says, in one line.
async fn told(kubeconfig: &Path, words: &[&str]) -> Result<String> {
    let mut command = plugin(kubeconfig)?;
    command.args(words);
    let printed = run(command).await?;
    fits(&printed);
    assert_eq!(
        (printed.code, printed.stdout.as_str()),
        (1, ""),
        "{}",
        printed.stderr
    );
    Ok(printed
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" "))
}

#[tokio::test]
async fn a_wrong_field_is_refused_with_the_api_servers_sentence() -> Result<()> {
    let (case, alice) = new().await?;
    for (flag, value, sentence) in [
        (
            "--resource",
            "web-prod",
            "must be projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER",
        ),
        (
            "--start",
            "tomorrow",
            "must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z",
        ),
        (
            "--reviewer",
            &alice.email,
            "nobody approves their own request: name somebody else as reviewer",
        ),
    ] {
        let mut words = asks(&case, ADMIN);
        words.retain(|word| flag != "--resource" || (*word != flag && *word != case.project));
        words.extend([flag, value]);
        let printed = jit(&case, &alice, &words).await?;
        let told = printed
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(printed.code, 1);
        assert!(told.contains(sentence), "{told}");
    }
    assert_eq!(
        case.requests()
            .list(&kube::api::ListParams::default())
            .await?
            .items
            .len(),
        0
    );
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed() -> Result<()> {
    let bench = Bench::shared().await?;
    let case = Case::new(bench).await?;
    let alice = case.person("alice").await?;
    let alice = alice.kubectl.kubeconfig();
    let namespace = case.namespace.as_str();
    for command in ["wait", "approve", "deny", "revoke"] {
        let told = told(alice, &[command, "nothing", "-n", namespace]).await?;
        let sentence = format!("there is no AccessRequest nothing in namespace {namespace}");
        assert!(told.contains(&sentence), "{command}: {told}");
    }
    // Nobody gave this one any rights; the namespace is that of the context.
    let control_plane = &bench.control_plane;
    let stranger = control_plane.kubeconfig_for(&format!("eve-{}@example.com", case.id), None)?;
    let refusal = told(&stranger, &["list", "--mine"]).await?;
    assert!(
        refusal.contains("cannot list resource \"accessrequests\""),
        "{refusal}"
    );
    assert!(
        refusal.contains("ClusterRole jit-access-user in namespace default"),
        "{refusal}"
    );
    // Nobody at all.
    let anonymous = control_plane.kubeconfig_text(Identity::Token("nonsense".to_owned()));
    let file = format!("anonymous-{}.kubeconfig", case.id);
    let anonymous = control_plane.folder().write(&file, &anonymous)?;
    let refusal = told(&anonymous, &["list", "--mine"]).await?;
    assert!(
        refusal.contains("does not know you: log in again"),
        "{refusal}"
    );
    // An administrator is no person.
    let admin = control_plane.admin_kubeconfig()?;
    let refusal = told(&admin, &["approve", "x"]).await?;
    assert!(
        refusal.contains("knows you as \"admin\", which is not the e-mail address"),
        "{refusal}"
    );
    Ok(())
}

#[tokio::test]
async fn no_cluster_no_answer_and_no_installation() -> Result<()> {
    let bare = ControlPlane::start(Options::default()).await?;
    let folder = bare.folder();
    let alice = bare.kubeconfig_for("alice@example.com", Some("system:masters"))?;
    let refusal = told(&alice, &["list"]).await?;
    assert!(
        refusal.contains("has no AccessRequests: JIT Access is not installed there"),
        "{refusal}"
    );
    let refusal = told(&alice, &["list", "--context", "other"]).await?;
    assert!(
        refusal.contains("the kubeconfig has no context \"other\""),
        "{refusal}"
    );

    let refusal = told(&folder.path().join("none"), &["list"]).await?;
    assert!(refusal.contains("there is no cluster to ask"), "{refusal}");
    assert!(refusal.contains("--kubeconfig or KUBECONFIG"), "{refusal}");

    let closed = format!("https://127.0.0.1:{}", ports::free()?);
    let away = kubeconfig::text(&closed, None, "default", &[("user", Identity::Anonymous)]);
    let away = folder.write("away.kubeconfig", &away)?;
    let refusal = told(&away, &["list"]).await?;
    assert!(
        refusal.contains(&format!("{closed} does not answer")),
        "{refusal}"
    );
    assert!(refusal.contains("--context"), "{refusal}");
    Ok(())
}
