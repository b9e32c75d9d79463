use super::*;
use crate::samples::{after, in_state, reported, request, spec};

fn kinds(status: &AccessRequestStatus) -> Vec<(String, String, String)> {
    status
        .conditions
        .iter()
        .map(|condition| {
            (
                condition.type_.clone(),
                condition.status.clone(),
                condition.reason.clone(),
            )
        })
        .collect()
}

fn triple(kind: &str, status: &str, reason: &str) -> (String, String, String) {
    (kind.to_owned(), status.to_owned(), reason.to_owned())
}

#[test]
fn all_three_conditions_are_there_from_the_first_visit_on() {
    let status = compose(
        &request(spec()),
        &Report::new(AccessState::Pending, "Google is asked"),
        after(1),
    );
    assert_eq!(
        kinds(&status),
        [
            triple("Eligible", "Unknown", "Pending"),
            triple("Approved", "Unknown", "Pending"),
            triple("Granted", "False", "Pending"),
            triple("Reconciling", "True", "Pending"),
        ]
    );
    assert_eq!(status.observed_generation, Some(1));
}

#[test]
fn granted_is_true_in_one_state_only() {
    for state in AccessState::ALL {
        let request = in_state(*state, 1);
        let granted = condition(&request, ConditionType::Granted).unwrap();
        assert_eq!(
            granted.status == "True",
            *state == AccessState::Active,
            "{state}"
        );
        assert_eq!(super::state(&request), Some(*state));
    }
}

#[test]
fn kstatus_reads_the_states() {
    for state in AccessState::ALL {
        let request = in_state(*state, 1);
        let has = |kind| condition(&request, kind).is_some();
        let expected = match state.as_str() {
            "Pending" | "AwaitingApproval" | "Scheduled" | "Retrying" => (true, false),
            "Denied" | "TimedOut" | "Ineligible" | "Failed" => (false, true),
            _ => (false, false),
        };
        assert_eq!(
            (has(ConditionType::Reconciling), has(ConditionType::Stalled)),
            expected,
            "{state}"
        );
    }
}

#[test]
fn the_same_report_again_changes_nothing() {
    let report = Report::new(AccessState::Retrying, "Google is down");
    let first = reported(request(spec()), &report, 1);
    assert_eq!(first.status, Some(compose(&first, &report, after(500))));
    assert_eq!(since(&first), Some(after(1)));
}

#[test]
fn the_time_of_a_state_is_when_it_was_entered() {
    let retrying = in_state(AccessState::Retrying, 1);
    let other_cause = reported(
        retrying,
        &Report::new(AccessState::Retrying, "another cause"),
        50,
    );
    assert_eq!(since(&other_cause), Some(after(1)));
    let active = reported(other_cause, &Report::new(AccessState::Active, "there"), 70);
    assert_eq!(since(&active), Some(after(70)));
}

#[test]
fn what_a_report_does_not_speak_of_stays() {
    let report = Report {
        eligible: Some((EligibleReason::Entitled, "yes".to_owned())),
        approved: Some((ApprovedReason::SelfApproved, "yes".to_owned())),
        plan: Some(Plan {
            duration: "30m".to_owned(),
            bindings: Vec::new(),
        }),
        ..Report::new(AccessState::Active, "there")
    };
    let active = reported(request(spec()), &report, 1);
    let expired = reported(active, &Report::new(AccessState::Expired, "over"), 90);
    let status = expired.status.as_ref().unwrap();
    assert!(status.plan.is_some());
    assert_eq!(kinds(status)[0], triple("Eligible", "True", "Entitled"));
    assert_eq!(
        find(status, ConditionType::Eligible)
            .unwrap()
            .last_transition_time
            .0,
        after(1)
    );
}

#[test]
fn messages_are_bounded() {
    let status = compose(
        &request(spec()),
        &Report::new(AccessState::Failed, "ü".repeat(9_000)),
        after(1),
    );
    assert_eq!(
        find(&status, ConditionType::Granted)
            .unwrap()
            .message
            .chars()
            .count(),
        2_000
    );
}

#[test]
fn a_foreign_word_is_no_state() {
    let mut request = in_state(AccessState::Active, 1);
    request.status.as_mut().unwrap().conditions[2].reason = "active".to_owned();
    assert_eq!(state(&request), None);
}

#[test]
fn final_states_never_change_and_given_access_only_ends() {
    for before in AccessState::ALL.iter().copied() {
        for after in AccessState::ALL.iter().copied() {
            let expected = if before.is_final() {
                after == before
            } else if before == AccessState::Active {
                ["Active", "Expired", "Revoked"].contains(&after.as_str())
            } else {
                true
            };
            assert_eq!(
                may_follow(Some(before), after),
                expected,
                "{before} {after}"
            );
            assert!(may_follow(None, after));
        }
    }
}

#[test]
fn once_it_is_over_nobody_is_said_to_act() {
    let awaiting = Report {
        approved: Some((
            ApprovedReason::AwaitingApproval,
            "bob@example.com must act".to_owned(),
        )),
        ..Report::new(AccessState::AwaitingApproval, "waits for bob")
    };
    let waiting = reported(request(spec()), &awaiting, 1);
    for state in AccessState::ALL.iter().filter(|state| state.is_final()) {
        let over = reported(waiting.clone(), &Report::new(*state, "over"), 2);
        let approved = condition(&over, ConditionType::Approved).unwrap();
        assert_eq!(
            (approved.status.as_str(), approved.message.as_str()),
            ("Unknown", "it ended before anybody decided"),
            "{state}"
        );
    }
}
