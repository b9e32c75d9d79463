use jiff::SignedDuration;
use jit_access_crds::AccessRequestSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::request::format_time;
use crate::samples::{
    after, at, in_state, judged_alone, limits, lookup, reported, request, spec, valid,
    with_finalizer, with_window,
};
use crate::status::Report;

const SELF: &str = "has({}.jitAccessConstraint)";
const PEER: &str = "has({}.multiPartyApprovalConstraint)";

fn rounds() -> Rounds {
    Rounds::every(SignedDuration::from_mins(5))
}

fn step_of(request: &AccessRequest, seconds: i64) -> Step {
    step(request, seconds, |_| {})
}

fn step(request: &AccessRequest, seconds: i64, change: impl FnOnce(&mut Observed<'_>)) -> Step {
    let mut observed = Observed {
        request,
        now: after(seconds),
        crowding: None,
        crowded_out: 0,
        watched: None,
        removal: Removal::Untried,
        identity: Identity::Proven {
            since: at("2026-11-23T19:00:00Z"),
        },
        namespace: Some(Namespace {
            scope: vec![limits().scope],
            delegates: Vec::new(),
        }),
        weighed: None,
    };
    change(&mut observed);
    decide(&observed, &limits(), rounds())
}

fn refusal(step: Step) -> Refusal {
    match step {
        Step::Refuse(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn deleted(mut request: AccessRequest) -> AccessRequest {
    request.metadata.deletion_timestamp = Some(Time(after(60)));
    request
}

fn starting(seconds: i64) -> AccessRequestSpec {
    AccessRequestSpec {
        start_time: Some(format_time(after(seconds))),
        ..spec()
    }
}

#[test]
fn a_new_request_is_granted_from_the_top() {
    assert!(matches!(step_of(&request(spec()), 1), Step::Grant(_, None)));
}

#[test]
fn a_recorded_window_is_used_again() {
    let request = with_window(in_state(AccessState::Pending, 1), 1, 1_801);
    match step_of(&request, 100) {
        Step::Grant(_, Some(window)) => assert_eq!(window.start, after(1)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_recorded_window_that_cannot_be_ours_is_refused() {
    let request = with_window(in_state(AccessState::Pending, 1), 1, 2_000_000_000);
    assert_eq!(refusal(step_of(&request, 100)).state, AccessState::Failed);
}

#[test]
fn refusals_are_found_in_their_order() {
    let crowded = |observed: &mut Observed<'_>| observed.crowding = Some("too many".to_owned());
    let mut wrong = spec();
    wrong.duration = Some("3h".to_owned());
    wrong.start_time = Some("2026-11-23T10:00:00Z".to_owned());
    // Own fields before the window, the window before too many.
    let first = refusal(step(&request(wrong.clone()), 1, crowded));
    assert!(
        first.message.starts_with("spec.duration"),
        "{}",
        first.message
    );
    wrong.duration = Some("30m".to_owned());
    assert_eq!(
        refusal(step(&request(wrong), 1, crowded)).state,
        AccessState::Expired
    );
    let crowded_out = refusal(step(&request(spec()), 1, crowded));
    assert!(crowded_out.too_many);
    assert_eq!(crowded_out.message, "too many");
}

#[test]
fn of_requests_that_are_too_many_only_some_are_kept() {
    let step = step(&request(spec()), 1, |observed| {
        observed.crowding = Some("too many".to_owned());
        observed.crowded_out = 20;
    });
    assert!(matches!(step, Step::Discard));
}

#[test]
fn a_request_that_was_let_in_is_not_crowded_out_while_it_is_resumed() {
    let request = with_window(in_state(AccessState::Pending, 1), 1, 1_801);
    let step = step(&request, 2, |observed| {
        observed.crowding = Some("too many".to_owned());
    });
    assert!(matches!(step, Step::Grant(_, Some(_))));
}

#[test]
fn a_request_that_is_seen_too_late_timed_out() {
    assert!(matches!(step_of(&request(spec()), 3_600), Step::Grant(..)));
    assert_eq!(
        refusal(step_of(&request(spec()), 3_601)).state,
        AccessState::TimedOut
    );
    // An outage after the first sight does not make it late.
    assert!(matches!(
        step_of(&in_state(AccessState::Pending, 10), 3_601),
        Step::Grant(..)
    ));
}

#[test]
fn a_scheduled_request_may_be_seen_until_it_starts() {
    let request = request(starting(7_200));
    assert!(matches!(step_of(&request, 7_199), Step::LookUp(_)));
    assert!(matches!(step_of(&request, 7_200), Step::Grant(_, None)));
    assert_eq!(
        refusal(step_of(&request, 7_201)).state,
        AccessState::TimedOut
    );
    assert_eq!(
        refusal(step_of(&request, 7_200 + 1_800)).state,
        AccessState::Expired
    );
}

#[test]
fn a_scheduled_request_is_looked_up_once_and_granted_at_its_start() {
    let request = reported(
        request(starting(600)),
        &Report::new(AccessState::Scheduled, "later"),
        1,
    );
    assert!(matches!(step_of(&request, 10), Step::Wait(Some(time)) if time == after(600)));
    assert!(matches!(step_of(&request, 600), Step::Grant(_, None)));
    // Seen long ago, so that a controller that was away is not too late until the window's end.
    assert!(matches!(step_of(&request, 2_399), Step::Grant(_, None)));
    assert_eq!(
        refusal(step_of(&request, 2_400)).state,
        AccessState::Expired
    );
}

#[test]
fn trying_ends_at_the_end_of_the_window() {
    let request = with_window(in_state(AccessState::Retrying, 1), 1, 1_801);
    assert!(matches!(step_of(&request, 1_800), Step::Grant(..)));
    let refusal = refusal(step_of(&request, 1_801));
    assert_eq!(refusal.state, AccessState::Failed);
    assert!(refusal.message.contains("so it is"), "{}", refusal.message);
}

#[test]
fn trying_without_a_window_ends_after_the_approval_timeout() {
    let request = in_state(AccessState::Retrying, 100);
    assert!(matches!(step_of(&request, 3_699), Step::Grant(..)));
    assert_eq!(refusal(step_of(&request, 3_700)).state, AccessState::Failed);
}

#[test]
fn reviewers_are_never_passed_over() {
    let mut spec = spec();
    spec.reviewers = Some(vec!["bob@example.com".to_owned()]);
    // Who may approve is looked up; nothing is granted.
    assert!(matches!(step_of(&request(spec), 1), Step::LookUp(_)));
}

#[test]
fn active_access_is_watched_once_a_round_and_expires() {
    let request = with_finalizer(with_window(in_state(AccessState::Active, 1), 1, 1_801));
    let round = at("2026-11-23T20:05:00Z");
    assert!(matches!(step_of(&request, 310), Step::Watch(as_of) if as_of == round));
    let watched = step(&request, 310, |observed| observed.watched = Some(round));
    assert!(matches!(watched, Step::Wait(Some(time)) if time == after(600)));
    let last = step(&request, 1_700, |observed| {
        observed.watched = Some(after(1_500));
    });
    assert!(matches!(last, Step::Wait(Some(time)) if time == after(1_800)));
    assert!(matches!(step_of(&request, 1_801), Step::Expire));
}

#[test]
fn running_access_keeps_its_finalizer() {
    let stripped = with_window(in_state(AccessState::Active, 1), 1, 1_801);
    assert!(matches!(step_of(&stripped, 10), Step::PutFinalizerBack));
}

#[test]
fn expired_bindings_are_removed_together() {
    let request = with_finalizer(with_window(in_state(AccessState::Expired, 1_801), 1, 1_801));
    assert!(matches!(step_of(&request, 1_802), Step::Wait(Some(time)) if time == after(2_100)));
    assert!(matches!(
        step_of(&request, 2_100),
        Step::Remove { keeps_name: false }
    ));
    let failed = |observed: &mut Observed<'_>| observed.removal = Removal::Failed;
    assert!(matches!(
        step(&request, 1_801 + 599, failed),
        Step::Remove { keeps_name: false }
    ));
    assert!(matches!(
        step_of(&request, 1_801 + 600),
        Step::Remove { keeps_name: false }
    ));
    assert!(matches!(step(&request, 1_801 + 600, failed), Step::Release));
}

#[test]
fn what_failed_after_a_window_was_recorded_is_removed_at_once() {
    for state in [
        AccessState::Failed,
        AccessState::Revoked,
        AccessState::Ineligible,
    ] {
        let request = with_finalizer(with_window(in_state(state, 5), 1, 1_801));
        assert!(
            matches!(step_of(&request, 6), Step::Remove { keeps_name: false }),
            "{state}"
        );
    }
}

#[test]
fn an_ended_request_is_watched_until_its_window_is_over() {
    let request = with_window(in_state(AccessState::Revoked, 5), 1, 1_801);
    assert!(matches!(step_of(&request, 6), Step::WatchEnded(_)));
    assert!(matches!(step_of(&request, 1_801), Step::Wait(Some(_))));
}

#[test]
fn a_finished_request_is_deleted_after_the_retention_and_not_before_its_end() {
    let month = 720 * 3_600;
    assert!(matches!(
        step_of(&in_state(AccessState::Failed, 5), 5 + month - 1),
        Step::Wait(Some(_))
    ));
    assert!(matches!(
        step_of(&in_state(AccessState::Failed, 5), 5 + month),
        Step::Delete
    ));
    let scheduled = with_window(in_state(AccessState::Revoked, 5), 1, 5 + month + 100);
    assert!(!matches!(step_of(&scheduled, 5 + month + 99), Step::Delete));
    let mut report = Report::new(AccessState::Failed, "too many");
    report.too_many = true;
    let crowded_out = reported(request(spec()), &report, 5);
    assert!(matches!(step_of(&crowded_out, 5 + 3_600), Step::Delete));
}

#[test]
fn deletion_removes_the_binding_first() {
    let active = deleted(with_finalizer(with_window(
        in_state(AccessState::Active, 1),
        1,
        1_801,
    )));
    assert!(matches!(
        step_of(&active, 70),
        Step::Remove { keeps_name: false }
    ));
    let failed = |observed: &mut Observed<'_>| observed.removal = Removal::Failed;
    assert!(matches!(
        step(&active, 70, failed),
        Step::Remove { keeps_name: false }
    ));
    assert!(matches!(step(&active, 1_801 + 600, failed), Step::Release));
    let undecided = deleted(with_finalizer(in_state(AccessState::Pending, 1)));
    // Whatever the status says, a binding may be there where the finalizer stands.
    assert!(matches!(
        step_of(&undecided, 70),
        Step::Remove { keeps_name: false }
    ));
    // Without a record of the window the patience begins with the deletion, at 60 s.
    assert!(matches!(
        step(&undecided, 60 + 599, failed),
        Step::Remove { keeps_name: false }
    ));
    assert!(matches!(step(&undecided, 60 + 600, failed), Step::Release));
    // Somebody took the finalizer off, and another one keeps the object.
    let stripped = deleted(with_window(in_state(AccessState::Active, 1), 1, 1_801));
    assert!(matches!(step_of(&stripped, 70), Step::WatchEnded(_)));
    assert!(matches!(step_of(&stripped, 1_801), Step::Wait(None)));
}

#[test]
fn final_states_never_change() {
    for state in AccessState::ALL
        .iter()
        .copied()
        .filter(|state| state.is_final())
    {
        for seconds in [0, 100, 1_801, 4_000, 90_000] {
            for request in [
                in_state(state, 0),
                with_finalizer(with_window(in_state(state, 0), 1, 1_801)),
            ] {
                let step = step_of(&request, seconds);
                assert!(
                    !matches!(
                        step,
                        Step::Grant(..)
                            | Step::LookUp(_)
                            | Step::Refuse(_)
                            | Step::Watch(_)
                            | Step::Expire
                    ),
                    "{state} {seconds} {step:?}"
                );
            }
        }
    }
}

fn judged(spec: &AccessRequestSpec, entitlements: &[(&str, &str)]) -> Result<Judged, Refusal> {
    judged_alone(&valid(spec), &lookup(entitlements))
}

#[test]
fn a_peers_entitlement_is_never_self_approved() {
    let refusal = judged(&spec(), &[("roles/compute.admin", PEER)]).unwrap_err();
    assert_eq!(refusal.state, AccessState::Ineligible);
    assert!(refusal.message.contains("reviewers"), "{}", refusal.message);
    assert!(matches!(
        judged(&spec(), &[("roles/compute.admin", SELF)]),
        Ok(Judged::Approved(..))
    ));
}

#[test]
fn one_bad_role_refuses_the_whole_request() {
    let mut spec = spec();
    spec.roles.push("roles/owner".to_owned());
    let refusal = judged(&spec, &[("roles/compute.admin", SELF)]).unwrap_err();
    assert_eq!(refusal.state, AccessState::Ineligible);
    assert!(
        refusal.message.contains("roles/owner"),
        "{}",
        refusal.message
    );
}

#[test]
fn nothing_is_granted_after_the_recorded_window() {
    let request = valid(&spec());
    let granted = |seconds| {
        let judged = judged(&spec(), &[("roles/compute.admin", SELF)]).unwrap();
        let Judged::Approved(approved, _) = judged else {
            panic!("{judged:?}");
        };
        let window = Window {
            start: after(0),
            end: after(1_800),
        };
        let (created, now) = (after(0), after(seconds));
        grant(&request, "uid", created, *approved, Some(window), now)
    };
    assert_eq!(granted(1_799).unwrap().window().end, after(1_800));
    let refusal = granted(1_800).unwrap_err();
    assert_eq!(refusal.state, AccessState::Failed);
    assert!(
        refusal
            .message
            .contains("before its end at 2026-11-23T20:30:00Z"),
        "{}",
        refusal.message
    );
}

#[test]
fn attack_29_a_binding_without_a_recorded_window_is_not_decided_anew() {
    let window = Window {
        start: after(0),
        end: after(60),
    };
    assert!(unexplained(true, None).is_some());
    assert_eq!(unexplained(true, Some(window)), None);
    assert_eq!(unexplained(false, None), None);
}

mod delegates;
mod peers;
