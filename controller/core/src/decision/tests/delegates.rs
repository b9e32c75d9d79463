//! Requests that a program made in a person's name.

use jit_access_crds::CREATED_BY_ANNOTATION;

use super::peers::annotated;
use super::*;

const AGENT: &str = "system:serviceaccount:flux-system:flux";
const REVOKED: (&str, &str) = (
    "revoked-by.jit-access.dev/sec",
    "sec@example.com: wrong project",
);

fn listed(observed: &mut Observed<'_>) {
    if let Some(namespace) = &mut observed.namespace {
        namespace.delegates = vec![AGENT.to_owned()];
    }
}

/// Made by the agent, for 30 minutes that begin so many seconds after its creation.
fn made(start: i64, annotations: &[(&str, &str)]) -> AccessRequest {
    let by = [(CREATED_BY_ANNOTATION, AGENT)];
    annotated(request(starting(start)), &[&by, annotations].concat())
}

#[test]
fn what_a_listed_program_made_is_granted() {
    assert!(matches!(
        step(&made(0, &[]), 1, listed),
        Step::Grant(_, None)
    ));
}

#[test]
fn attack_8_what_a_program_made_that_is_not_listed_any_more_is_refused() {
    let refusal = refusal(step_of(&made(0, &[]), 1));
    assert_eq!(refusal.state, AccessState::Failed);
    assert!(refusal.message.contains(AGENT), "{}", refusal.message);
}

#[test]
fn attack_5_what_waits_for_nobody_has_a_start() {
    let by = [(CREATED_BY_ANNOTATION, AGENT)];
    let refusal = refusal(step(&annotated(request(spec()), &by), 1, listed));
    assert_eq!(refusal.state, AccessState::Failed);
    assert!(refusal.message.contains("spec.startTime"));
}

#[test]
fn attack_5_the_name_of_what_was_ended_stays_taken_until_the_window_is_over() {
    let made = made(60, &[REVOKED]);
    assert!(matches!(step(&made, 1, listed), Step::TakeName));
    let taken = with_finalizer(made);
    let refusal = refusal(step(&taken, 1, listed));
    assert_eq!(refusal.state, AccessState::Revoked);
    assert_eq!(
        refusal.message,
        "revoked by sec@example.com: wrong project; the request stays until 2026-11-23T20:31:00Z, so that it is not made again"
    );
    let ended = reported(taken, &Report::new(AccessState::Revoked, "so"), 2);
    assert!(matches!(
        step(&ended, 3, listed),
        Step::Remove { keeps_name: true }
    ));
    let done = |observed: &mut Observed<'_>| {
        listed(observed);
        observed.removal = Removal::Done;
    };
    let over = 60 + 1_800;
    assert!(matches!(step(&ended, 3, done), Step::Wait(Some(until)) if until == after(over)));
    let gone = deleted(ended.clone());
    assert!(matches!(step(&gone, 3, done), Step::KeepName(until) if until == after(over)));
    for request in [ended, gone] {
        assert!(matches!(
            step(&request, over, done),
            Step::Remove { keeps_name: false }
        ));
    }
}

#[test]
fn only_a_programs_work_for_a_fixed_time_is_kept() {
    let own = annotated(request(starting(60)), &[REVOKED]);
    assert_eq!(refusal(step_of(&own, 1)).state, AccessState::Revoked);
    // Withdrawn in Git, and nobody objected: the name is free.
    let pruned = deleted(with_finalizer(made(60, &[])));
    assert!(matches!(
        step(&pruned, 70, listed),
        Step::Remove { keeps_name: false }
    ));
    let done = |observed: &mut Observed<'_>| {
        listed(observed);
        observed.removal = Removal::Done;
    };
    assert!(matches!(
        step(&pruned, 71, done),
        Step::Remove { keeps_name: false }
    ));
}

#[test]
fn running_access_that_is_ended_says_that_its_name_stays() {
    let active = Report::new(AccessState::Active, "so");
    let active = with_window(reported(made(0, &[REVOKED]), &active, 1), 0, 1_800);
    match step(&with_finalizer(active), 5, listed) {
        Step::End(why) => assert!(why.ends_with("so that it is not made again"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn in_a_namespace_that_is_not_set_up_any_more_nothing_is_decided() {
    let step = step(&request(spec()), 1, |observed| {
        observed.namespace = None;
    });
    assert!(matches!(step, Step::Hold(why) if why.contains("not set up")));
}
