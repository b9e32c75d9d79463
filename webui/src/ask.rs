//! What somebody fills in to ask for access: read from an address or a form, and turned into the
//! request that it means. Whatever is wrong with it is told beside the field.

use jiff::Timestamp;
use jit_access_core::grant::Window;
use jit_access_core::limits::Limits;
use jit_access_core::request::{ValidRequest, format_time, parse_time};
use jit_access_core::visible_text::shown;
use jit_access_crds::AccessRequestSpec;

use crate::form::{Fields, Unreadable};

/// Most roles or reviewers of a field that are read: more than any limit lets pass, and few enough to
/// compare each with each.
const MOST_WORDS: usize = 50;

/// The fields as they were filled in; none of them is checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Where: `projects/ID`, `folders/NUMBER` or `organizations/NUMBER`.
    pub resource: String,
    /// Roles chosen from those that the person may approve alone.
    pub own_roles: Vec<String>,
    /// Roles chosen from those that a peer must approve.
    pub peer_roles: Vec<String>,
    /// Roles typed by name.
    pub other_roles: Vec<String>,
    /// Reviewers, chosen and typed.
    pub reviewers: Vec<String>,
    /// Why.
    pub justification: String,
    /// For how long.
    pub duration: String,
    /// From when on, in UTC; empty: at once.
    pub start: String,
    /// What narrows the access; empty: nothing.
    pub condition: String,
    /// Name that the request will get: sent twice, it is made once.
    pub name: String,
}

/// A field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The `id` of the field on the page.
    pub field: &'static str,
    /// A sentence.
    pub sentence: String,
}

impl Problem {
    fn new(field: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            field,
            sentence: sentence.into(),
        }
    }
}

impl Ask {
    /// Reads the fields of an address or a form.
    ///
    /// # Errors
    /// A field that is there twice and may not be.
    pub fn read(fields: &Fields) -> Result<Self, Unreadable> {
        Ok(Self {
            resource: fields.one("resource")?.to_owned(),
            own_roles: distinct(fields.all("role")),
            peer_roles: distinct(fields.all("peer-role")),
            other_roles: words(fields.all("other-role")),
            reviewers: addresses(fields),
            justification: fields.text("justification")?.to_owned(),
            duration: without_spaces(fields.one("duration")?),
            start: fields.one("start")?.to_owned(),
            condition: fields.one("condition")?.to_owned(),
            name: fields.one("name")?.to_owned(),
        })
    }

    /// The same as an earlier request asked for; a start is never taken over.
    #[must_use]
    pub fn like(spec: &AccessRequestSpec) -> Self {
        let reviewers = spec.reviewers.clone().unwrap_or_default();
        let (own_roles, peer_roles) = if reviewers.is_empty() {
            (spec.roles.clone(), Vec::new())
        } else {
            (Vec::new(), spec.roles.clone())
        };
        Self {
            resource: spec.resource.clone(),
            own_roles,
            peer_roles,
            reviewers,
            justification: spec.justification.clone(),
            duration: spec.duration.clone().unwrap_or_default(),
            condition: spec.condition.clone().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Every role, each once.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let all = [&self.own_roles, &self.peer_roles, &self.other_roles];
        distinct(all.into_iter().flatten().map(String::as_str))
    }

    /// Whether a role is chosen, wherever it was named.
    #[must_use]
    pub fn names(&self, role: &str) -> bool {
        let all = [&self.own_roles, &self.peer_roles, &self.other_roles];
        all.into_iter().flatten().any(|other| other == role)
    }

    /// What the request will say, in this person's name. Nobody is waited for where there are no
    /// reviewers: then it starts now, so that the same object made again later gives nothing.
    #[must_use]
    pub fn spec(&self, requester: &str, now: Timestamp) -> AccessRequestSpec {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let start_time = match (self.start.as_str(), self.reviewers.is_empty()) {
            ("", true) => Some(format_time(now)),
            ("", false) => None,
            (start, _) => Some(in_utc(start)),
        };
        AccessRequestSpec {
            requester: requester.to_owned(),
            resource: self.resource.clone(),
            roles: self.roles(),
            justification: self.justification.trim().to_owned(),
            duration: some(&self.duration),
            reviewers: (!self.reviewers.is_empty()).then(|| self.reviewers.clone()),
            start_time,
            condition: some(&self.condition),
        }
    }

    /// Checks what can be checked without Google.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the page.
    pub fn check(
        &self,
        requester: &str,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<ValidRequest, Vec<Problem>> {
        let mut problems = Vec::new();
        if self.resource.is_empty() {
            problems.push(Problem::new("resource", "Choose where you need access."));
        }
        if self.roles().is_empty() {
            problems.push(Problem::new("roles", "Choose at least one role."));
        }
        if !self.own_roles.is_empty() && !self.peer_roles.is_empty() {
            problems.push(Problem::new(
                "roles",
                format!(
                    "{} and {} cannot go together: the first you activate yourself, a peer must approve the second. Send two requests.",
                    shown(&self.own_roles[0]),
                    shown(&self.peer_roles[0])
                ),
            ));
        } else if !self.peer_roles.is_empty() && self.reviewers.is_empty() {
            problems.push(Problem::new(
                "reviewers",
                "Choose at least one peer who may approve.",
            ));
        } else if !self.own_roles.is_empty() && !self.reviewers.is_empty() {
            problems.push(Problem::new(
                "reviewers",
                format!(
                    "{} needs nobody's approval: choose no peers.",
                    shown(&self.own_roles[0])
                ),
            ));
        }
        if self.justification.trim().is_empty() {
            problems.push(Problem::new(
                "justification",
                "Say why: a case number and a few words.",
            ));
        }
        if !self.start.is_empty() && parse_time(&in_utc(&self.start)).is_err() {
            let sentence = format!(
                "{} is no time: write it in UTC, such as 2026-11-23 20:00.",
                shown(&self.start)
            );
            problems.push(Problem::new("start", sentence));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let valid = ValidRequest::check(&self.spec(requester, now), now, limits)
            .map_err(|refusal| vec![problem_of(&refusal.message)])?;
        if Window::decide(&valid, now, now).is_over(now) {
            let over = "This time is over already: the access would have ended before it began.";
            return Err(vec![Problem::new("start", over)]);
        }
        Ok(valid)
    }
}

/// The rules name the field of the object; the page has a field for it, with a name of its own.
fn problem_of(message: &str) -> Problem {
    let fields = [
        ("spec.resource: ", "resource", "Resource"),
        ("spec.roles: ", "roles", "Roles"),
        ("spec.justification: ", "justification", "Justification"),
        ("spec.duration: ", "duration", "How long"),
        ("spec.reviewers: ", "reviewers", "Who may approve"),
        ("spec.startTime: ", "start", "Start"),
        ("spec.condition: ", "condition", "Condition"),
    ];
    for (prefix, field, label) in fields {
        if let Some(why) = message.strip_prefix(prefix) {
            // Above the form it stands without its field.
            return Problem::new(field, format!("{label}: {why}"));
        }
    }
    Problem::new("form", message)
}

/// People write `30 min` and `1h 30m`.
fn without_spaces(duration: &str) -> String {
    let compact: String = duration.split_whitespace().collect();
    let compact = compact.to_ascii_lowercase();
    compact.replace("min", "m")
}

/// A form of a browser has `2026-11-23T20:00`; people write what kubectl takes.
fn in_utc(text: &str) -> String {
    let form = |text: &str| text.parse::<Timestamp>().ok().map(format_time);
    form(text)
        .or_else(|| form(&format!("{text}Z")))
        .or_else(|| form(&format!("{text}:00Z")))
        .unwrap_or_else(|| text.to_owned())
}

fn distinct<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let values = values.into_iter().map(str::trim);
    for value in values.filter(|value| !value.is_empty()).take(MOST_WORDS) {
        if !kept.iter().any(|other| other == value) {
            kept.push(value.to_owned());
        }
    }
    kept
}

fn words<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = values
        .into_iter()
        .flat_map(|value| value.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')));
    distinct(words.take(MOST_WORDS))
}

fn addresses(fields: &Fields) -> Vec<String> {
    let chosen = words([fields.all("reviewer"), fields.all("other-reviewer")].concat());
    let lower: Vec<String> = chosen.iter().map(|one| one.to_ascii_lowercase()).collect();
    distinct(lower.iter().map(String::as_str))
}
