//! A grant exists only if the rules say so, for every combination of optional fields, annotations and
//! eligibility. The judge is written apart from the rules, as simply as it can be.

mod world;

use jiff::{SignedDuration, Timestamp};
use jit_access_core::approval::Reviewer;
use jit_access_core::decision::{
    Identity, Judged, Known, Observed, Removal, Step, approvals_in_time, decide, judge,
};
use jit_access_core::expiry::Rounds;
use jit_access_core::limits::{JustificationPattern, Limits};
use jit_access_core::namespaces::Namespace;
use jit_access_core::request::ValidRequest;
use jit_access_core::resource::ResourceName;
use jit_access_core::status::{Report, compose};
use jit_access_crds::{AccessRequest, AccessRequestSpec, AccessState, CREATED_BY_ANNOTATION};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use world::{Eligibility, PEOPLE, ROLES, eligibility, email, judged, looked_up};

const AGENT: &str = "system:serviceaccount:agents:flux";
const STRANGER: &str = "system:serviceaccount:agents:other";
const TIMEOUT: i64 = 3_600;
const DURATION: i64 = 1_800;

fn at(seconds: i64) -> Timestamp {
    let created = Timestamp::new(1_790_000_000, 0).unwrap_or_default();
    created + SignedDuration::from_secs(seconds)
}

fn limits() -> Result<Limits, String> {
    Ok(Limits {
        scope: ResourceName::parse("organizations/1")?,
        min_duration: SignedDuration::from_secs(60),
        max_duration: SignedDuration::from_secs(7_200),
        default_duration: SignedDuration::from_secs(DURATION),
        approval_timeout: SignedDuration::from_secs(TIMEOUT),
        max_schedule: SignedDuration::from_hours(168),
        max_roles: 10,
        max_open: 10,
        max_hourly: 30,
        justification_pattern: JustificationPattern::parse(".*")?,
        justification_hint: String::new(),
        retention: SignedDuration::from_hours(720),
    })
}

/// How an approval is signed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Signed {
    /// By the person, about this request.
    Person,
    /// By the person, about another request of the same name.
    PersonAboutAnother,
    /// By a program that is listed, or by one that is not.
    Via(&'static str),
}

#[derive(Debug, Clone)]
struct Asked {
    roles: Vec<&'static str>,
    reviewers: Option<Vec<&'static str>>,
    duration: bool,
    start: Option<i64>,
    condition: bool,
    created_by: Option<&'static str>,
    approvals: Vec<(&'static str, Signed)>,
    denied_by: Option<&'static str>,
    revoked: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    let signed = select(vec![
        Signed::Person,
        Signed::Person,
        Signed::PersonAboutAnother,
        Signed::Via(AGENT),
        Signed::Via(STRANGER),
    ]);
    (
        (
            subsequence(&ROLES[..], 1..=2),
            prop::option::weighted(0.7, subsequence(&PEOPLE[1..], 1..=3)),
            any::<bool>(),
            prop::option::weighted(0.4, select(vec![-DURATION, -60, 0, 60, 7_000])),
            any::<bool>(),
        ),
        (
            select(vec![None, None, Some(AGENT), Some(STRANGER)]),
            prop::collection::vec((select(&PEOPLE[..]), signed), 0..3),
            prop::option::weighted(0.1, select(&PEOPLE[..])),
            prop::bool::weighted(0.1),
        ),
    )
        .prop_map(|((roles, reviewers, duration, start, condition), rest)| {
            let (created_by, approvals, denied_by, revoked) = rest;
            Asked {
                roles,
                reviewers,
                duration,
                start,
                condition,
                created_by,
                approvals,
                denied_by,
                revoked,
            }
        })
}

fn request(asked: &Asked) -> AccessRequest {
    let people = |people: &Vec<&str>| people.iter().map(|person| email(person)).collect();
    let time = |seconds: i64| at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut request = AccessRequest::new(
        "disk",
        AccessRequestSpec {
            requester: email("alice"),
            resource: "projects/some-project".to_owned(),
            roles: asked.roles.iter().map(|role| (*role).to_owned()).collect(),
            justification: "CASE-1".to_owned(),
            duration: asked.duration.then(|| "30m".to_owned()),
            reviewers: asked.reviewers.as_ref().map(people),
            start_time: asked.start.map(time),
            condition: asked.condition.then(|| "a".to_owned()),
        },
    );
    request.metadata.namespace = Some("requests".to_owned());
    request.metadata.uid = Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned());
    request.metadata.creation_timestamp = Some(Time(at(0)));
    let mut annotations = std::collections::BTreeMap::new();
    if let Some(maker) = asked.created_by {
        annotations.insert(CREATED_BY_ANNOTATION.to_owned(), maker.to_owned());
    }
    for (number, (person, signed)) in asked.approvals.iter().enumerate() {
        let (prefix, via) = match signed {
            Signed::Person => ("7c9e6679", String::new()),
            Signed::PersonAboutAnother => ("00000000", String::new()),
            Signed::Via(program) => ("x", format!(" via {program}")),
        };
        annotations.insert(
            format!("approved-by.jit-access.dev/{prefix}-{number}"),
            format!("{}{via}: fine", email(person)),
        );
    }
    if let Some(person) = asked.denied_by {
        annotations.insert("denied-by.jit-access.dev/x".to_owned(), email(person));
    }
    if asked.revoked {
        annotations.insert("revoked-by.jit-access.dev/x".to_owned(), email("sec"));
    }
    request.metadata.annotations = Some(annotations);
    request
}

/// Whether it is granted so many seconds after its creation, when it is seen first.
fn granted(asked: &Asked, all: &[Eligibility], now: i64) -> bool {
    let made_in_order = match asked.created_by {
        Some(STRANGER) => false,
        Some(_) => asked.reviewers.is_some() || asked.start.is_some(),
        None => true,
    };
    let reviewers = asked.reviewers.clone().unwrap_or_default();
    let denied = asked
        .denied_by
        .is_some_and(|person| reviewers.contains(&person));
    let begins = asked.start.unwrap_or(now);
    let in_window = begins <= now && now < begins + DURATION;
    let in_time = now <= TIMEOUT.max(asked.start.unwrap_or(0));
    let may = match &asked.reviewers {
        None => asked.roles.iter().all(|role| {
            all.iter()
                .any(|one| one.person == "alice" && one.role == *role && one.alone)
        }),
        Some(reviewers) => asked.approvals.iter().any(|(person, signed)| {
            reviewers.contains(person)
                && *person != "alice"
                && matches!(signed, Signed::Person | Signed::Via(AGENT))
                && judged(all, &asked.roles, person).is_some()
        }),
    };
    made_in_order && !denied && !asked.revoked && in_window && in_time && may
}

/// What the rules do with it, step by step as the controller would; whether they grant it.
fn walked(asked: &Asked, all: &[Eligibility], now: i64) -> Result<bool, TestCaseError> {
    let limits = limits().map_err(TestCaseError::fail)?;
    let mut request = request(asked);
    let namespace = Namespace {
        scope: vec![limits.scope.clone()],
        delegates: vec![AGENT.to_owned()],
    };
    let mut weighed = None;
    for _ in 0..6 {
        let observed = Observed {
            request: &request,
            now: at(now),
            crowding: None,
            crowded_out: 0,
            watched: None,
            removal: Removal::Untried,
            identity: Identity::Proven { since: at(-60) },
            namespace: Some(namespace.clone()),
            weighed: weighed.clone(),
        };
        let rounds = Rounds::every(SignedDuration::from_mins(5));
        let (valid, to_grant): (Box<ValidRequest>, bool) = match decide(&observed, &limits, rounds)
        {
            Step::Grant(valid, _) => (valid, true),
            Step::LookUp(valid) => (valid, false),
            Step::Record(approvals) => {
                let report = Report {
                    approvals,
                    ..Report::new(AccessState::Pending, "seen")
                };
                request.status = Some(compose(&request, &report, at(now)));
                continue;
            }
            Step::TakeName => {
                let finalizer = jit_access_crds::FINALIZER.to_owned();
                request.metadata.finalizers = Some(vec![finalizer]);
                continue;
            }
            Step::Wait(until) => {
                // Whoever waited for the past would come back at once, for ever.
                prop_assert!(until.is_none_or(|until| until > at(now)), "{:?}", until);
                return Ok(false);
            }
            Step::Refuse(_) => return Ok(false),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let delegates = namespace.delegates.as_slice();
        let approvals = approvals_in_time(&request, &valid, delegates, &limits);
        let requester = looked_up("alice", all);
        let reviewers: Vec<Reviewer> = valid
            .reviewers
            .iter()
            .map(|email| Reviewer {
                email: email.clone(),
                lookup: Ok(looked_up(email.split('@').next().unwrap_or_default(), all)),
            })
            .collect();
        let known = Known {
            requester: &requester,
            reviewers: &reviewers,
        };
        let (state, authors) = match judge(&valid, known, &approvals) {
            Err(_) => return Ok(false),
            Ok(Judged::Approved(..)) if to_grant => return Ok(true),
            Ok(Judged::Approved(..)) => (AccessState::Scheduled, None),
            Ok(Judged::Awaited(..)) => {
                let authors = approvals.iter().map(|it| it.author.clone()).collect();
                (AccessState::AwaitingApproval, Some(authors))
            }
            Ok(Judged::Unknown(why)) => return Err(TestCaseError::fail(why)),
        };
        weighed = authors;
        let report = Report::new(state, "so it is");
        request.status = Some(compose(&request, &report, at(now)));
    }
    Err(TestCaseError::fail("it goes round in a circle"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn attack_11_a_grant_exists_only_if_the_rules_of_the_whole_request_say_so(
        all in prop::collection::vec(eligibility(), 0..14),
        asked in asked(),
        now in select(vec![0, 1, 30, 1_000, TIMEOUT, TIMEOUT + 1, 7_000, 9_000]),
    ) {
        prop_assert_eq!(walked(&asked, &all, now)?, granted(&asked, &all, now));
    }
}
