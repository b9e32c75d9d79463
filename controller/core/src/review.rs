//! What reviewers and others decided about a request, read from its annotations.
//!
//! The admission policy lets nobody write a decision in another's name. It is read here by the
//! same rules all the same, byte for byte: what does not fit them was written while the policy was
//! not there.

use jit_access_crds::{
    AccessRequest, AccessState, DecisionKind, MOST_DECISION_CHARACTERS, UID_CHARACTERS,
};
use kube::ResourceExt;

use crate::visible_text::{is_invisible, shown, shown_up_to};

/// A decision that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// Who decided: an e-mail address, or another user name where it ends the request.
    pub author: String,
    /// The delegate that vouches for the author; `None` where the author wrote it.
    pub via: Option<String>,
    /// What was said.
    pub comment: Option<String>,
}

/// All decisions about a request that count, in the order of their keys.
///
/// `delegates` are the programs that may sign for persons in the request's namespace now: one that
/// is no longer listed does not approve any more. What ends a request counts even if it is signed
/// by another, and whatever its text is: a no is never lost.
#[must_use]
pub fn decisions(request: &AccessRequest, delegates: &[String]) -> Vec<Decision> {
    request
        .annotations()
        .iter()
        .filter_map(|(key, value)| decision(request, delegates, key, value))
        .collect()
}

fn decision(
    request: &AccessRequest,
    delegates: &[String],
    key: &str,
    value: &str,
) -> Option<Decision> {
    let (kind, name) = DecisionKind::ALL
        .iter()
        .find_map(|kind| Some((*kind, key.strip_prefix(kind.prefix())?)))?;
    let Signature {
        author,
        via,
        comment,
    } = Signature::read(value);
    let is_reviewer = request
        .spec
        .reviewers
        .iter()
        .flatten()
        .any(|reviewer| reviewer == author);
    let counts = match kind {
        DecisionKind::Approved => {
            is_reviewer
                && author != request.spec.requester
                && is_one_line(value)
                && match via {
                    Some(via) => delegates.iter().any(|delegate| delegate == via),
                    None => names_request(name, request),
                }
        }
        DecisionKind::Denied => is_reviewer,
        // The requester, a reviewer, or a holder of the verb `revoke`, whom only the API server knows.
        DecisionKind::Revoked => !author.trim().is_empty(),
    };
    counts.then(|| Decision {
        kind,
        author: author.to_owned(),
        via: via.map(str::to_owned),
        comment: comment.map(str::to_owned),
    })
}

/// Who signed a decision, and what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Whose decision it is.
    pub author: &'a str,
    /// The delegate that signed for the author.
    pub via: Option<&'a str>,
    /// What was said.
    pub comment: Option<&'a str>,
}

impl<'a> Signature<'a> {
    /// Reads `E-MAIL`, `E-MAIL: comment`, `E-MAIL via DELEGATE` or `E-MAIL via DELEGATE: comment`;
    /// any other text is an author of that name.
    #[must_use]
    pub fn read(value: &'a str) -> Self {
        let (signature, comment) = match value.split_once(": ") {
            Some((signature, comment)) => (signature, Some(comment)),
            None => (value, None),
        };
        let (author, via) = match signature.split_once(" via ") {
            Some((author, via)) => (author, Some(via)),
            None => (signature, None),
        };
        Self {
            author,
            via,
            comment,
        }
    }
}

/// The same name may be another request by now: a person's approval says which one was looked at.
fn names_request(name: &str, request: &AccessRequest) -> bool {
    let uid = request.metadata.uid.as_deref().unwrap_or_default();
    uid.get(..UID_CHARACTERS)
        .is_some_and(|prefix| name.starts_with(prefix))
}

/// Whether a decision's text may be an approval's: one line, not too long, nothing in it that is not
/// seen or changes how the rest is shown.
#[must_use]
pub fn is_one_line(value: &str) -> bool {
    value.chars().count() <= MOST_DECISION_CHARACTERS
        && !value
            .chars()
            .any(|character| character.is_control() || is_invisible(character))
}

/// The decision that ends a request, if there is one: the state that it gets, and a sentence. A
/// denial wins over a revocation, and both over any approval.
#[must_use]
pub fn veto(decisions: &[Decision]) -> Option<(AccessState, String)> {
    let of = |kind| decisions.iter().find(|decision| decision.kind == kind);
    let said = |word: &str, decision: &Decision| {
        let via = decision.via.as_ref();
        let via = via.map(|via| format!(" via {}", shown(via)));
        let comment = decision.comment.as_ref();
        let comment =
            comment.map(|text| format!(": {}", shown_up_to(text, MOST_DECISION_CHARACTERS)));
        format!(
            "{word} by {}{}{}",
            shown(&decision.author),
            via.unwrap_or_default(),
            comment.unwrap_or_default()
        )
    };
    of(DecisionKind::Denied)
        .map(|decision| (AccessState::Denied, said("denied", decision)))
        .or_else(|| {
            of(DecisionKind::Revoked)
                .map(|decision| (AccessState::Revoked, said("revoked", decision)))
        })
}

/// Longest part of a key that is taken from an address: a key's name has at most 63 characters.
const MOST_SLUG_CHARACTERS: usize = 40;

/// The command that approves a request in a reviewer's name.
#[must_use]
pub fn approval_command(request: &AccessRequest, reviewer: &str) -> String {
    format!(
        "kubectl annotate areq {} -n {} {}=\"{reviewer}: looks right\"",
        request.name_any(),
        request.namespace().unwrap_or_default(),
        decision_key(request, DecisionKind::Approved, reviewer),
    )
}

/// The annotation under which somebody decides: it says which request was looked at, and is the
/// same whichever program writes it.
#[must_use]
pub fn decision_key(request: &AccessRequest, kind: DecisionKind, author: &str) -> String {
    let uid = request.metadata.uid.as_deref().unwrap_or_default();
    format!(
        "{}{}-{}",
        kind.prefix(),
        uid.get(..UID_CHARACTERS).unwrap_or(uid),
        slug(author),
    )
}

/// As [`decision_key`], with a number behind it where somebody else took that one: two people may
/// have the same first name. `None` for a request without a UID, of which it cannot be said which
/// one is meant.
#[must_use]
pub fn free_decision_key(
    request: &AccessRequest,
    kind: DecisionKind,
    author: &str,
) -> Option<String> {
    let uid = request.metadata.uid.as_deref();
    uid.filter(|uid| !uid.is_empty())?;
    let first = decision_key(request, kind, author);
    let taken = request.annotations();
    let keys = (1..).map(|number| match number {
        1 => first.clone(),
        _ => format!("{first}-{number}"),
    });
    // One more than are taken: one of them is free.
    keys.take(taken.len() + 1)
        .find(|key| !taken.contains_key(key))
}

/// A decision's text: who decides, through which delegate, and what is said.
///
/// # Errors
/// A sentence about the comment, to be read after what the comment is called.
pub fn sign(author: &str, via: Option<&str>, comment: Option<&str>) -> Result<String, String> {
    let mut value = author.to_owned();
    if let Some(via) = via {
        value.push_str(&format!(" via {via}"));
    }
    if let Some(comment) = comment.map(str::trim).filter(|comment| !comment.is_empty()) {
        value.push_str(&format!(": {comment}"));
    }
    if is_one_line(&value) {
        return Ok(value);
    }
    let length = value.chars().count();
    Err(if length > MOST_DECISION_CHARACTERS {
        format!(
            "is {} characters too long: names and comment have room for {MOST_DECISION_CHARACTERS}",
            length - MOST_DECISION_CHARACTERS
        )
    } else {
        "must be one line without control characters, nor invisible ones or such that change the direction of text".to_owned()
    })
}

/// Whether the request names this person as reviewer.
#[must_use]
pub fn is_reviewer(request: &AccessRequest, person: &str) -> bool {
    let mut reviewers = request.spec.reviewers.iter().flatten();
    reviewers.any(|reviewer| reviewer == person)
}

/// A short name for a reviewer, as it may stand in a key. The admission policy makes the same.
fn slug(reviewer: &str) -> String {
    let local = reviewer.split('@').next().unwrap_or_default();
    let slug: String = local
        .chars()
        .take(MOST_SLUG_CHARACTERS)
        .map(|character| match character {
            'a'..='z' | '0'..='9' => character,
            _ => '-',
        })
        .collect();
    if slug.is_empty() || slug.ends_with('-') {
        "reviewer".to_owned()
    } else {
        slug
    }
}

#[cfg(test)]
mod tests;
