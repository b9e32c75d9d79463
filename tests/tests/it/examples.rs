//! The manifests in `docs/examples/` do what their comments say, in the demo's world.

use std::path::PathBuf;

use anyhow::{Context, Result};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{condition, state};
use jit_access_tests::eventually::eventually;
use jit_access_tests::{install, kubectl::Kubectl, programs};
use kube::Api;
use serde_json::Value;

/// Each example, who applies it, its state, and words of its message or of its first condition.
const EXAMPLES: [(&str, &str, AccessState); 10] = [
    ("first-request", "alice", AccessState::Active),
    ("several-roles", "alice", AccessState::Active),
    ("through-a-nested-group", "carol", AccessState::Active),
    ("on-a-folder", "bob", AccessState::Active),
    ("on-the-organization", "bob", AccessState::Active),
    ("inherited-from-a-folder", "alice", AccessState::Active),
    ("narrowed", "alice", AccessState::Active),
    ("for-a-peer", "alice", AccessState::AwaitingApproval),
    ("refused-not-eligible", "carol", AccessState::Ineligible),
    ("refused-needs-a-peer", "alice", AccessState::Ineligible),
];

fn folder() -> PathBuf {
    programs::repository().join("docs/examples")
}

#[test]
fn every_example_is_tested() -> Result<()> {
    let mut files: Vec<String> = std::fs::read_dir(folder())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    // Folders hold what is not for the demo.
    files.retain(|name| name.contains('.'));
    files.sort();
    let mut tested: Vec<String> = EXAMPLES
        .iter()
        .map(|(name, ..)| format!("{name}.yaml"))
        .collect();
    tested.sort();
    assert_eq!(files, tested);
    Ok(())
}

#[tokio::test]
async fn the_examples_do_what_they_say() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let world = programs::repository().join("tests/google-cloud/worlds/demo.json");
    let world: Value = serde_json::from_str(&std::fs::read_to_string(world)?)?;
    bench.simulator.add(&world).await?;
    let namespace = "jit-requests";
    let requests: Api<AccessRequest> =
        Api::namespaced(bench.control_plane.admin().await?, namespace);
    for (name, person, wanted) in EXAMPLES {
        let email = format!("{person}@example.com");
        let kubeconfig = bench
            .control_plane
            .kubeconfig_for(&email, Some(install::PEOPLE))?;
        let file = folder().join(format!("{name}.yaml"));
        let file = format!("--filename={}", file.display());
        Kubectl::new(&kubeconfig, namespace)
            .run(&["apply", &file])
            .await?
            .success()
            .with_context(|| name.to_owned())?;
        let request = eventually(std::time::Duration::from_secs(20), async || {
            let request = requests.get(name).await?;
            Ok(state(&request)
                .is_some_and(|state| state == wanted || state.is_final())
                .then_some(request))
        })
        .await
        .with_context(|| name.to_owned())?;
        assert_eq!(request.spec.requester, email, "{name}");
        assert_eq!(
            state(&request),
            Some(wanted),
            "{name}: {:?}",
            request.status
        );
        let eligible = wanted != AccessState::Ineligible;
        let expected = if eligible { "True" } else { "False" };
        assert_eq!(condition(&request, "Eligible")?.status, expected, "{name}");
        if wanted == AccessState::Active {
            for role in &request.spec.roles {
                // A role on some machines only is had on those.
                let bindings = bench.simulator.policy(&request.spec.resource).await?;
                let title = format!(
                    "jit-access {}",
                    request.metadata.uid.as_deref().unwrap_or_default()
                );
                let ours = bindings["bindings"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|binding| {
                        binding["role"] == role.as_str()
                            && binding["condition"]["title"] == title.as_str()
                    });
                assert!(ours, "{name} {role}");
            }
        }
    }
    assert!(
        bench
            .simulator
            .has_role(
                "alice@example.com",
                "projects/web-prod",
                "roles/compute.instanceAdmin.v1"
            )
            .await?
    );
    Ok(())
}
