//! What reviewers decided, as an agent applies it for them: a decision in Git is signed via that
//! agent, which `created-by` names, and is its reviewer's own.

use jit_access_core::review::{Decision, decisions};
use jit_access_core::visible_text::is_invisible;
use jit_access_crds::{
    AccessRequest, CREATED_BY_ANNOTATION, DecisionKind, GROUP, MOST_DECISION_CHARACTERS,
};
use kube::ResourceExt;

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

/// A sentence for each rule that labels and annotations break.
pub fn faults(request: &AccessRequest) -> Vec<String> {
    let mut faults = sizes(request);
    let agent = request.annotations().get(CREATED_BY_ANNOTATION);
    if let Some(agent) = agent
        && !is_delegate(agent)
    {
        faults.push(format!(
            "{CREATED_BY_ANNOTATION} is \"{agent}\", which must be the service account of the agent that applies it, such as system:serviceaccount:flux-system:approvals"
        ));
    }
    let mut seen: Vec<(DecisionKind, String)> = Vec::new();
    for (key, value) in request.annotations() {
        if !key.to_ascii_lowercase().contains(&format!("{GROUP}/")) || FACTS.contains(&key.as_str())
        {
            continue;
        }
        let Some(kind) = kind_of(key) else {
            faults.push(format!(
                "the annotation {key} is none of {GROUP}: there are approved-by., denied-by. and revoked-by.{GROUP}/NAME, NAME in lower case and of at most {MOST_NAME_CHARACTERS} characters"
            ));
            continue;
        };
        match decided(request, kind, key, value, agent) {
            Err(why) => faults.push(format!("{key}: {why}")),
            Ok(decision) => {
                let one = (kind, decision.author);
                if seen.contains(&one) {
                    faults.push(format!(
                        "{key}: {} decided so before: one decision of each kind per person",
                        one.1
                    ));
                }
                seen.push(one);
            }
        }
    }
    let decided = request
        .annotations()
        .keys()
        .any(|key| kind_of(key).is_some());
    if decided && agent.is_none() {
        faults.push(format!(
            "decisions stand in a manifest only where an agent applies it: the annotation {CREATED_BY_ANNOTATION} must name its service account"
        ));
    }
    let alone = request.spec.reviewers.is_none();
    if (decided || alone) && request.spec.start_time.is_none() {
        faults.push(format!(
            "spec.startTime must be given where {}: the same manifest applied again later would ask again",
            if decided { "decisions stand in the manifest" } else { "nobody needs to approve" }
        ));
    }
    faults
}

fn sizes(request: &AccessRequest) -> Vec<String> {
    let mut faults = Vec::new();
    if request.labels().len() > MOST_LABELS || request.annotations().len() > MOST_ANNOTATIONS {
        faults.push(format!(
            "at most {MOST_LABELS} labels and {MOST_ANNOTATIONS} annotations are allowed"
        ));
    }
    let others: Vec<usize> = request
        .annotations()
        .iter()
        .filter(|(key, _)| kind_of(key).is_none() && !FACTS.contains(&key.as_str()))
        .map(|(_, value)| value.chars().count())
        .collect();
    if others.len() > MOST_OTHER_ANNOTATIONS || others.iter().sum::<usize>() > MOST_OTHER_CHARACTERS
    {
        faults.push(format!(
            "at most {MOST_OTHER_ANNOTATIONS} annotations beside decisions are allowed, of {MOST_OTHER_CHARACTERS} characters together"
        ));
    }
    faults
}

/// The kind of decision that a key stands for, if it is one that the admission policy knows.
fn kind_of(key: &str) -> Option<DecisionKind> {
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

fn is_delegate(name: &str) -> bool {
    let account = name
        .strip_prefix("system:serviceaccount:")
        .is_some_and(|account| {
            let parts: Vec<&str> = account.split(':').collect();
            parts.len() == 2 && parts.iter().all(|part| !part.is_empty())
        });
    (account || name.ends_with("gserviceaccount.com")) && !name.contains([' ', ','])
}

/// The decision, if it will count; otherwise what keeps it from that.
fn decided(
    request: &AccessRequest,
    kind: DecisionKind,
    key: &str,
    value: &str,
    agent: Option<&String>,
) -> Result<Decision, String> {
    let one_line = !value
        .chars()
        .any(|character| character.is_control() || is_invisible(character));
    if !one_line || value.chars().count() > MOST_DECISION_CHARACTERS {
        return Err(format!(
            "a decision is one line of at most {MOST_DECISION_CHARACTERS} characters, without control characters, invisible ones or such that change the direction of text"
        ));
    }
    let Some(said) = signature(request, value) else {
        return Err(format!(
            "\"{value}\" names nobody: write \"E-MAIL via {}: comment\"",
            agent.map_or("SERVICE ACCOUNT", String::as_str)
        ));
    };
    let author = &said.author;
    if kind != DecisionKind::Revoked {
        let reviewers = request.spec.reviewers.as_deref().unwrap_or_default();
        if kind == DecisionKind::Approved && *author == request.spec.requester {
            return Err(format!(
                "{author} is the requester, and nobody approves their own request"
            ));
        }
        if !reviewers.contains(author) {
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
    match (&said.via, agent) {
        (None, _) => {
            return Err(format!(
                "an agent applies it, so that {author} cannot sign alone: write \"{author} via {}\", or decide with `kubectl jit` instead",
                agent.map_or("SERVICE ACCOUNT", String::as_str)
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
    let agents: Vec<String> = said.via.iter().cloned().collect();
    alone(request, key, value, &agents).ok_or_else(|| {
        "does not count: see how decisions are written in the documentation".to_owned()
    })
}

/// Who signed, through core's own reading: a revocation is read whoever's it is.
fn signature(request: &AccessRequest, value: &str) -> Option<Decision> {
    let key = format!("{}x", DecisionKind::Revoked.prefix());
    let decision = alone(request, &key, value, &[])?;
    let address = !decision.author.contains(char::is_whitespace);
    address.then_some(decision)
}

fn alone(request: &AccessRequest, key: &str, value: &str, agents: &[String]) -> Option<Decision> {
    let mut one = request.clone();
    one.metadata.annotations = Some([(key.to_owned(), value.to_owned())].into());
    decisions(&one, agents).pop()
}
