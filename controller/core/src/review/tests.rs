use super::*;
use crate::samples::{request, spec};
use jit_access_crds::AccessRequestSpec;

const WEBUI: &str = "system:serviceaccount:jit-access:jit-access-webui";

/// The decisions that count when these annotations stand on a request to bob and carol.
fn read(annotations: &[(&str, &str)]) -> Vec<Decision> {
    let mut request = request(AccessRequestSpec {
        reviewers: Some(vec![
            "bob@example.com".to_owned(),
            "carol@example.com".to_owned(),
        ]),
        ..spec()
    });
    let all = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    request.metadata.annotations = Some(all.collect());
    decisions(&request, &[WEBUI.to_owned()])
}

fn only(key: &str, value: &str) -> Option<Decision> {
    let mut all = read(&[(key, value)]);
    assert!(all.len() <= 1);
    all.pop()
}

#[test]
fn a_person_approves_with_the_uid_in_the_key() {
    let key = "approved-by.jit-access.dev/7c9e6679-bob";
    let approval = |comment: Option<&str>| Decision {
        kind: DecisionKind::Approved,
        author: "bob@example.com".to_owned(),
        via: None,
        comment: comment.map(str::to_owned),
    };
    assert_eq!(only(key, "bob@example.com"), Some(approval(None)));
    assert_eq!(
        only(key, "bob@example.com: looks right: yes"),
        Some(approval(Some("looks right: yes")))
    );
    for other in ["7c9e667-bob", "bob", "7C9E6679-bob", "00000000-bob", ""] {
        let key = format!("approved-by.jit-access.dev/{other}");
        assert_eq!(only(&key, "bob@example.com"), None, "{key}");
    }
}

#[test]
fn a_delegate_signs_for_a_reviewer_and_is_named() {
    let value = format!("bob@example.com via {WEBUI}: looks right");
    let decision = only("approved-by.jit-access.dev/bob", &value).unwrap();
    assert_eq!(decision.author, "bob@example.com");
    assert_eq!(decision.via.as_deref(), Some(WEBUI));
    assert_eq!(decision.comment.as_deref(), Some("looks right"));
    // One that is not listed for this namespace, or not any more, approves nothing.
    let value = "bob@example.com via system:serviceaccount:other:agent";
    assert_eq!(only("approved-by.jit-access.dev/bob", value), None);
    // Its no is still a no.
    assert!(only("denied-by.jit-access.dev/bob", value).is_some());
}

#[test]
fn nobody_else_approves() {
    let key = "approved-by.jit-access.dev/7c9e6679-x";
    for value in [
        "alice@example.com",
        "mallory@example.com",
        "Bob@example.com",
        " bob@example.com",
        "bob@example.com ",
        "bob@example.com:looks right",
        "bob@example.com,carol@example.com",
        "bob@example.com\n",
        "bob@example.com: two\nlines",
        "bob@example.com: \u{202e}thgir skool",
        "bob@example.com: \u{200b}",
        "bob",
        "",
        ": bob@example.com",
        "mallory@example.com: bob@example.com",
    ] {
        assert_eq!(only(key, value), None, "{value:?}");
    }
    let long = format!("bob@example.com: {}", "x".repeat(484));
    assert_eq!(long.chars().count(), 501);
    assert_eq!(only(key, &long), None);
    assert!(only(key, &long[..500]).is_some());
}

#[test]
fn a_comment_that_imitates_a_signature_is_a_comment() {
    let key = "approved-by.jit-access.dev/7c9e6679-bob";
    let decision = only(
        key,
        &format!("bob@example.com: carol@example.com via {WEBUI}: yes"),
    );
    let decision = decision.unwrap();
    assert_eq!(
        (decision.author.as_str(), decision.via),
        ("bob@example.com", None)
    );
}

#[test]
fn only_exact_keys_are_decisions() {
    for key in [
        "Approved-By.jit-access.dev/7c9e6679-bob",
        "approved-by.jit-access.dev",
        "approved-by.jit-access.dev.example.com/7c9e6679-bob",
        "xapproved-by.jit-access.dev/7c9e6679-bob",
        "jit-access.dev/approved-by",
    ] {
        assert_eq!(only(key, "bob@example.com"), None, "{key}");
    }
}

#[test]
fn a_no_counts_whatever_its_text_is() {
    let long = format!("bob@example.com: {}", "x".repeat(10_000));
    for value in ["bob@example.com", &long, "bob@example.com: two\nlines"] {
        assert!(only("denied-by.jit-access.dev/x", value).is_some());
        assert!(only("revoked-by.jit-access.dev/x", value).is_some());
    }
    // Who may deny are the reviewers; who may revoke, the API server alone knows.
    let revoked = only(
        "revoked-by.jit-access.dev/x",
        "security@example.com: leaked",
    );
    assert_eq!(revoked.unwrap().comment.as_deref(), Some("leaked"));
    assert_eq!(
        only("denied-by.jit-access.dev/x", "alice@example.com"),
        None
    );
    // A holder of the verb may be no person: what the API server let in is never lost.
    for author in ["kubernetes-admin", "system:serviceaccount:ops:ci"] {
        let revoked = only("revoked-by.jit-access.dev/x", &format!("{author}: leaked"));
        assert_eq!(revoked.unwrap().author, author);
    }
    for nobody in ["", " ", ": leaked"] {
        assert_eq!(only("revoked-by.jit-access.dev/x", nobody), None);
    }
}

#[test]
fn attack_17_hostile_text_ends_a_request_and_is_not_shown_as_it_is() {
    let value = format!(
        "\u{202e}evil@x: \n\nStatus: True\u{1b}[31m{}",
        "x".repeat(10_000)
    );
    let decision = only("revoked-by.jit-access.dev/x", &value).unwrap();
    let (state, sentence) = veto(&[decision]).unwrap();
    assert_eq!(state, AccessState::Revoked);
    assert!(
        sentence.starts_with("revoked by \\u{202e}evil@x: \\n\\nStatus: True\\u{1b}[31mxxx"),
        "{sentence}"
    );
    assert!(sentence.chars().count() < 600, "{sentence}");
}

#[test]
fn all_decisions_are_read() {
    let kinds: Vec<_> = read(&[
        ("approved-by.jit-access.dev/7c9e6679-bob", "bob@example.com"),
        ("denied-by.jit-access.dev/carol", "carol@example.com: no"),
        ("revoked-by.jit-access.dev/alice", "alice@example.com"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
    ])
    .into_iter()
    .map(|decision| decision.kind)
    .collect();
    assert_eq!(kinds, DecisionKind::ALL);
}

#[test]
fn the_command_approves() {
    let mut asked = request(AccessRequestSpec {
        reviewers: Some(vec!["bob.o'neil+x@example.com".to_owned()]),
        ..spec()
    });
    let command = approval_command(&asked, "bob.o'neil+x@example.com");
    assert_eq!(
        command,
        "kubectl annotate areq web-1-disk -n jit-requests approved-by.jit-access.dev/7c9e6679-bob-o-neil-x=\"bob.o'neil+x@example.com: looks right\""
    );
    let (key, value) = command
        .rsplit_once("requests ")
        .unwrap()
        .1
        .split_once('=')
        .unwrap();
    let annotation = (key.to_owned(), value.trim_matches('"').to_owned());
    asked.metadata.annotations = Some([annotation].into());
    assert_eq!(decisions(&asked, &[]).len(), 1);
    for dangling in ["__@example.com", "x_@example.com", "x.@example.com", "@"] {
        assert_eq!(slug(dangling), "reviewer", "{dangling}");
    }
    assert_eq!(slug(&format!("{}@example.com", "a".repeat(64))).len(), 40);
}
