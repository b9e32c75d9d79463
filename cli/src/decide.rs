//! `kubectl jit approve`, `deny` and `revoke`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jit_access_core::review::{decisions, free_decision_key, is_reviewer, sign};
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState, DecisionKind};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::arguments::DecideCommand;
use crate::connection::Connection;
use crate::show::{show, state_line};
use crate::{print, text};

/// Shows the request, then decides about it in the caller's own name.
pub async fn run(
    connection: &Connection,
    kind: DecisionKind,
    command: &DecideCommand,
    json: bool,
) -> Result<ExitCode> {
    let me = connection.person().await?;
    let request = connection.get(&command.name).await?;
    let shown = show(&request, Timestamp::now());
    // Standard output is a program's with -o json.
    if json {
        print::note(&shown);
    } else {
        print::output(&shown)?;
    }
    let name = request.name_any();
    check(&request, &me, kind).map_err(anyhow::Error::msg)?;
    let value = value(&me, command.comment.as_deref()).map_err(anyhow::Error::msg)?;
    let own = decisions(&request, &[]);
    if own.iter().any(|own| own.kind == kind && own.author == me) {
        print::note(&format!(
            "you have {} {name} before; nothing is written",
            word(kind)
        ));
        if json {
            print::json(&request)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let key = free_decision_key(&request, kind, &me).with_context(|| {
        format!("{name} has no UID, so that it cannot be said which one is meant")
    })?;
    let patch = patch(&request, &key, &value);
    let written = connection
        .requests()
        .patch(&name, &parameters(), &Patch::Merge(&patch))
        .await
        .map_err(|error| connection.place().explain(&error))?;
    if json {
        print::json(&written)?;
    }
    let outcome = outcome(&request, kind, &me, &key, connection.namespace());
    let lines = outcome
        .lines()
        .flat_map(|line| text::wrap_told(line, text::WIDTH));
    print::note(&lines.collect::<Vec<_>>().join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn word(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Approved => "approved",
        DecisionKind::Denied => "denied",
        DecisionKind::Revoked => "revoked",
    }
}

/// What was written, what comes of it, and how it is taken back.
fn outcome(
    request: &AccessRequest,
    kind: DecisionKind,
    me: &str,
    key: &str,
    namespace: &str,
) -> String {
    let name = request.name_any();
    let mut note = format!("{} {name} in the name of {me}", word(kind));
    let ends = kind != DecisionKind::Approved && state(request) == Some(AccessState::Active);
    if ends {
        note.push_str(": the access is being ended");
    }
    if ends || kind == DecisionKind::Approved {
        note.push_str(&format!(
            "\nsee what comes of it: kubectl jit wait {name} -n {namespace}"
        ));
    }
    if kind == DecisionKind::Approved {
        note.push_str(&format!(
            "\nwithdraw it before the grant: kubectl annotate areq {name} -n {namespace} {key}-"
        ));
    }
    note
}

/// Whether the decision could have any effect. Who may revoke only the API server knows.
fn check(request: &AccessRequest, me: &str, kind: DecisionKind) -> Result<(), String> {
    let name = request.name_any();
    if let Some(state) = state(request)
        && state.is_final()
    {
        return Err(format!(
            "{name} has ended and stays so; {}",
            state_line(request)
        ));
    }
    if request.metadata.deletion_timestamp.is_some() {
        return Err(format!("{name} is being deleted"));
    }
    if kind == DecisionKind::Revoked {
        return Ok(());
    }
    if me == request.spec.requester && kind == DecisionKind::Approved {
        return Err(format!(
            "you asked for {name} yourself, and nobody approves their own request: one of its reviewers must"
        ));
    }
    if !is_reviewer(request, me) {
        return Err(match request.spec.reviewers.as_deref() {
            None | Some([]) => format!(
                "{name} names no reviewers, so that nobody else approves or denies it; `kubectl jit revoke {name}` ends it"
            ),
            Some(reviewers) => format!(
                "only its reviewers approve or deny {name}: {}; you ({me}) are none of them",
                reviewers.join(", ")
            ),
        });
    }
    if kind == DecisionKind::Approved {
        if state(request) == Some(AccessState::Active) {
            return Err(format!(
                "{name} was approved already: {}",
                state_line(request)
            ));
        }
        let mut decided = decisions(request, &[]).into_iter();
        if decided.any(|decision| decision.kind == DecisionKind::Denied && decision.author == me) {
            return Err(format!(
                "you denied {name}, which is never taken back: {} may ask again",
                request.spec.requester
            ));
        }
    }
    Ok(())
}

/// What is written: the comment belongs to a flag.
fn value(me: &str, comment: Option<&str>) -> Result<String, String> {
    sign(me, None, comment).map_err(|why| format!("--comment {why}"))
}

/// With the UID, another request that has the name by now is not written to.
fn patch(request: &AccessRequest, key: &str, value: &str) -> Value {
    json!({"metadata": {"uid": request.metadata.uid, "annotations": {key: value}}})
}

/// Flux takes the fields of every manager whose name begins with `kubectl` for its own, and drops
/// those that Git does not have: a decision must not look like one of them.
fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some("jit-access-plugin".to_owned()),
        ..PatchParams::default()
    }
}

#[cfg(test)]
mod tests {
    use jit_access_core::review::approval_command;
    use jit_access_crds::MOST_DECISION_CHARACTERS;

    use super::*;
    use crate::samples::{annotated, in_state, request};

    const BOB: &str = "bob@example.com";

    fn refusal(request: &AccessRequest, me: &str, kind: DecisionKind) -> String {
        check(request, me, kind).unwrap_err()
    }

    #[test]
    fn the_key_is_that_of_the_command_which_reviewers_are_told() {
        let request = request();
        let key = free_decision_key(&request, DecisionKind::Approved, BOB).unwrap();
        assert_eq!(key, "approved-by.jit-access.dev/7c9e6679-bob");
        assert!(approval_command(&request, BOB).contains(&format!("{key}=\"{BOB}: ")));
    }

    #[test]
    fn what_is_written_counts() {
        for kind in DecisionKind::ALL {
            let request = in_state(AccessState::AwaitingApproval, "");
            assert_eq!(check(&request, BOB, *kind), Ok(()));
            let key = free_decision_key(&request, *kind, BOB).unwrap();
            let value = value(BOB, Some("looks right")).unwrap();
            let decided = decisions(&annotated(request, &key, &value), &[]);
            assert_eq!(decided.len(), 1, "{key}");
            assert_eq!(decided[0].kind, *kind);
            assert_eq!(decided[0].author, BOB);
            assert_eq!(decided[0].comment.as_deref(), Some("looks right"));
        }
    }

    #[test]
    fn the_key_of_somebody_with_the_same_first_name_is_left_alone() {
        let key_of = |request: &AccessRequest| {
            free_decision_key(request, DecisionKind::Denied, BOB).unwrap()
        };
        let other = "bob@other.example.com";
        let first = annotated(request(), "denied-by.jit-access.dev/7c9e6679-bob", other);
        assert_eq!(key_of(&first), "denied-by.jit-access.dev/7c9e6679-bob-2");
        let second = annotated(first, "denied-by.jit-access.dev/7c9e6679-bob-2", other);
        assert_eq!(key_of(&second), "denied-by.jit-access.dev/7c9e6679-bob-3");
    }

    #[test]
    fn what_comes_of_a_decision_is_told() {
        let told = |state, kind| {
            let request = in_state(state, "");
            let key = free_decision_key(&request, kind, BOB).unwrap();
            outcome(&request, kind, BOB, &key, "jit-requests")
        };
        let hint = "see what comes of it: kubectl jit wait web-1-disk -n jit-requests";
        let waiting = AccessState::AwaitingApproval;
        assert_eq!(
            told(waiting, DecisionKind::Approved),
            format!(
                "approved web-1-disk in the name of {BOB}\n{hint}\nwithdraw it before the grant: kubectl annotate areq web-1-disk -n jit-requests approved-by.jit-access.dev/7c9e6679-bob-"
            )
        );
        for (kind, word) in [
            (DecisionKind::Denied, "denied"),
            (DecisionKind::Revoked, "revoked"),
        ] {
            assert_eq!(
                told(waiting, kind),
                format!("{word} web-1-disk in the name of {BOB}")
            );
            assert_eq!(
                told(AccessState::Active, kind),
                format!(
                    "{word} web-1-disk in the name of {BOB}: the access is being ended\n{hint}"
                )
            );
        }
    }

    #[test]
    fn only_the_request_that_was_shown_is_written_to() {
        let patch = patch(&request(), "denied-by.jit-access.dev/bob", BOB);
        let expected = json!({"metadata": {
            "uid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "annotations": {"denied-by.jit-access.dev/bob": BOB},
        }});
        assert_eq!(patch, expected);
    }

    #[test]
    fn without_a_uid_nothing_is_written() {
        let mut request = request();
        request.metadata.uid = None;
        assert_eq!(
            free_decision_key(&request, DecisionKind::Approved, BOB),
            None
        );
    }

    #[test]
    fn only_reviewers_approve_and_deny() {
        let request = request();
        for kind in [DecisionKind::Approved, DecisionKind::Denied] {
            let told = refusal(&request, "eve@example.com", kind);
            assert!(
                told.contains("bob@example.com, carol@example.com; you (eve@"),
                "{told}"
            );
        }
        let own = refusal(&request, "alice@example.com", DecisionKind::Approved);
        assert!(own.contains("nobody approves their own request"), "{own}");
        assert_eq!(
            check(&request, "eve@example.com", DecisionKind::Revoked),
            Ok(())
        );

        let mut alone = request;
        alone.spec.reviewers = None;
        let told = refusal(&alone, BOB, DecisionKind::Approved);
        assert!(told.contains("names no reviewers"), "{told}");
    }

    #[test]
    fn what_ended_is_not_decided_and_what_is_active_not_approved() {
        for kind in DecisionKind::ALL {
            let told = refusal(
                &in_state(AccessState::TimedOut, "nobody approved"),
                BOB,
                *kind,
            );
            assert!(told.contains("TimedOut: nobody approved"), "{told}");
        }
        let active = in_state(AccessState::Active, "until 20:30");
        assert!(refusal(&active, BOB, DecisionKind::Approved).contains("approved already"));
        assert_eq!(check(&active, BOB, DecisionKind::Denied), Ok(()));
        assert_eq!(check(&active, BOB, DecisionKind::Revoked), Ok(()));
    }

    #[test]
    fn a_denial_is_not_taken_back() {
        let denied = annotated(request(), "denied-by.jit-access.dev/b", BOB);
        assert!(refusal(&denied, BOB, DecisionKind::Approved).contains("never taken back"));
        assert_eq!(
            check(&denied, "carol@example.com", DecisionKind::Approved),
            Ok(())
        );
    }

    #[test]
    fn a_comment_is_one_line_and_has_room() {
        assert_eq!(value(BOB, None).unwrap(), BOB);
        assert_eq!(value(BOB, Some(" ")).unwrap(), BOB);
        for bad in ["a\nb", "a\u{202e}b", "a\tb"] {
            assert!(
                value(BOB, Some(bad)).unwrap_err().contains("one line"),
                "{bad:?}"
            );
        }
        let room = MOST_DECISION_CHARACTERS - BOB.len() - 2;
        assert!(value(BOB, Some(&"ü".repeat(room))).is_ok());
        let told = value(BOB, Some(&"ü".repeat(room + 1))).unwrap_err();
        assert!(told.contains("is 1 characters too long"), "{told}");
    }
}
