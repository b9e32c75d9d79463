//! From what a call brought back to the sentence that tells it.

use std::{error::Error as StdError, time::Duration};

use google_cloud_gax::error::{
    CredentialsError, Error as SdkError,
    rpc::{Status, StatusDetails},
};
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use crate::error::{Error, Kind};

/// How much of Google's own words goes into a sentence, in characters.
const MAX_QUOTE: usize = 300;
/// A longer `Retry-After` is taken as this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A call, as its errors name it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// After "Google refused to": `read the IAM policy of projects/web`.
    pub(crate) task: String,
    /// What the call is about: `projects/web`.
    pub(crate) subject: String,
    /// Who answers: `cloudresourcemanager.googleapis.com`.
    pub(crate) host: String,
    pub(crate) requires: Requirement,
    pub(crate) timeout: Duration,
    pub(crate) writes: bool,
}

/// What our own account must hold for a call.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    Permission {
        name: String,
        role: &'static str,
    },
    /// The admin role of Google Workspace and Cloud Identity.
    GroupsReader,
}

impl Call {
    fn error(&self, kind: Kind, lost: bool, message: String) -> Error {
        Error {
            may_have_been_committed: self.writes && lost,
            ..Error::new(kind, message)
        }
    }

    /// Google answered, with a status that is no success. `body` is used if it was not Google's error format.
    pub(crate) fn refused(
        &self,
        http: u16,
        headers: &HeaderMap,
        status: Option<&Status>,
        body: &[u8],
    ) -> Error {
        let task = &self.task;
        let kind = kind_of(http, status);
        let retry_after = retry_after(headers, status);
        let what = match kind {
            Kind::Denied => format!("Google refused to {task}: {}.", self.lacking(status)),
            Kind::Missing => format!(
                "Google could not {task}: it knows no {}; check the name, or whether it was deleted.",
                self.subject
            ),
            Kind::Conflict => format!(
                "Google refused to {task}: it was changed by somebody else meanwhile; it must be read again first."
            ),
            Kind::Invalid => {
                format!("Google refused to {task}: something in the request is invalid.")
            }
            Kind::TooLarge => format!("Google refused to {task}: the request is too large."),
            Kind::Quota => match retry_after {
                Some(wait) => format!(
                    "Google refused to {task}: a quota is used up; it asks to wait {} s.",
                    wait.as_secs_f64().ceil()
                ),
                None => format!(
                    "Google refused to {task}: a quota is used up; later it will be free again."
                ),
            },
            Kind::Credentials => format!(
                "Google refused to {task}: it does not accept our credentials; check that the service account exists \
                 and is enabled, and how Workload Identity or the credentials file is set up."
            ),
            Kind::Unavailable | Kind::Timeout => {
                format!("Google could not {task} for now (HTTP {http}); later it may work.")
            }
            _ => format!("Google did not {task} (HTTP {http})."),
        };
        let said = match status {
            Some(status) => quote(&status.message),
            None => quote(&String::from_utf8_lossy(body)),
        };
        let said = said.map_or_else(String::new, |said| format!(" Google said: \"{said}\"."));
        Error {
            retry_after,
            ..self.error(
                kind,
                http >= 500 || http == 408 || http == 499,
                format!("{what}{said}{}", self.doubt(http >= 500)),
            )
        }
    }

    /// Which of the causes of a 403 it is.
    fn lacking(&self, status: Option<&Status>) -> String {
        match reason(status) {
            Some("SERVICE_DISABLED" | "accessNotConfigured") => {
                return format!(
                    "the API {} is not enabled in the project that our service account belongs to; enable it there",
                    self.host
                );
            }
            Some("USER_PROJECT_DENIED") => {
                return "our service account may not use the quota project; it needs \
                        roles/serviceusage.serviceUsageConsumer there"
                    .to_owned();
            }
            _ => {}
        }
        let subject = &self.subject;
        match &self.requires {
            Requirement::GroupsReader => {
                "our service account lacks the Groups Reader role of Google Workspace or Cloud Identity; an \
                 administrator assigns it in the Admin console under Account, Admin roles"
                    .to_owned()
            }
            Requirement::Permission { name, role } => {
                let named = permission_named(status);
                let permission = named.as_deref().unwrap_or(name);
                let role = if permission == name {
                    format!(" ({role} has it)")
                } else {
                    String::new()
                };
                let limited = if self.writes {
                    ", or a condition on its own role excludes a role that this write touches"
                } else {
                    ""
                };
                format!(
                    "either our service account lacks the permission {permission} on {subject}{role}{limited}, or \
                     {subject} does not exist, which Google answers alike"
                )
            }
        }
    }

    /// Google's crate gave up on the call.
    pub(crate) fn failed(&self, error: &SdkError) -> Error {
        if let Some(http) = error.http_status_code() {
            let none = HeaderMap::new();
            let headers = error.http_headers().unwrap_or(&none);
            let body = error.http_payload().map_or(&[][..], |body| body);
            return self.refused(http, headers, error.status(), body);
        }
        if error.is_authentication() {
            return self.no_credentials(error);
        }
        if error.is_timeout() {
            return self.timed_out();
        }
        if error.is_deserialization() {
            return self.malformed(&innermost(error));
        }
        if error.is_binding() || error.is_serialization() {
            let why = innermost(error);
            let message = format!("The call to {} could not be made: {why}.", self.task);
            return self.error(Kind::Invalid, false, message);
        }
        match reqwest_error(error) {
            Some(error) => self.broke(error),
            None => self.cut(&innermost(error)),
        }
    }

    /// No answer, or not the whole of it.
    pub(crate) fn broke(&self, error: &reqwest::Error) -> Error {
        if error.is_connect() {
            let Call { host, task, .. } = self;
            let why = innermost(error);
            let message = format!(
                "{host} could not be reached to {task}: {why}; check network, DNS and firewall."
            );
            self.error(Kind::Network, false, message)
        } else if error.is_timeout() {
            self.timed_out()
        } else if error.is_body() || error.is_decode() {
            self.malformed(&innermost(error))
        } else {
            self.cut(&innermost(error))
        }
    }

    fn timed_out(&self) -> Error {
        let Call {
            host,
            task,
            timeout,
            ..
        } = self;
        let doubt = self.doubt(true);
        let message = format!(
            "{host} did not answer within {} s when asked to {task}.{doubt}",
            timeout.as_secs_f64()
        );
        self.error(Kind::Timeout, true, message)
    }

    fn cut(&self, why: &str) -> Error {
        let Call { host, task, .. } = self;
        let doubt = self.doubt(true);
        let message =
            format!("The connection to {host} broke when it was asked to {task}: {why}.{doubt}");
        self.error(Kind::Network, true, message)
    }

    /// A success whose body is cut off or not what the API promises.
    pub(crate) fn malformed(&self, why: &str) -> Error {
        let Call { host, task, .. } = self;
        let doubt = self.doubt(true);
        let message = format!(
            "The answer of {host} when asked to {task} is cut off or malformed: {why}.{doubt}"
        );
        self.error(Kind::Malformed, true, message)
    }

    /// There is nothing to show Google who we are.
    pub(crate) fn no_credentials(&self, error: &(dyn StdError + 'static)) -> Error {
        let message = format!(
            "There is no access token to {}: {}. {WHERE_CREDENTIALS_COME_FROM}",
            self.task,
            token_failure(error)
        );
        self.error(Kind::Credentials, false, message)
    }

    fn doubt(&self, lost: bool) -> &'static str {
        if self.writes && lost {
            " Whether it was done is not known."
        } else {
            ""
        }
    }
}

pub(crate) const WHERE_CREDENTIALS_COME_FROM: &str = "Right would be a Kubernetes service account with Workload \
     Identity on GKE, or a credentials file named by GOOGLE_APPLICATION_CREDENTIALS.";

fn kind_of(http: u16, status: Option<&Status>) -> Kind {
    match (http, reason(status)) {
        (403, Some("RATE_LIMIT_EXCEEDED" | "rateLimitExceeded" | "userRateLimitExceeded")) => {
            Kind::Quota
        }
        (400, _) => Kind::Invalid,
        (401, _) => Kind::Credentials,
        (403, _) => Kind::Denied,
        (404, _) => Kind::Missing,
        (408, _) => Kind::Timeout,
        (409 | 412, _) => Kind::Conflict,
        (413, _) => Kind::TooLarge,
        (429, _) => Kind::Quota,
        (501, _) => Kind::Other,
        (500..=599, _) => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// The machine-readable reason in Google's error, of the new format or the old one.
pub(crate) fn reason(status: Option<&Status>) -> Option<&str> {
    status?.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
        _ => None,
    })
}

/// The permission that Google names, in a detail or in its message (`Permission 'a.b.c' denied on resource …`).
fn permission_named(status: Option<&Status>) -> Option<String> {
    let status = status?;
    let detail = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => info.metadata.get("permission").cloned(),
        _ => None,
    });
    let is_permission = |p: &String| {
        p.matches('.').count() >= 2 && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
    };
    detail
        .or_else(|| {
            let (_, rest) = status.message.split_once("ermission ")?;
            let rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
            Some(rest[..end.unwrap_or(rest.len())].to_owned())
        })
        .filter(is_permission)
}

/// From the header (seconds or a date) or from `google.rpc.RetryInfo`, the longer of the two.
fn retry_after(headers: &HeaderMap, status: Option<&Status>) -> Option<Duration> {
    let header = headers.get(header::RETRY_AFTER).and_then(|value| {
        let text = value.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let wait: SignedDuration = http_date(text)?.duration_since(Timestamp::now());
        Some(wait.try_into().unwrap_or_default())
    });
    let detail = status
        .into_iter()
        .flat_map(|s| &s.details)
        .find_map(|detail| match detail {
            StatusDetails::RetryInfo(info) => {
                let delay = info.retry_delay.as_ref()?;
                SignedDuration::new(delay.seconds(), delay.nanos())
                    .try_into()
                    .ok()
            }
            _ => None,
        });
    Some(header.max(detail)?.min(MAX_RETRY_AFTER))
}

/// A time as HTTP headers have it: `Mon, 23 Nov 2026 20:00:00 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn reqwest_error(error: &SdkError) -> Option<&reqwest::Error> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(found) = source.downcast_ref() {
            return Some(found);
        }
        next = source.source();
    }
    None
}

/// The last cause, where the libraries' wrappers end: `Connection refused (os error 111)`. The outer ones repeat
/// the address, which may hold a person's e-mail.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    quote(&last.to_string()).unwrap_or_else(|| "no cause given".to_owned())
}

/// Why there is no token. The outer errors say only that there is none, and whether the object that failed tries on,
/// which is not the whole truth here: it is built anew.
fn token_failure(error: &(dyn StdError + 'static)) -> String {
    let mut inmost = error;
    let mut next = Some(error);
    while let Some(source) = next {
        if source.is::<CredentialsError>() {
            inmost = source;
        }
        next = source.source();
    }
    let text = inmost.to_string();
    let text = text
        .trim_end_matches("and future attempts will not succeed")
        .trim_end_matches("but future attempts may succeed");
    let cause = inmost.source().map(innermost);
    let text = [quote(text), cause]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(": ");
    if text.is_empty() {
        "no cause given".to_owned()
    } else {
        text
    }
}

/// All causes in a line; for errors about credentials, where each level adds something.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = source.source();
    }
    quote(&text).unwrap_or_else(|| "no cause given".to_owned())
}

/// Foreign words made fit for a line of ours: one line, no control or direction characters, no access tokens, at
/// most [`MAX_QUOTE`] characters, no full stop at the end. None if nothing is left.
pub(crate) fn quote(text: &str) -> Option<String> {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    // A bound before the work: an error page may be megabytes.
    let visible: String = text
        .chars()
        .take(10 * MAX_QUOTE)
        .map(|c| if invisible(c) { ' ' } else { c })
        .collect();
    let words: Vec<String> = visible.split_whitespace().map(without_tokens).collect();
    let line = words.join(" ");
    let mut cut: String = line.chars().take(MAX_QUOTE).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    let cut = cut.trim_end_matches('.');
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// Google's access tokens start with `ya29.`, signed ones with `eyJ`; whatever follows is left out.
fn without_tokens(word: &str) -> String {
    match ["ya29.", "eyJ"].iter().find_map(|start| word.find(start)) {
        Some(at) => format!("{}[token]", &word[..at]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn call(writes: bool) -> Call {
        Call {
            task: "read the IAM policy of projects/web".to_owned(),
            subject: "projects/web".to_owned(),
            host: "google.test".to_owned(),
            requires: Requirement::Permission {
                name: "resourcemanager.projects.getIamPolicy".to_owned(),
                role: "roles/iam.securityReviewer",
            },
            timeout: Duration::from_secs(10),
            writes,
        }
    }

    fn status(json: &'static str) -> Status {
        Status::try_from(&Bytes::from_static(json.as_bytes())).expect("Google's error format")
    }

    #[test]
    fn every_status_has_its_kind() {
        for (http, kind, lost) in [
            (400, Kind::Invalid, false),
            (401, Kind::Credentials, false),
            (403, Kind::Denied, false),
            (404, Kind::Missing, false),
            (408, Kind::Timeout, true),
            (409, Kind::Conflict, false),
            (412, Kind::Conflict, false),
            (413, Kind::TooLarge, false),
            (418, Kind::Other, false),
            (429, Kind::Quota, false),
            (499, Kind::Other, true),
            (500, Kind::Unavailable, true),
            (501, Kind::Other, true),
            (502, Kind::Unavailable, true),
            (503, Kind::Unavailable, true),
            (504, Kind::Unavailable, true),
        ] {
            let read = call(false).refused(http, &HeaderMap::new(), None, b"");
            assert_eq!(
                (read.kind, read.may_have_been_committed),
                (kind, false),
                "{http}"
            );
            let write = call(true).refused(http, &HeaderMap::new(), None, b"");
            assert_eq!(
                (write.kind, write.may_have_been_committed),
                (kind, lost),
                "{http}"
            );
            assert!(write.message.ends_with('.'), "{}", write.message);
        }
    }

    #[test]
    fn a_refusal_names_the_permission_that_google_names() {
        let in_message = status(
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission 'resourcemanager.projects.get' denied on resource '//cloudresourcemanager.googleapis.com/projects/web' (or it may not exist)."}}"#,
        );
        let in_detail = status(
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"IAM_PERMISSION_DENIED","domain":"iam.googleapis.com","metadata":{"permission":"resourcemanager.projects.get"}}]}}"#,
        );
        for status in [in_message, in_detail] {
            let error = call(false).refused(403, &HeaderMap::new(), Some(&status), b"");
            assert!(
                error.message.contains(
                    "lacks the permission resourcemanager.projects.get on projects/web, or projects/web does not exist"
                ),
                "{error}"
            );
        }
        let unnamed = status(
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"The caller does not have permission"}}"#,
        );
        assert_eq!(
            call(false)
                .refused(403, &HeaderMap::new(), Some(&unnamed), b"")
                .message,
            "Google refused to read the IAM policy of projects/web: either our service account lacks the permission \
             resourcemanager.projects.getIamPolicy on projects/web (roles/iam.securityReviewer has it), or projects/web \
             does not exist, which Google answers alike. Google said: \"The caller does not have permission\"."
        );
    }

    #[test]
    fn a_disabled_api_is_no_missing_permission() {
        let disabled = status(
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Cloud Resource Manager API has not been used in project 1 before or it is disabled.","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com"}]}}"#,
        );
        let error = call(false).refused(403, &HeaderMap::new(), Some(&disabled), b"");
        assert!(
            error.message.contains("the API google.test is not enabled"),
            "{error}"
        );
        assert!(!error.message.contains("lacks the permission"), "{error}");
    }

    #[test]
    fn the_wait_is_the_longest_that_google_asks_for() {
        let wait = |value: &'static str, status: Option<&Status>| {
            let headers =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, status)
        };
        let seven = status(
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7.5s"}]}}"#,
        );
        assert_eq!(wait("30", None), Some(Duration::from_secs(30)));
        assert_eq!(wait("30", Some(&seven)), Some(Duration::from_secs(30)));
        assert_eq!(wait("1", Some(&seven)), Some(Duration::from_millis(7500)));
        assert_eq!(wait("99999999", None), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("soon", None), None);
        assert_eq!(
            wait("Mon, 23 Nov 1998 20:00:00 GMT", None),
            Some(Duration::ZERO)
        );
        assert_eq!(
            wait("Fri, 23 Nov 2525 20:00:00 GMT", None),
            Some(MAX_RETRY_AFTER)
        );
        let error = call(false).refused(429, &HeaderMap::new(), Some(&seven), b"");
        assert!(error.message.contains("it asks to wait 8 s"), "{error}");
    }

    #[test]
    fn foreign_words_are_one_bounded_line_without_tokens() {
        assert_eq!(
            quote("a\r\nb\u{202e}c\u{0} Bearer ya29.a0AfH6_secret-x, \"eyJhbGciOi.J9.x\" end."),
            Some("a b c Bearer [token] \"[token] end".to_owned())
        );
        assert_eq!(quote(" \n "), None);
        let long = quote(&"ü".repeat(5000)).expect("text");
        assert_eq!(long.chars().count(), MAX_QUOTE + 1);
    }

    #[test]
    fn a_page_of_a_proxy_is_quoted() {
        let error = call(true).refused(502, &HeaderMap::new(), None, b"<html>Bad Gateway</html>");
        assert_eq!(
            error.message,
            "Google could not read the IAM policy of projects/web for now (HTTP 502); later it may work. Google said: \
             \"<html>Bad Gateway</html>\". Whether it was done is not known."
        );
    }

    #[test]
    fn dates_of_http() {
        let date = http_date("Mon, 23 Nov 2026 20:00:00 GMT").expect("a date");
        assert_eq!(date.to_string(), "2026-11-23T20:00:00Z");
        assert_eq!(http_date("2026-11-23T20:00:00Z"), None);
    }
}
