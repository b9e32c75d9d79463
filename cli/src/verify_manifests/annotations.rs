//! Labels and annotations of a manifest: how many, which of ours, and which program made it. The
//! admission policy has the same rules.

use std::collections::BTreeSet;

use jit_access_core::visible_text::is_invisible;
use jit_access_crds::{AccessRequest, CREATED_BY_ANNOTATION, DecisionKind, GROUP};
use kube::ResourceExt;

use super::{Expected, Problem};

/// What a delegate may say about how the request came in.
const FACTS: [&str; 3] = [
    CREATED_BY_ANNOTATION,
    "jit-access.dev/device-id",
    "jit-access.dev/access-levels",
];
/// The longest name of an annotation, after the slash.
const MOST_NAME_CHARACTERS: usize = 63;
const MOST_LABELS: usize = 64;
const MOST_ANNOTATIONS: usize = 64;
const MOST_OTHER_ANNOTATIONS: usize = 16;
const MOST_OTHER_CHARACTERS: usize = 30_000;
const MOST_FACT_CHARACTERS: usize = 2_000;

/// The agent that the manifest says will apply it; `None` if a person does.
pub fn agent(request: &AccessRequest, expected: &Expected) -> Result<Option<String>, Problem> {
    let named = request.annotations().get(CREATED_BY_ANNOTATION);
    let fault = |why: String| Err(Problem::annotation(CREATED_BY_ANNOTATION, why));
    let agent = match (named, &expected.agent) {
        (None, None) => return Ok(None),
        (Some(named), Some(agent)) if named == agent => named,
        (Some(named), None) => named,
        (None, Some(agent)) => return fault(format!("must be given, and be {agent}")),
        (Some(named), Some(agent)) => return fault(format!("is {named}, but must be {agent}")),
    };
    if !is_service_account(agent) {
        return fault(format!(
            "is \"{agent}\", which must be the service account of the agent that applies it, such as system:serviceaccount:flux-system:approvals"
        ));
    }
    Ok(Some(agent.clone()))
}

/// What is wrong with an agent that lives in one of the namespaces of requests, whichever it is:
/// whoever may edit there can make its tokens.
pub fn among_requests(agent: &str, namespaces: &BTreeSet<String>) -> Option<Problem> {
    let home = agent
        .strip_prefix("system:serviceaccount:")?
        .split(':')
        .next()?;
    namespaces.contains(home).then(|| {
        let why = format!(
            "is {agent}, which lives among the requests, in namespace {home}: such an account speaks for nobody, use one of a namespace without requests"
        );
        Problem::annotation(CREATED_BY_ANNOTATION, why)
    })
}

fn is_service_account(name: &str) -> bool {
    let of_cluster = name
        .strip_prefix("system:serviceaccount:")
        .is_some_and(|account| {
            let parts: Vec<&str> = account.split(':').collect();
            parts.len() == 2 && parts.iter().all(|part| !part.is_empty())
        });
    (of_cluster || name.ends_with("gserviceaccount.com")) && !name.contains([' ', ','])
}

/// Labels and annotations other than decisions.
pub fn problems(request: &AccessRequest) -> Vec<Problem> {
    let mut problems = Vec::new();
    if request.labels().len() > MOST_LABELS {
        let message = format!("at most {MOST_LABELS} are allowed");
        problems.push(Problem::new("metadata.labels", message));
    }
    if request.annotations().len() > MOST_ANNOTATIONS {
        let message = format!("at most {MOST_ANNOTATIONS} are allowed");
        problems.push(Problem::new("metadata.annotations", message));
    }
    let others: Vec<usize> = request
        .annotations()
        .iter()
        .filter(|(key, _)| decision_kind(key).is_none() && !FACTS.contains(&key.as_str()))
        .map(|(_, value)| value.chars().count())
        .collect();
    if others.len() > MOST_OTHER_ANNOTATIONS || others.iter().sum::<usize>() > MOST_OTHER_CHARACTERS
    {
        let message = format!(
            "at most {MOST_OTHER_ANNOTATIONS} annotations beside decisions are allowed, of {MOST_OTHER_CHARACTERS} characters together"
        );
        problems.push(Problem::new("metadata.annotations", message));
    }
    for fact in FACTS {
        let value = request.annotations().get(fact);
        let is_odd = |value: &String| {
            value.chars().count() > MOST_FACT_CHARACTERS
                || value
                    .chars()
                    .any(|character| character.is_control() || is_invisible(character))
        };
        if value.is_some_and(is_odd) {
            let message = format!(
                "must be one line of at most {MOST_FACT_CHARACTERS} characters, without control or invisible ones"
            );
            problems.push(Problem::annotation(fact, message));
        }
    }
    let ours = format!("{GROUP}/");
    for key in request.annotations().keys() {
        if key.to_ascii_lowercase().contains(&ours)
            && !FACTS.contains(&key.as_str())
            && decision_kind(key).is_none()
        {
            problems.push(Problem::annotation(key, format!(
                "is none of {GROUP}: there are approved-by., denied-by. and revoked-by.{GROUP}/NAME, NAME in lower case and of at most {MOST_NAME_CHARACTERS} characters"
            )));
        }
    }
    problems
}

/// The kind of decision that a key stands for, if it is one that the admission policy knows.
pub fn decision_kind(key: &str) -> Option<DecisionKind> {
    let (kind, name) = DecisionKind::ALL
        .iter()
        .find_map(|kind| Some((*kind, key.strip_prefix(kind.prefix())?)))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = name.len() <= MOST_NAME_CHARACTERS
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
        && name
            .bytes()
            .all(|byte| plain(byte) || b"._-".contains(&byte));
    fits.then_some(kind)
}
