//! Requests that a peer must approve.

use jit_access_crds::{Approval, DecisionKind};

use super::*;
use crate::approval::Reviewer;
use crate::review::Decision;
use crate::samples::lookup_of;

const BOB_KEY: &str = "approved-by.jit-access.dev/7c9e6679-bob";
const BOB: &str = "bob@example.com";
/// The approval timeout of the samples, in seconds.
const TIMEOUT: i64 = 3_600;

fn to_bob() -> AccessRequestSpec {
    AccessRequestSpec {
        reviewers: Some(vec![BOB.to_owned(), "carol@example.com".to_owned()]),
        ..spec()
    }
}

pub(super) fn annotated(mut request: AccessRequest, annotations: &[(&str, &str)]) -> AccessRequest {
    let all = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    request.metadata.annotations = Some(all.collect());
    request
}

fn recorded(mut request: AccessRequest, approver: &str, seconds: i64) -> AccessRequest {
    let approval = Approval {
        approver: approver.to_owned(),
        via: None,
        comment: None,
        time: format_time(after(seconds)),
    };
    let status = request.status.get_or_insert_default();
    status.approvals.push(approval);
    request
}

fn waiting() -> AccessRequest {
    let report = Report::new(AccessState::AwaitingApproval, "bob must act");
    reported(request(to_bob()), &report, 1)
}

#[test]
fn first_is_found_out_who_could_approve() {
    assert!(matches!(step_of(&request(to_bob()), 1), Step::LookUp(_)));
    // Then it waits, and costs nothing.
    match step_of(&waiting(), 10) {
        Step::Wait(Some(until)) => assert_eq!(until, after(TIMEOUT + 1)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_is_recorded_before_it_is_acted_on() {
    let approved = annotated(waiting(), &[(BOB_KEY, "bob@example.com: looks right")]);
    match step_of(&approved, 10) {
        Step::Record(approvals) => assert_eq!(
            approvals,
            [Approval {
                approver: BOB.to_owned(),
                via: None,
                comment: Some("looks right".to_owned()),
                time: format_time(after(10)),
            }]
        ),
        other => panic!("{other:?}"),
    }
    let seen = recorded(approved, BOB, 10);
    assert!(matches!(step_of(&seen, 11), Step::Grant(_, None)));
}

#[test]
fn attack_13_an_approval_that_was_withdrawn_or_came_late_does_not_count() {
    let withdrawn = recorded(waiting(), BOB, 10);
    assert!(matches!(step_of(&withdrawn, 11), Step::Wait(_)));
    // Withdrawn while it was tried: the request waits again.
    let tried = Report::new(AccessState::Retrying, "Google is away");
    let tried = reported(withdrawn, &tried, 12);
    assert!(matches!(step_of(&tried, 13), Step::LookUp(_)));

    let late = annotated(waiting(), &[(BOB_KEY, BOB)]);
    assert!(matches!(step_of(&late, TIMEOUT), Step::Record(_)));
    let refused = refusal(step_of(&late, TIMEOUT + 1));
    assert_eq!(refused.state, AccessState::TimedOut);
    let refused = refusal(step_of(&recorded(late, BOB, TIMEOUT + 1), TIMEOUT + 2));
    assert_eq!(refused.state, AccessState::TimedOut);
}

#[test]
fn an_outage_after_the_approval_does_not_make_it_late() {
    let approved = annotated(recorded(waiting(), BOB, 10), &[(BOB_KEY, BOB)]);
    let tried = Report::new(AccessState::Retrying, "Google is away");
    let tried = reported(approved, &tried, TIMEOUT - 10);
    assert!(matches!(
        step_of(&tried, TIMEOUT + 60),
        Step::Grant(_, None)
    ));
}

#[test]
fn approvals_that_were_found_not_to_suffice_are_not_weighed_again() {
    let approved = annotated(recorded(waiting(), BOB, 10), &[(BOB_KEY, BOB)]);
    let weighed = |approvers: &[&str]| {
        let approvers = approvers.iter().map(|it| (*it).to_owned()).collect();
        step(&approved, 20, |observed| {
            observed.identity = Identity::Proven {
                since: Timestamp::UNIX_EPOCH,
            };
            observed.weighed = Some(approvers);
        })
    };
    assert!(matches!(weighed(&[BOB]), Step::Wait(_)));
    assert!(matches!(weighed(&[]), Step::Grant(..)));
    assert!(
        matches!(step_of(&approved, 20), Step::Grant(..)),
        "after a restart"
    );
}

#[test]
fn a_denial_wins_and_ends_access_that_runs() {
    let both = annotated(
        recorded(waiting(), BOB, 10),
        &[
            (BOB_KEY, BOB),
            (
                "denied-by.jit-access.dev/carol",
                "carol@example.com: not today",
            ),
        ],
    );
    let refused = refusal(step_of(&both, 11));
    assert_eq!(refused.state, AccessState::Denied);
    assert_eq!(refused.message, "denied by carol@example.com: not today");
    let report = Report::new(AccessState::Active, "access");
    let running = with_finalizer(with_window(reported(both, &report, 12), 12, 1_812));
    match step_of(&running, 13) {
        Step::End(why) => assert_eq!(why, "denied by carol@example.com: not today"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_revocation_withdraws_or_ends() {
    let security = [(
        "revoked-by.jit-access.dev/x",
        "security@example.com: laptop stolen",
    )];
    let refused = refusal(step_of(&annotated(waiting(), &security), 11));
    assert_eq!(refused.state, AccessState::Revoked);
    assert_eq!(
        refused.message,
        "revoked by security@example.com: laptop stolen"
    );
    let running = with_window(in_state(AccessState::Active, 1), 1, 1_801);
    let running = annotated(with_finalizer(running), &security);
    // What ends access needs no proof of who asked.
    assert!(matches!(step_of(&running, 13), Step::End(_)));
}

#[test]
fn attack_25_without_proof_nothing_is_decided_and_no_time_runs_out() {
    let unproven = |request: &AccessRequest, seconds| {
        step(request, seconds, |observed| {
            observed.identity = Identity::Unproven("the policy is absent".to_owned());
        })
    };
    let approved = annotated(recorded(waiting(), BOB, 10), &[(BOB_KEY, BOB)]);
    for request in [request(spec()), request(to_bob()), waiting(), approved] {
        for seconds in [1, 20, TIMEOUT + 60] {
            match unproven(&request, seconds) {
                Step::Hold(why) => assert_eq!(why, "the policy is absent"),
                other => panic!("{other:?}"),
            }
        }
    }
    // Running access is watched, and ends.
    let running = with_finalizer(with_window(in_state(AccessState::Active, 1), 1, 1_801));
    assert!(matches!(unproven(&running, 10), Step::Watch(_)));
    assert!(matches!(unproven(&running, 1_801), Step::Expire));
}

#[test]
fn attack_25_what_was_made_in_a_gap_must_be_made_again() {
    let since = |since: Timestamp| {
        step(&request(spec()), 60, |observed| {
            observed.identity = Identity::Proven { since };
        })
    };
    assert!(matches!(since(after(0)), Step::Grant(..)));
    let refused = refusal(since(after(1)));
    assert_eq!(refused.state, AccessState::Failed);
    assert!(refused.message.contains("create it again"));
}

#[test]
fn a_scheduled_request_may_be_approved_until_it_starts() {
    let spec = AccessRequestSpec {
        reviewers: to_bob().reviewers,
        ..starting(2 * TIMEOUT)
    };
    let report = Report::new(AccessState::AwaitingApproval, "bob must act");
    let waiting = reported(request(spec), &report, 1);
    assert!(matches!(step_of(&waiting, 2 * TIMEOUT - 1), Step::Wait(_)));
    let approved = annotated(waiting.clone(), &[(BOB_KEY, BOB)]);
    let approved = recorded(approved, BOB, 2 * TIMEOUT - 60);
    assert!(matches!(
        step_of(&approved, 2 * TIMEOUT - 50),
        Step::LookUp(_)
    ));
    let scheduled = Report::new(AccessState::Scheduled, "soon");
    let scheduled = reported(approved, &scheduled, 2 * TIMEOUT - 49);
    assert!(matches!(
        step_of(&scheduled, 2 * TIMEOUT - 40),
        Step::Wait(Some(until)) if until == after(2 * TIMEOUT)
    ));
    assert!(matches!(step_of(&scheduled, 2 * TIMEOUT), Step::Grant(..)));
    assert_eq!(
        refusal(step_of(&waiting, 2 * TIMEOUT + 1)).state,
        AccessState::TimedOut
    );
}

#[test]
fn nobody_named_could_approve() {
    let peers = [("roles/compute.admin", PEER)];
    let judged = |bob: &[(&str, &str)], approvals: &[Decision]| {
        let requester = lookup(&peers);
        let reviewers = [Reviewer {
            email: BOB.to_owned(),
            lookup: Ok(lookup_of(BOB, bob)),
        }];
        let known = Known {
            requester: &requester,
            reviewers: &reviewers,
        };
        judge(&valid(&to_bob()), known, approvals)
    };
    let refusal = judged(&[], &[]).unwrap_err();
    assert_eq!(refusal.state, AccessState::Ineligible);
    assert!(refusal.message.contains(BOB), "{}", refusal.message);
    match judged(&peers, &[]) {
        Ok(Judged::Awaited(awaited, plan)) => {
            assert_eq!(awaited.able, [BOB]);
            assert_eq!((plan.duration.as_str(), plan.bindings.len()), ("30m", 1));
        }
        other => panic!("{other:?}"),
    }
    let approval = Decision {
        kind: DecisionKind::Approved,
        author: BOB.to_owned(),
        via: None,
        comment: None,
    };
    match judged(&peers, &[approval]) {
        Ok(Judged::Approved(approved, _)) => {
            assert_eq!(approved.by(), "Approved by bob@example.com");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_13_what_is_withdrawn_at_the_last_moment_is_not_written() {
    let valid = valid(&to_bob());
    let wanted = |request: &AccessRequest| still_wanted(request, &valid, Some(BOB), &[], &limits());
    let approved = annotated(recorded(waiting(), BOB, 10), &[(BOB_KEY, BOB)]);
    assert!(wanted(&approved));
    assert!(!wanted(&deleted(approved.clone())));
    assert!(!wanted(&annotated(approved.clone(), &[])), "withdrawn");
    let vetoes = [
        ("denied-by.jit-access.dev/carol", "carol@example.com"),
        ("revoked-by.jit-access.dev/x", "security@example.com"),
    ];
    for veto in vetoes {
        assert!(!wanted(&annotated(
            approved.clone(),
            &[(BOB_KEY, BOB), veto]
        )));
    }
    let late = annotated(recorded(waiting(), BOB, TIMEOUT + 1), &[(BOB_KEY, BOB)]);
    assert!(!wanted(&late));
}

#[test]
fn attack_13_an_approval_that_does_not_count_keeps_nothing_alive() {
    let approved = annotated(waiting(), &[(BOB_KEY, BOB)]);
    let approved = recorded(approved, BOB, 10);
    let weighed = |observed: &mut Observed<'_>| observed.weighed = Some(vec![BOB.to_owned()]);
    match step(&approved, TIMEOUT, weighed) {
        Step::Wait(Some(until)) => assert!(until > after(TIMEOUT)),
        other => panic!("{other:?}"),
    }
    let over = refusal(step(&approved, TIMEOUT + 1, weighed));
    assert_eq!(over.state, AccessState::TimedOut);
    // Weighed by nobody, for the controller was down: it was seen in time.
    assert!(matches!(step_of(&approved, TIMEOUT + 1), Step::Grant(..)));
}

#[test]
fn an_approval_is_written_down_while_identity_is_not_proven() {
    let unproven = |observed: &mut Observed<'_>| {
        observed.identity = Identity::Unproven("the policy is absent".to_owned());
    };
    let approved = annotated(waiting(), &[(BOB_KEY, BOB)]);
    assert!(matches!(step(&approved, 10, unproven), Step::Record(_)));
    let seen = recorded(approved.clone(), BOB, 10);
    assert!(matches!(step(&seen, 11, unproven), Step::Hold(_)));
    // It came in time, however long that lasted.
    assert!(matches!(step_of(&seen, TIMEOUT + 60), Step::Grant(..)));
    // One that came too late is not.
    assert!(matches!(
        step(&approved, TIMEOUT + 1, unproven),
        Step::Hold(_)
    ));
}
