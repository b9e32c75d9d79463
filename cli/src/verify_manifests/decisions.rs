//! What reviewers decided, as an agent applies it for them: a decision in Git is signed via that
//! agent, which `created-by` names, and is its reviewer's own.

use jit_access_core::review::{Decision, Signature, decisions, is_one_line};
use jit_access_crds::{
    AccessRequest, CREATED_BY_ANNOTATION, DecisionKind, MOST_DECISION_CHARACTERS,
};
use kube::ResourceExt;

use super::{Problem, annotations};

/// What is wrong with the decisions of a manifest that this agent applies, if it is one.
pub fn problems(request: &AccessRequest, agent: Option<&str>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<(DecisionKind, String)> = Vec::new();
    for (key, value) in request.annotations() {
        let Some(kind) = annotations::decision_kind(key) else {
            continue;
        };
        match decided(request, kind, key, value, agent) {
            Err(why) => problems.push(Problem::annotation(key, why)),
            Ok(decision) => {
                let one = (kind, decision.author);
                if seen.contains(&one) {
                    problems.push(Problem::annotation(
                        key,
                        format!(
                            "{} decided so before: one decision of each kind per person",
                            one.1
                        ),
                    ));
                }
                seen.push(one);
            }
        }
    }
    // A name that is no agent's was told already.
    if !seen.is_empty() && !request.annotations().contains_key(CREATED_BY_ANNOTATION) {
        problems.push(Problem::annotation(
            CREATED_BY_ANNOTATION,
            "must name the service account of the agent that applies it: decisions stand in a manifest only where one does",
        ));
    }
    problems
}

/// The decision, if it will count; otherwise what keeps it from that.
fn decided(
    request: &AccessRequest,
    kind: DecisionKind,
    key: &str,
    value: &str,
    agent: Option<&str>,
) -> Result<Decision, String> {
    if !is_one_line(value) {
        return Err(format!(
            "a decision is one line of at most {MOST_DECISION_CHARACTERS} characters, without control characters, invisible ones or such that change the direction of text"
        ));
    }
    let said = Signature::read(value);
    let author = said.author;
    let signed_by = agent.unwrap_or("SERVICE ACCOUNT");
    if author.is_empty() || author.contains([' ', ':']) {
        return Err(format!(
            "\"{value}\" names nobody: write \"E-MAIL via {signed_by}: comment\""
        ));
    }
    if kind != DecisionKind::Revoked {
        let reviewers = request.spec.reviewers.as_deref().unwrap_or_default();
        if kind == DecisionKind::Approved && author == request.spec.requester {
            return Err(format!(
                "{author} is the requester, and nobody approves their own request"
            ));
        }
        if !reviewers.iter().any(|reviewer| reviewer == author) {
            return Err(format!(
                "{author} is none of the reviewers in spec.reviewers, who are {}",
                if reviewers.is_empty() {
                    "nobody".to_owned()
                } else {
                    reviewers.join(", ")
                }
            ));
        }
    }
    match (said.via, agent) {
        (None, _) => {
            return Err(format!(
                "an agent applies it, so that {author} cannot sign alone: write \"{author} via {signed_by}\", or decide with `kubectl jit` instead"
            ));
        }
        (Some(via), Some(agent)) if via != agent => {
            return Err(format!(
                "is signed via {via}, but {CREATED_BY_ANNOTATION} is {agent}: an agent signs with its own name only"
            ));
        }
        _ => {}
    }
    // What core does not count must not pass, whatever else was looked at.
    let agents: Vec<String> = said.via.iter().map(|via| (*via).to_owned()).collect();
    let mut alone = request.clone();
    alone.metadata.annotations = Some([(key.to_owned(), value.to_owned())].into());
    decisions(&alone, &agents).pop().ok_or_else(|| {
        "does not count: see how decisions are written in the documentation".to_owned()
    })
}
