//! Without proof that nobody can speak for another, nothing is decided.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, Setup};
use jit_access_tests::case::{Case, Person, condition};
use jit_access_tests::eventually::eventually;
use jit_access_tests::install;
use jit_access_tests::kubectl::Kubectl;
use jit_access_tests::server::Server;
use serde_json::json;

const ADMIN: &str = "roles/compute.instanceAdmin.v1";
const SOON: Duration = Duration::from_secs(20);
const GAUGE: &str = "jit_access_guard_proven";

fn gauge(metrics: &std::collections::BTreeMap<String, f64>) -> Option<i64> {
    // It is 0 or 1.
    metrics.get(GAUGE).map(|value| value.round() as i64)
}

/// Waits until the controller is unready for this reason.
async fn unproven(controller: &Server, words: &str) -> Result<()> {
    let mut last = String::new();
    let waited = eventually(SOON, async || {
        last = controller.unready().await?.unwrap_or_default();
        Ok(last.contains(words).then_some(()))
    })
    .await;
    waited.with_context(|| format!("{words:?} is not said, but: {last}"))?;
    ensure!(gauge(&controller.metrics().await?) == Some(0));
    Ok(())
}

async fn proven(controller: &Server) -> Result<()> {
    eventually(SOON, async || Ok(controller.is_ready().await.then_some(())))
        .await
        .context("the controller is not ready again")?;
    ensure!(gauge(&controller.metrics().await?) == Some(1));
    Ok(())
}

async fn patch(admin: &Kubectl, kind: &str, name: &str, patch: &str) -> Result<()> {
    admin
        .run(&["patch", kind, name, "--type=json", "--patch", patch])
        .await?
        .success()
        .map(drop)
}

const POLICY: &str = "validatingadmissionpolicy";
const BINDING: &str = "validatingadmissionpolicybinding";

/// What is done to the guard, and a part of what the controller then says.
const DAMAGES: &[(&str, &str, &str)] = &[
    (
        POLICY,
        r#"[{"op": "replace", "path": "/spec/matchConstraints/resourceRules/0/operations", "value": ["CREATE"]}]"#,
        "spec.matchConstraints.resourceRules[0].operations has 1 entries instead of 3",
    ),
    (
        POLICY,
        r#"[{"op": "replace", "path": "/spec/matchConstraints/objectSelector", "value": {"matchLabels": {"guarded": "yes"}}}]"#,
        "spec.matchConstraints.objectSelector.matchLabels was added",
    ),
    (
        POLICY,
        r#"[{"op": "replace", "path": "/spec/failurePolicy", "value": "Ignore"}]"#,
        "spec.failurePolicy differs",
    ),
    (
        POLICY,
        r#"[{"op": "replace", "path": "/spec/matchConditions/0/expression", "value": "request.userInfo.username != 'mallory@example.com'"}]"#,
        "spec.matchConditions[0].expression differs",
    ),
    (
        BINDING,
        r#"[{"op": "replace", "path": "/spec/validationActions", "value": ["Warn"]}]"#,
        "spec.validationActions[0] differs",
    ),
    (
        BINDING,
        r#"[{"op": "replace", "path": "/spec/paramRef/name", "value": "another"}]"#,
        "spec.paramRef.name differs",
    ),
    (
        BINDING,
        r#"[{"op": "replace", "path": "/spec/paramRef/parameterNotFoundAction", "value": "Allow"}]"#,
        "spec.paramRef.parameterNotFoundAction differs",
    ),
    (
        BINDING,
        r#"[{"op": "add", "path": "/spec/matchResources", "value": {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}}]"#,
        "spec.matchResources was added",
    ),
];

#[tokio::test]
async fn attack_25_a_guard_that_is_another_is_none() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let controller = bench.controller()?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    proven(controller).await?;
    for (kind, damage, said) in DAMAGES {
        patch(&admin, kind, install::POLICY, damage).await?;
        unproven(controller, said).await?;
        install::make_guard_anew(&admin).await?;
        proven(controller).await?;
    }
    // A second binding.
    let second = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "a-second-one"},
        "spec": {"policyName": install::POLICY, "validationActions": ["Audit"]},
    });
    admin.apply(second).await?.success()?;
    unproven(controller, "a-second-one binds jit-access-identity too").await?;
    admin
        .run(&["delete", BINDING, "a-second-one"])
        .await?
        .success()?;
    proven(controller).await?;
    // Absent.
    install::remove_guard(&admin).await?;
    unproven(controller, "is not there").await?;
    install::put_guard_back(&admin).await?;
    proven(controller).await
}

#[tokio::test]
async fn attack_25_a_probe_that_others_refuse_is_no_proof() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let controller = bench.controller()?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    // RBAC.
    let nothing = r#"[{"op": "remove", "path": "/rules/0"}]"#;
    patch(&admin, "role", "jit-access-controller", nothing).await?;
    touch(&admin).await?;
    unproven(controller, "cannot create resource").await?;
    let roles = install::chart(&["templates/roles-of-controller.yaml"]).await?;
    let apply = ["--namespace=", "apply", "--filename=-"];
    admin.run_with(&apply, &roles).await?.success()?;
    proven(controller).await?;
    // The schema.
    let rule = r#"[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/justification/minLength", "value": 900}]"#;
    patch(&admin, "crd", "accessrequests.jit-access.dev", rule).await?;
    touch(&admin).await?;
    unproven(controller, "should be at least 900 chars long").await
}

#[tokio::test]
async fn attack_25_a_probe_that_another_policy_refuses_is_no_proof() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let controller = bench.controller()?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    // Of all policies that refuse, the API server names one: among so many, one of the others.
    for round in 0..5 {
        let mut items = Vec::new();
        for number in 0..12 {
            let name = format!("another-{round}-{number}");
            items.push(json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name, "labels": {"another": "yes"}},
                "spec": {
                    "matchConstraints": {"resourceRules": [{
                        "apiGroups": ["jit-access.dev"], "apiVersions": ["*"],
                        "operations": ["CREATE"], "resources": ["accessrequests"],
                    }]},
                    "validations": [{
                        "expression": "object.metadata.name != 'identity-probe'",
                        "reason": "Forbidden",
                        // In the very words of ours.
                        "messageExpression": "'spec.requester must be you, ' + request.userInfo.username",
                    }],
                },
            }));
            items.push(json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name, "labels": {"another": "yes"}},
                "spec": {"policyName": name, "validationActions": ["Deny"]},
            }));
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        admin.apply(list).await?.success()?;
        let mut last = None;
        for _ in 0..20 {
            touch(&admin).await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            last = controller.unready().await?;
            if last.is_some() {
                break;
            }
        }
        let kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy";
        admin
            .run(&["delete", kinds, "--selector=another=yes"])
            .await?
            .success()?;
        if let Some(said) = last {
            assert!(
                said.contains("ValidatingAdmissionPolicy 'another-"),
                "{said}"
            );
            return proven(controller).await;
        }
    }
    anyhow::bail!("the API server never named another policy");
}

/// The controller looks whenever the ConfigMap of namespaces changes, not only every minute.
async fn touch(admin: &Kubectl) -> Result<()> {
    let now = jiff::Timestamp::now().as_nanosecond().to_string();
    let label = format!("touched=at-{now}");
    admin
        .run(&[
            "label",
            "--overwrite",
            "configmap",
            install::NAMESPACES,
            &label,
        ])
        .await?
        .success()
        .map(drop)
}

/// Alice asks, Bob could approve, Mallory is anybody.
async fn three(case: &Case<'_>) -> Result<[Person; 3]> {
    let people = [
        case.person("alice").await?,
        case.person("bob").await?,
        case.person("mallory").await?,
    ];
    for person in &people[..2] {
        case.peer_eligible(person, ADMIN).await?;
    }
    case.eligible(&people[0], ADMIN).await?;
    Ok(people)
}

#[tokio::test]
async fn attack_25_what_was_forged_in_a_gap_is_asked_again() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let controller = bench.controller()?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    let case = Case::new(&bench).await?;
    let [alice, bob, mallory] = three(&case).await?;
    let request = case.request("running", &alice, ADMIN);
    case.submit(&alice, &request).await?;
    case.wait_for("running", AccessState::Active).await?;
    let request = case.request("waiting", &alice, ADMIN);
    case.submit(&alice, &request.reviewers(&[&bob.email]))
        .await?;
    case.wait_for("waiting", AccessState::AwaitingApproval)
        .await?;
    let writes = case.calls("setIamPolicy", &case.project).await?.len();

    install::remove_guard(&admin).await?;
    unproven(controller, "is not there").await?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob",
        case.uid8("waiting").await?
    );
    mallory
        .annotate("waiting", &key, &bob.email)
        .await?
        .success()?;
    // In Alice's name too.
    case.submit(&mallory, &case.request("forged", &alice, ADMIN))
        .await?;
    for name in ["waiting", "forged"] {
        let held = case.wait_for(name, AccessState::Pending).await?;
        let said = &condition(&held, "Granted")?.message;
        assert!(said.contains("is not proven for now"), "{said}");
    }
    // Access ends all the same.
    case.delete(&alice, "running").await?.success()?;
    case.wait_until_gone("running").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);

    install::put_guard_back(&admin).await?;
    proven(controller).await?;
    for name in ["waiting", "forged"] {
        let failed = case.wait_for(name, AccessState::Failed).await?;
        let said = &condition(&failed, "Granted")?.message;
        assert!(said.contains("create it again"), "{said}");
    }
    let written = case.calls("setIamPolicy", &case.project).await?.len();
    assert_eq!(written, writes + 1, "the removal alone");
    // The margin of the bench, and the second in which the policy was made.
    tokio::time::sleep(Duration::from_secs(2)).await;
    case.submit(&alice, &case.request("again", &alice, ADMIN))
        .await?;
    case.wait_for("again", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn attack_25_a_gap_that_nobody_saw_shows_in_the_generation() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    let (place, bob);
    {
        let case = Case::new(&bench).await?;
        let [alice, reviewer, _] = three(&case).await?;
        let request = case.request("waiting", &alice, ADMIN);
        case.submit(&alice, &request.reviewers(&[&reviewer.email]))
            .await?;
        case.wait_for("waiting", AccessState::AwaitingApproval)
            .await?;
        (place, bob) = (case.place(), reviewer.email);
    }
    bench.controller_mut()?.kill_hard()?;
    let narrowed = r#"[{"op": "replace", "path": "/spec/matchConstraints/resourceRules/0/operations", "value": ["CREATE"]}]"#;
    patch(&admin, POLICY, install::POLICY, narrowed).await?;
    let case = Case::at(&bench, &place).await?;
    let mallory = case.known_person(&format!("mallory-{}@example.com", case.id))?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob",
        case.uid8("waiting").await?
    );
    eventually(SOON, async || {
        let tried = mallory.annotate("waiting", &key, &bob).await?;
        Ok((tried.code == 0).then_some(()))
    })
    .await?;
    install::put_guard_back(&admin).await?;
    bench.controller_mut()?.start_again().await?;
    let case = Case::at(&bench, &place).await?;
    let failed = case.wait_for("waiting", AccessState::Failed).await?;
    let said = &condition(&failed, "Granted")?.message;
    assert!(said.contains("create it again"), "{said}");
    assert_eq!(case.calls("setIamPolicy", &case.project).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_the_guard() -> Result<()> {
    let mut bench = Bench::start(Setup::default()).await?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    // Not its first generation any more.
    let label = r#"[{"op": "replace", "path": "/spec/failurePolicy", "value": "Ignore"}]"#;
    patch(&admin, POLICY, install::POLICY, label).await?;
    unproven(bench.controller()?, "spec.failurePolicy").await?;
    install::put_guard_back(&admin).await?;
    proven(bench.controller()?).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let place;
    {
        let case = Case::new(&bench).await?;
        let [alice, bob, _] = three(&case).await?;
        let request = case.request("waiting", &alice, ADMIN);
        case.submit(&alice, &request.reviewers(&[&bob.email]))
            .await?;
        case.wait_for("waiting", AccessState::AwaitingApproval)
            .await?;
        place = case.place();
    }
    bench.controller_mut()?.start_again().await?;
    let case = Case::at(&bench, &place).await?;
    let bob = case.known_person(&format!("bob-{}@example.com", case.id))?;
    let key = format!(
        "approved-by.jit-access.dev/{}-bob",
        case.uid8("waiting").await?
    );
    bob.annotate("waiting", &key, &bob.email).await?.success()?;
    case.wait_for("waiting", AccessState::Active).await?;
    Ok(())
}

#[tokio::test]
async fn without_the_list_of_namespaces_nothing_is_written_and_an_empty_one_cures_it() -> Result<()>
{
    let bench = Bench::start(Setup::default()).await?;
    let controller = bench.controller()?;
    let admin = bench.admin_kubectl(install::NAMESPACE)?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    case.submit(&alice, &case.request("disk", &alice, ADMIN))
        .await?;
    case.wait_for("disk", AccessState::Active).await?;
    admin
        .run(&["delete", "configmap", install::NAMESPACES])
        .await?
        .success()?;
    unproven(controller, "jit-access-namespaces is not there").await?;
    eventually(SOON, async || {
        let deleted = case.delete(&alice, "disk").await?;
        Ok(deleted.stderr.contains(install::POLICY).then_some(()))
    })
    .await?;
    // The cure of docs/operate.md.
    admin
        .run(&["create", "configmap", install::NAMESPACES])
        .await?
        .success()?;
    eventually(SOON, async || {
        let deleted = case.delete(&alice, "disk").await?;
        Ok((deleted.code == 0).then_some(()))
    })
    .await?;
    case.wait_until_gone("disk").await?;
    assert_eq!(case.grants(&case.project).await?.len(), 0);
    Ok(())
}
