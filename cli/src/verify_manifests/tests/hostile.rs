//! What somebody might hide in a manifest, or make an agent do with it.

use super::*;

#[test]
fn attack_8_an_agent_lives_elsewhere_than_the_requests() {
    let inside = manifest(&[], "").replace("flux-system:approvals", "gitops:approvals");
    assert!(fault(&inside).contains("lives among the requests"));
    // The namespace that the command names is that of the manifests without one.
    let expected = Expected {
        agent: None,
        namespace: Some("gitops".to_owned()),
    };
    let inside = inside.replace("  namespace: gitops\n", "");
    let faults = report(&inside, expected.clone()).faults;
    assert!(
        faults[0].line().contains("lives among the requests"),
        "{faults:?}"
    );
    // Nor in another namespace of requests, whichever of the two stands first.
    let other = manifest(&[], "").replace("namespace: gitops", "namespace: flux-system");
    for text in [
        format!("{}\n---\n{other}", manifest(&[], "")),
        format!("{other}\n---\n{}", manifest(&[], "")),
    ] {
        let faults = report(&text, Expected::default()).faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        for fault in faults {
            assert!(
                fault.line().contains("in namespace flux-system"),
                "{fault:?}"
            );
        }
    }
    let other = manifest(&[], "").replace("namespace: gitops", "namespace: other");
    let faults = report(&other, expected).faults;
    assert!(
        faults[0].line().contains("all of these are for gitops"),
        "{faults:?}"
    );
}

#[test]
fn attack_21_what_steers_an_agent_is_refused() {
    for (key, value) in [
        ("kustomize.toolkit.fluxcd.io/force", "Enabled"),
        ("kustomize.toolkit.fluxcd.io/ssa", "Override"),
        (
            "argocd.argoproj.io/sync-options",
            "Prune=false, Replace=true",
        ),
        ("argocd.argoproj.io/sync-options", "Force=true"),
        ("argocd.argoproj.io/hook", "PreSync"),
        ("helm.sh/hook", "pre-install"),
    ] {
        let told = fault(&manifest(&[(key, value)], ""));
        assert!(
            told.starts_with(&format!("metadata.annotations[{key}]: ")),
            "{told}"
        );
    }
    let label = manifest(&[], "").replace(
        "  annotations:",
        "  labels: {kustomize.toolkit.fluxcd.io/force: enabled}\n  annotations:",
    );
    assert!(fault(&label).starts_with("metadata.labels["));
    let fine = [
        ("kustomize.toolkit.fluxcd.io/ssa", "Merge"),
        ("kustomize.toolkit.fluxcd.io/force", "Disabled"),
        ("argocd.argoproj.io/sync-options", "ServerSideApply=true"),
    ];
    assert_eq!(check(&manifest(&fine, "")), Vec::<String>::new());
}

#[test]
fn a_manifest_brings_nothing_that_is_written_by_others() {
    let good = manifest(&[], "");
    for (field, text) in [
        (
            "metadata.uid",
            good.replace("  namespace:", "  uid: x\n  namespace:"),
        ),
        (
            "metadata.anotations",
            good.replace("  namespace:", "  anotations: {}\n  namespace:"),
        ),
        (
            "metadata.ownerReferences",
            good.replace("  namespace:", "  ownerReferences: []\n  namespace:"),
        ),
        ("status", format!("{good}status: {{conditions: []}}\n")),
    ] {
        let told = fault(&text);
        assert!(
            told.starts_with(&format!("{field}: does not belong")),
            "{told}"
        );
    }
}

#[test]
fn what_yaml_hides_is_found() {
    // Merged in, and in another writing of the same text: as an agent reads it.
    let value = format!("eve@example.com via {AGENT}");
    let merged = format!(
        "x: &x {{approved-by.jit-access.dev/eve: \"{value}\"}}\n{}",
        manifest(&[("<<", "*x")], START)
    );
    let faults = check(&merged);
    assert!(
        faults
            .iter()
            .any(|told| told.contains("eve@example.com is none")),
        "{faults:?}"
    );
    // approved-by.jit-access.dev/eve
    let key = "!!binary YXBwcm92ZWQtYnkuaml0LWFjY2Vzcy5kZXYvZXZl";
    let told = fault(&manifest(&[(key, &value)], START));
    assert!(told.contains("eve@example.com is none"), "{told}");
    // An older YAML, which agents read, ends a line in these, and with it a comment.
    for hidden in ['\u{85}', '\u{2028}', '\u{202e}', '\r', '\u{feff}'] {
        let text = manifest(&[], "").replace("spec:", &format!("spec: # a{hidden}b"));
        let told = files::plain(text).unwrap_err();
        assert!(told.starts_with("line 8 has the character U+"), "{told}");
    }
    let lines = manifest(&[], "").replace('\n', "\r\n");
    assert_eq!(files::plain(lines.clone()), Ok(lines.clone()));
    assert_eq!(check(&lines), Vec::<String>::new());
}

#[test]
fn kustomize_changes_what_is_applied_and_so_is_checked_first() {
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    assert!(fault(kustomization).contains("kubectl kustomize FOLDER"));
    // Its kind may be left out.
    assert!(fault("patches: []\n").contains("has no `kind`"));
}

#[test]
fn a_folder_stands_for_all_its_files_and_has_no_others() {
    let folder = std::env::temp_dir().join(format!("verify-manifests-{}", std::process::id()));
    let inner = folder.join("inner");
    std::fs::create_dir_all(&inner).unwrap();
    for (name, text) in [
        ("b.yaml", "x"),
        ("a.yml", "y"),
        ("README.md", "z"),
        ("Kustomization", ""),
    ] {
        std::fs::write(inner.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("b.yaml", inner.join("c.yaml")).unwrap();
    let found = files::read(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(name, text)| (name.rsplit('/').next().unwrap(), text.as_deref()))
        .collect();
    let no = |name: &'static str, text| match text {
        Err(why) => (name, why),
        Ok(text) => panic!("{name}: {text}"),
    };
    let (_, why) = no("Kustomization", found[0].1);
    assert!(why.contains("neither .yaml"), "{why}");
    assert_eq!(found[1], ("a.yml", Ok("y")));
    assert_eq!(found[2], ("b.yaml", Ok("x")));
    let (_, why) = no("c.yaml", found[3].1);
    assert!(why.contains("no plain file"), "{why}");
    assert_eq!(found.len(), 4);
}

#[test]
fn attack_26_what_a_program_says_of_the_request_is_one_line() {
    for value in ["x".repeat(2_001), "a\u{202e}b".to_owned()] {
        let told = fault(&manifest(&[("jit-access.dev/device-id", &value)], ""));
        assert!(told.contains("one line of at most 2000"), "{told}");
    }
}
