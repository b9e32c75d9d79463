//! The test bench itself: what it starts works, and nothing of it stays.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jit_access_tests::control_plane::{ControlPlane, Options};
use jit_access_tests::eventually::eventually;
use jit_access_tests::folder::Folder;
use jit_access_tests::process::{Process, Start};
use jit_access_tests::programs;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::PostParams;

fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[tokio::test]
async fn a_control_plane_keeps_its_data_over_restarts_and_leaves_nothing() -> Result<()> {
    let mut control_plane = ControlPlane::start(Options::default()).await?;
    let maps: Api<ConfigMap> = Api::namespaced(control_plane.admin().await?, "default");
    let mut map = ConfigMap::default();
    map.metadata.name = Some("kept".to_owned());
    maps.create(&PostParams::default(), &map).await?;

    control_plane.stop_api_server()?;
    assert!(maps.get("kept").await.is_err());
    control_plane.start_api_server().await?;
    maps.get("kept").await?;

    control_plane.stop_etcd()?;
    control_plane.start_etcd().await?;
    maps.get("kept").await?;

    let (pids, folder) = (
        control_plane.pids(),
        control_plane.folder().path().to_path_buf(),
    );
    assert!(pids.iter().all(|pid| exists(*pid)) && folder.is_dir());
    drop(control_plane);
    assert!(!pids.iter().any(|pid| exists(*pid)) && !folder.exists());
    Ok(())
}

#[tokio::test]
async fn users_are_who_their_certificates_and_tokens_say() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let namespaces: Api<Namespace> =
        Api::all(control_plane.client_as("alice@example.com", None).await?);
    let refusal = namespaces.list(&kube::api::ListParams::default()).await;
    let sentence = refusal
        .err()
        .context("alice may not list namespaces")?
        .to_string();
    assert!(
        sentence.contains(r#"User "alice@example.com" cannot list resource "namespaces""#),
        "{sentence}"
    );

    let identity = control_plane.service_account("default", "robot").await?;
    let robot =
        jit_access_tests::kubeconfig::client(&control_plane.kubeconfig_text(identity)).await?;
    let refusal = Api::<Namespace>::all(robot)
        .list(&kube::api::ListParams::default())
        .await;
    let sentence = refusal
        .err()
        .context("a robot may not list namespaces")?
        .to_string();
    assert!(
        sentence.contains("system:serviceaccount:default:robot"),
        "{sentence}"
    );
    Ok(())
}

#[tokio::test]
async fn a_namespace_and_what_is_in_it_can_be_deleted_with_the_controller_manager() -> Result<()> {
    let control_plane = ControlPlane::start(Options {
        controller_manager: true,
        ..Options::default()
    })
    .await?;
    let namespaces: Api<Namespace> = Api::all(control_plane.admin().await?);
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("short-lived".to_owned());
    namespaces
        .create(&PostParams::default(), &namespace)
        .await?;
    namespaces
        .delete("short-lived", &kube::api::DeleteParams::default())
        .await?;
    eventually(Duration::from_secs(30), async || {
        Ok(namespaces
            .get_opt("short-lived")
            .await?
            .is_none()
            .then_some(()))
    })
    .await
}

/// A server that ignores SIGTERM.
fn stubborn(folder: &Folder) -> Start {
    Start {
        name: "stubborn".to_owned(),
        program: "/bin/sh".into(),
        arguments: vec![
            "-c".to_owned(),
            "trap 'echo heard' TERM; echo up; while :; do sleep 0.05; done".to_owned(),
        ],
        environment: Vec::new(),
        logs: folder.path().to_path_buf(),
    }
}

#[tokio::test]
async fn a_stubborn_server_is_killed_after_its_grace() -> Result<()> {
    let folder = Folder::new()?;
    let mut server = Process::start(&stubborn(&folder))?;
    server.wait_for_line("up", 0).await?;
    let status = server.stop()?;
    assert_eq!(status.code(), Some(128 + 9));
    assert!(server.output().contains("heard"), "SIGTERM came first");
    assert!(!exists(server.pid()));
    Ok(())
}

#[tokio::test]
async fn no_server_outlives_a_killed_test_process() -> Result<()> {
    let folder = Folder::new()?;
    // The shell stands for a test process: it holds the pipe that the leash hangs on.
    let script = format!(
        "sleep 60 | {} {} /bin/sleep 60",
        programs::built("leash")?.display(),
        folder.path().join("orphan.log").display()
    );
    let mut holder = Command::new("/bin/sh");
    holder
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The shell tells of the kill.
        .stderr(Stdio::null());
    let mut holder = holder.spawn()?;
    let mut line = String::new();
    let output = holder.stdout.take().context("the shell has no output")?;
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)?;
    let server: u32 = line.trim().parse()?;
    ensure!(exists(server));
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.id()))?;
    let writer = children.split_whitespace().find(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.trim() == "sleep")
    });
    let writer = writer.context("the shell has no child that writes")?;
    ensure!(
        Command::new("/bin/sh")
            .args(["-c", &format!("kill -9 {writer}")])
            .status()?
            .success()
    );
    eventually(Duration::from_secs(5), async || {
        Ok((!exists(server)).then_some(()))
    })
    .await?;
    holder.wait()?;
    Ok(())
}
