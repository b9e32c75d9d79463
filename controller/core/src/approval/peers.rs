//! What the reviewers of a request could approve, and what they did.

use jit_access_crds::{AccessRequest, AccessState, DecisionKind};

use super::Approved;
use crate::eligibility::{Eligible, Lookup};
use crate::review::{Decision, approval_command, decisions, is_reviewer};
use crate::status;

/// What is said of those who are named and could not approve.
const UNABLE: &str = " could not approve this and was not told";

/// A reviewer as Google knows them now; the error is a sentence.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// E-mail address, as `spec.reviewers` has it.
    pub email: String,
    /// What the reviewer could ask for on the same resource.
    pub lookup: Result<Lookup, String>,
}

/// How it stands with the approval of a request.
#[derive(Debug)]
pub enum Peers {
    /// One approval counts.
    Approved(Box<Approved>),
    /// One of those who could approve must act.
    Awaited(Awaited),
    /// Somebody approved who could not be looked up, or nobody could approve who could be: a sentence.
    Unknown(String),
    /// Nobody named could approve.
    Nobody,
}

/// Whose approval a request waits for.
#[derive(Debug)]
pub struct Awaited {
    /// What one of them, or several, could approve: for `status.plan`.
    pub eligible: Eligible,
    /// Those who could approve all of the roles.
    pub able: Vec<String>,
    /// Those who could not; nobody tells them.
    pub unable: Vec<String>,
    /// Those who could not be looked up, with the sentence: they are left out this time.
    pub unknown: Vec<(String, String)>,
}

impl Awaited {
    /// Says whose approval the request waits for, and how it is given.
    #[must_use]
    pub fn message(&self, request: &AccessRequest) -> String {
        let able = self.able.join(" or ");
        let mut sentences = vec![format!("waits for the approval of {able}")];
        if let Some(reviewer) = self.able.first() {
            sentences.push(format!(
                "{reviewer} approves with: {}",
                approval_command(request, reviewer)
            ));
        }
        if self.able.len() > 1 {
            sentences.push("the others do so with their own address".to_owned());
        }
        if !self.unable.is_empty() {
            sentences.push(format!("{}{UNABLE}", self.unable.join(", ")));
        }
        sentences.extend(
            self.unknown
                .iter()
                .map(|(email, why)| format!("{email} could not be looked up: {why}")),
        );
        sentences.join("; ")
    }
}

/// Whether it was said last that this person, although named, could not approve the request: nobody
/// tells them of it.
#[must_use]
pub fn was_found_unable(request: &AccessRequest, person: &str) -> bool {
    status::message(request)
        .unwrap_or_default()
        .split("; ")
        .filter_map(|sentence| sentence.strip_suffix(UNABLE))
        .any(|names| names.split(", ").any(|name| name == person))
}

/// Whether a decision of this person would help.
#[must_use]
pub fn waits_for(request: &AccessRequest, person: &str, delegates: &[String]) -> bool {
    status::state(request) == Some(AccessState::AwaitingApproval)
        && is_reviewer(request, person)
        && !was_found_unable(request, person)
        && decisions(request, delegates)
            .iter()
            .all(|decision| decision.author != person)
}

/// Weighs the approvals of a request for which every role has a peer entitlement. Only those among
/// `decisions` count whose authors are among the reviewers, who were all looked up now.
#[must_use]
pub fn weigh(eligible: &Eligible, reviewers: &[Reviewer], decisions: &[Decision]) -> Peers {
    let mut awaited: Option<Eligible> = None;
    let (mut able, mut unable, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut undecided = None;
    for reviewer in reviewers {
        let approval = decisions.iter().find(|decision| {
            decision.kind == DecisionKind::Approved && decision.author == reviewer.email
        });
        let lookup = match &reviewer.lookup {
            Ok(lookup) => lookup,
            Err(why) => {
                if approval.is_some() {
                    undecided = Some(format!(
                        "{} approved, and could not be looked up: {why}",
                        reviewer.email
                    ));
                }
                unknown.push((reviewer.email.clone(), why.clone()));
                continue;
            }
        };
        let Some(covered) = eligible.covered_by(lookup) else {
            unable.push(reviewer.email.clone());
            continue;
        };
        if let Some(approved) =
            approval.and_then(|decision| Approved::by_peer(eligible, decision, lookup))
        {
            return Peers::Approved(Box::new(approved));
        }
        able.push(reviewer.email.clone());
        awaited = Some(match awaited {
            Some(others) => others.or(&covered),
            None => covered,
        });
    }
    if let Some(why) = undecided {
        // The approval stands, and may count: nobody else is waited for.
        return Peers::Unknown(why);
    }
    match (awaited, unknown.first()) {
        (Some(eligible), _) => Peers::Awaited(Awaited {
            eligible,
            able,
            unable,
            unknown,
        }),
        (None, Some((email, why))) => Peers::Unknown(format!(
            "nobody else could approve, and {email} could not be looked up: {why}"
        )),
        (None, None) => Peers::Nobody,
    }
}
