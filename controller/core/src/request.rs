//! The request's own fields: the first thing that is checked, by the rules of the schema and the
//! limits of the installation. The API server has checked the schema too; the controller does not
//! rely on it.

use jiff::{SignedDuration, Timestamp};
use jit_access_crds::{AccessRequestSpec, AccessState};

use crate::eligibility::Kind;
use crate::iam_condition::{self, Term};
use crate::limits::{Limits, format_duration, parse_duration};
use crate::resource::{ResourceName, is_number, is_project_id};
use crate::visible_text::is_invisible;

/// Why a request is not served: a final state and a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The state that the request gets.
    pub state: AccessState,
    /// What is wrong and what would be right.
    pub message: String,
    /// Whether the only fault is that the requester has too many.
    pub too_many: bool,
}

impl Refusal {
    /// A refusal with a final state.
    pub fn new(state: AccessState, message: impl Into<String>) -> Self {
        Self {
            state,
            message: message.into(),
            too_many: false,
        }
    }

    /// The request cannot be served as asked.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(AccessState::Failed, message)
    }
}

/// A spec whose fields have all been checked.
#[derive(Debug, Clone)]
pub struct ValidRequest {
    /// E-mail address in lower case.
    pub requester: String,
    /// Where the roles are wanted.
    pub resource: ResourceName,
    /// At least one, no duplicates.
    pub roles: Vec<String>,
    /// As written; contains no control characters but newline and tab.
    pub justification: String,
    /// Whole seconds, within the limits.
    pub duration: SignedDuration,
    /// Empty for self-approval.
    pub reviewers: Vec<String>,
    /// Whole seconds.
    pub start_time: Option<Timestamp>,
    /// What narrows the grant.
    pub condition: Option<Term>,
}

impl ValidRequest {
    /// Who has to agree: with reviewers a peer, without the requester alone.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.reviewers.is_empty() {
            Kind::SelfApproval
        } else {
            Kind::PeerApproval
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// `Failed`, with the first field that is wrong.
    pub fn check(
        spec: &AccessRequestSpec,
        created: Timestamp,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        person(&spec.requester).map_err(|why| field("requester", &why))?;
        let resource =
            ResourceName::parse(&spec.resource).map_err(|why| field("resource", &why))?;
        roles(&spec.roles, limits.max_roles).map_err(|why| field("roles", &why))?;
        justification(&spec.justification, limits).map_err(|why| field("justification", &why))?;
        let duration =
            duration(spec.duration.as_deref(), limits).map_err(|why| field("duration", &why))?;
        let reviewers = spec.reviewers.clone().unwrap_or_default();
        if spec.reviewers.is_some() {
            check_reviewers(&reviewers, &spec.requester).map_err(|why| field("reviewers", &why))?;
        }
        let start_time = spec
            .start_time
            .as_deref()
            .map(parse_time)
            .transpose()
            .map_err(|why| field("startTime", &why))?;
        if let Some(start) = start_time
            && start.duration_since(created) > limits.max_schedule
        {
            return Err(field(
                "startTime",
                &format!(
                    "at most {} ahead is allowed here: ask again nearer to {start}",
                    format_duration(limits.max_schedule)
                ),
            ));
        }
        let condition = spec
            .condition
            .as_deref()
            .map(iam_condition::narrowing)
            .transpose()
            .map_err(|why| field("condition", &why))?;
        Ok(Self {
            requester: spec.requester.clone(),
            resource,
            roles: spec.roles.clone(),
            justification: spec.justification.clone(),
            duration,
            reviewers,
            start_time,
            condition,
        })
    }
}

fn field(name: &str, why: &str) -> Refusal {
    Refusal::failed(format!("spec.{name}: {why}"))
}

/// The exact form `2026-11-23T20:00:00Z` of this century.
///
/// # Errors
/// A sentence that says what a time looks like.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let form = b"20dd-dd-ddTdd:dd:ddZ";
    let fits = text.len() == form.len()
        && text
            .bytes()
            .zip(form)
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                other => byte == *other,
            });
    text.parse::<Timestamp>()
        .ok()
        // jiff reads the leap second :60 as :59; the schema refuses it, and so do we.
        .filter(|time| fits && format_time(*time) == text)
        .ok_or_else(|| {
            format!(
                "\"{}\" must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z",
                text.escape_debug()
            )
        })
}

/// A time in whole seconds as [`parse_time`] reads it; a fraction is cut.
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether this is the e-mail address of a person's Google account, in lower case.
///
/// # Errors
/// A sentence that says what it should be.
pub fn person(email: &str) -> Result<(), String> {
    let refuse = || {
        format!(
            "\"{}\" must be the e-mail address of a Google account in lower case, such as alice@example.com",
            email.escape_debug()
        )
    };
    if email.len() > 254 {
        return Err(refuse());
    }
    let (local, domain) = email.split_once('@').ok_or_else(refuse)?;
    let local_valid = !local.is_empty()
        && local.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._%+'-".contains(&byte)
        });
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_valid = labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
    if !local_valid || !domain_valid {
        return Err(refuse());
    }
    if email.ends_with("gserviceaccount.com") {
        return Err(format!(
            "{email} is a service account; name a person's account"
        ));
    }
    Ok(())
}

fn roles(roles: &[String], most: usize) -> Result<(), String> {
    if roles.is_empty() {
        return Err("name at least one role".to_owned());
    }
    if roles.len() > most {
        return Err(format!(
            "{} roles, but at most {most} are allowed in one request: split it",
            roles.len()
        ));
    }
    for (index, role) in roles.iter().enumerate() {
        if !is_role(role) {
            return Err(format!(
                "\"{}\" must be roles/NAME, projects/PROJECT_ID/roles/NAME or organizations/NUMBER/roles/NAME",
                role.escape_debug()
            ));
        }
        if roles[..index].contains(role) {
            return Err(format!("{role} is named twice"));
        }
    }
    Ok(())
}

fn is_role(role: &str) -> bool {
    let (holder, name) = match role.rsplit_once('/') {
        Some((holder, name)) => (holder, name),
        None => return false,
    };
    let holder_valid = holder == "roles"
        || holder
            .strip_prefix("projects/")
            .and_then(|rest| rest.strip_suffix("/roles"))
            .is_some_and(is_project_id)
        || holder
            .strip_prefix("organizations/")
            .and_then(|rest| rest.strip_suffix("/roles"))
            .is_some_and(is_number);
    holder_valid
        && (1..=100).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

/// Longest name made from a role, in characters.
const MOST_NAME_CHARACTERS: usize = 30;

/// What the name of a request begins with that is made from its first role:
/// `compute-instanceadmin-v1-`.
#[must_use]
pub fn name_beginning(roles: &[String]) -> String {
    let role = roles.first().map_or("", String::as_str);
    let last = role.rsplit('/').next().unwrap_or_default();
    let name: String = last
        .chars()
        .take(MOST_NAME_CHARACTERS)
        .map(|character| match character.to_ascii_lowercase() {
            plain @ ('a'..='z' | '0'..='9') => plain,
            _ => '-',
        })
        .collect();
    match name.trim_matches('-') {
        "" => "request-".to_owned(),
        name => format!("{name}-"),
    }
}

fn misleading(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t') || is_invisible(character)
}

fn justification(text: &str, limits: &Limits) -> Result<(), String> {
    if text.is_empty() || text.chars().count() > 1_000 {
        return Err("must have 1 to 1000 characters".to_owned());
    }
    if text.trim().is_empty() {
        return Err("must say something: a case number and a few words".to_owned());
    }
    if text.chars().any(misleading) {
        return Err("must not contain control characters other than newline and tab, nor invisible ones or such that change the direction of text".to_owned());
    }
    if limits.justification_pattern.matches(text) {
        Ok(())
    } else if limits.justification_hint.is_empty() {
        Err(format!(
            "must match {}",
            limits.justification_pattern.source()
        ))
    } else {
        Err(limits.justification_hint.clone())
    }
}

fn duration(text: Option<&str>, limits: &Limits) -> Result<SignedDuration, String> {
    let Some(text) = text else {
        return Ok(limits.default_duration);
    };
    let duration = parse_duration(text)?;
    if duration < limits.min_duration || duration > limits.max_duration {
        return Err(format!(
            "{text} is not between {} and {}, which is allowed here",
            format_duration(limits.min_duration),
            format_duration(limits.max_duration)
        ));
    }
    Ok(duration)
}

fn check_reviewers(reviewers: &[String], requester: &str) -> Result<(), String> {
    if reviewers.is_empty() || reviewers.len() > 10 {
        return Err("name 1 to 10 reviewers, or leave the field out for self-approval".to_owned());
    }
    for (index, reviewer) in reviewers.iter().enumerate() {
        person(reviewer)?;
        if reviewer == requester {
            return Err("nobody approves their own request: name somebody else".to_owned());
        }
        if reviewers[..index].contains(reviewer) {
            return Err(format!("{reviewer} is named twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
