use super::*;

mod hostile;

const AGENT: &str = "system:serviceaccount:flux-system:approvals";

/// A manifest that an agent may apply, with these annotations and these lines of spec besides.
fn manifest(annotations: &[(&str, &str)], spec: &str) -> String {
    let annotations: String = annotations
        .iter()
        .map(|(key, value)| format!("    {key}: {value}\n"))
        .collect();
    format!(
        "apiVersion: jit-access.dev/v1alpha1
kind: AccessRequest
metadata:
  name: web-1-disk
  namespace: gitops
  annotations:
    jit-access.dev/created-by: {AGENT}
{annotations}spec:
  requester: alice@example.com
  resource: projects/web-prod
  roles: [roles/compute.viewer]
  justification: a test
  reviewers: [bob@example.com, carol@example.com]
{spec}"
    )
}

const START: &str = "  startTime: \"2026-11-23T20:00:00Z\"\n";

fn report(text: &str, expected: Expected) -> Report {
    let mut report = Report {
        expected,
        ..Report::default()
    };
    report.check("a.yaml", text);
    report.agents_among_requests();
    report
}

/// Field and sentence of each fault.
fn check(text: &str) -> Vec<String> {
    let faults = report(text, Expected::default()).faults;
    faults
        .into_iter()
        .map(|fault| format!("{}: {}", fault.problem.field, fault.problem.message))
        .collect()
}

/// The one fault of a text.
fn fault(text: &str) -> String {
    let faults = check(text);
    assert_eq!(faults.len(), 1, "{text}\n{faults:#?}");
    faults[0].clone()
}

fn approved(value: &str) -> String {
    manifest(&[("approved-by.jit-access.dev/bob", value)], START)
}

#[test]
fn what_an_agent_may_apply_passes() {
    let none: Vec<String> = Vec::new();
    assert_eq!(check(&manifest(&[], "")), none);
    assert_eq!(
        check(&approved(&format!("bob@example.com via {AGENT}"))),
        none
    );
    assert_eq!(
        check(&approved(&format!(
            "'bob@example.com via {AGENT}: fine: yes'"
        ))),
        none
    );
    let all = [
        (
            "approved-by.jit-access.dev/bob",
            format!("bob@example.com via {AGENT}"),
        ),
        (
            "denied-by.jit-access.dev/carol",
            format!("carol@example.com via {AGENT}"),
        ),
        // Whoever ended it: an agent may do so in anybody's name.
        (
            "revoked-by.jit-access.dev/eve",
            format!("eve@example.com via {AGENT}"),
        ),
    ];
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    assert_eq!(check(&manifest(&all, START)), none);
}

#[test]
fn approvals_are_of_the_reviewers_named() {
    let told = fault(&approved(&format!("eve@example.com via {AGENT}")));
    assert!(
        told.contains("eve@example.com is none of the reviewers"),
        "{told}"
    );
    let told = fault(&approved(&format!("alice@example.com via {AGENT}")));
    assert!(told.contains("nobody approves their own request"), "{told}");
    let told = fault(&approved(&format!("Bob@example.com via {AGENT}")));
    assert!(told.contains("none of the reviewers"), "{told}");
}

#[test]
fn approvals_are_signed_via_the_agent_that_applies_them() {
    assert!(fault(&approved("bob@example.com")).contains("cannot sign alone"));
    let told = fault(&approved(
        "bob@example.com via system:serviceaccount:other:agent",
    ));
    assert!(told.contains("signs with its own name only"), "{told}");
    let text = approved(&format!("bob@example.com via {AGENT}"));
    let line = format!("    jit-access.dev/created-by: {AGENT}\n");
    let told = fault(&text.replace(&line, ""));
    assert!(
        told.contains("created-by]: must name the service account"),
        "{told}"
    );
    let told = fault(&manifest(&[], "").replace(AGENT, "alice@example.com"));
    assert!(told.contains("must be the service account"), "{told}");
}

#[test]
fn a_decision_is_one_line_of_somebody_under_a_known_key() {
    assert!(fault(&approved("\"bob@example.com via x: a\\u202eb\"")).contains("one line"));
    assert!(fault(&approved(&"b".repeat(501))).contains("at most 500"));
    assert!(fault(&approved("looks right")).contains("names nobody"));
    let value = format!("bob@example.com via {AGENT}");
    for key in [
        "Approved-By.jit-access.dev/bob",
        "approved-by.jit-access.dev/Bob",
        "approved-by.jit-access.dev/-bob",
        "jit-access.dev/other",
    ] {
        let told = fault(&manifest(&[(key, &value)], START));
        let field = format!("metadata.annotations[{key}]: ");
        assert!(told.starts_with(&field), "{told}");
    }
    let twice = [
        ("approved-by.jit-access.dev/bob", value.as_str()),
        ("approved-by.jit-access.dev/rob", value.as_str()),
    ];
    assert!(fault(&manifest(&twice, START)).contains("one decision of each kind"));
}

#[test]
fn what_needs_nobody_any_more_has_a_start_time() {
    let decided = approved(&format!("bob@example.com via {AGENT}")).replace(START, "");
    assert!(fault(&decided).contains("decisions stand in the manifest"));
    let alone =
        manifest(&[], "").replace("  reviewers: [bob@example.com, carol@example.com]\n", "");
    assert!(fault(&alone).contains("nobody needs to approve"));
    assert_eq!(check(&format!("{alone}{START}")), Vec::<String>::new());
}

#[test]
fn the_fields_are_checked_by_the_controllers_rules() {
    let good = manifest(&[], "");
    for (old, new, words) in [
        ("alice@", "Alice@", "spec.requester"),
        ("projects/web-prod", "web-prod", "spec.resource"),
        ("roles/compute.viewer", "compute.viewer", "spec.roles"),
        (
            "carol@example.com]",
            "alice@example.com]",
            "nobody approves their own request",
        ),
        ("  reviewers:", "  reviewer:", "spec.reviewer: is no field"),
        (
            "  justification: a test\n",
            "",
            "missing field `justification`",
        ),
        (
            "justification: a test",
            "justification: [a]",
            "is no AccessRequest",
        ),
        ("  name: web-1-disk\n", "", "metadata.name: must be given"),
        (
            "  name: web-1-disk\n",
            "  name: web-1-disk\n  finalizers: [a/b]\n",
            "metadata.finalizers",
        ),
        (
            "v1alpha1",
            "v1",
            "apiVersion: must be jit-access.dev/v1alpha1",
        ),
    ] {
        let faults = check(&good.replace(old, new));
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{new}: {faults:?}"
        );
    }
    assert!(
        fault(&manifest(&[], "  condition: has({}.jitAccessConstraint)\n"))
            .contains("spec.condition")
    );
    assert!(fault(&manifest(&[], "  duration: forever\n")).contains("spec.duration"));
}

#[test]
fn too_much_beside_decisions_is_refused() {
    let many: Vec<(String, String)> = (0..17)
        .map(|number| (format!("example.com/{number}"), "x".to_owned()))
        .collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert!(fault(&manifest(&many, "")).contains("at most 16 annotations"));
    assert_eq!(check(&manifest(&many[..16], "")), Vec::<String>::new());
    let long = "x".repeat(30_001);
    assert!(fault(&manifest(&[("example.com/long", &long)], "")).contains("30000 characters"));
}

#[test]
fn each_document_is_read_and_other_kinds_are_passed_over() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    let good = manifest(&[], "");
    let second = good.replace("web-1-disk", "second");
    let mut report = Report::default();
    report.check(
        "a.yaml",
        &format!("# a comment\n---\n{good}---\n{other}---\n{second}---\n"),
    );
    assert_eq!(report.faults, []);
    assert_eq!(report.verified, 2);
    let ignored = Ignored {
        file: "a.yaml".to_owned(),
        document: "document 2".to_owned(),
        what: "ConfigMap x".to_owned(),
    };
    assert_eq!(report.ignored, [ignored]);

    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "jit-access.dev/v1alpha1", "kind": "AccessRequest", "metadata": {"name": "x"}}]}"#;
    let mut report = Report::default();
    report.check("list.json", list);
    assert_eq!(report.verified, 1);
    assert_eq!(report.faults[0].object, "x");
    assert_eq!(report.faults[0].document, "document 1, item 1");
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let good = manifest(&[], "");
    let mut report = Report::default();
    report.check("a.yaml", &good);
    report.check("b.yaml", &good);
    let expected = Fault {
        file: "b.yaml".to_owned(),
        document: "document 1".to_owned(),
        object: "gitops/web-1-disk".to_owned(),
        problem: Problem::new(
            "metadata.name",
            "stands in a.yaml too: one of the two would overwrite the other",
        ),
    };
    assert_eq!(report.faults, [expected]);
}

#[test]
fn what_cannot_be_read_is_no_pass() {
    for text in [
        "a: [",
        "just words",
        "kind: AccessRequest",
        "kind: Request\napiVersion: jit-access.dev/v1alpha1",
    ] {
        assert!(!fault(text).is_empty());
    }
    let twice = manifest(&[], "").replace(
        "  justification:",
        "  resource: projects/other\n  justification:",
    );
    assert!(fault(&twice).contains("is no YAML that can be read"));
}

#[test]
fn a_fault_names_file_document_object_and_field() {
    let bad = manifest(&[], "  duration: forever\n");
    let report = report(
        &format!(
            "{}---\n{bad}",
            manifest(&[], "").replace("web-1-disk", "first")
        ),
        Expected::default(),
    );
    let line = report.faults[0].line();
    assert!(
        line.starts_with("a.yaml: document 2, gitops/web-1-disk: spec.duration: "),
        "{line}"
    );
}

#[test]
fn a_person_applies_without_start_time_and_decides_nothing() {
    let line = format!("    jit-access.dev/created-by: {AGENT}\n");
    let own = manifest(&[("example.com/note", "x")], "").replace(&line, "");
    assert_eq!(check(&own), Vec::<String>::new());
    let alone = own.replace("  reviewers: [bob@example.com, carol@example.com]\n", "");
    assert_eq!(check(&alone), Vec::<String>::new());

    // Where an agent is expected, it must have made each.
    let expected = Expected {
        agent: Some(AGENT.to_owned()),
        namespace: None,
    };
    let faults = report(&own, expected.clone()).faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].line().contains("created-by]: must be given"),
        "{faults:?}"
    );
    let other = own.replace(
        "x\n",
        "x\n    jit-access.dev/created-by: system:serviceaccount:a:b\n",
    );
    let faults = report(&other, expected.clone()).faults;
    assert!(
        faults[0]
            .line()
            .contains("but must be system:serviceaccount:flux"),
        "{faults:?}"
    );
    assert_eq!(report(&manifest(&[], ""), expected).faults, []);
}
