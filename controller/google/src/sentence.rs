//! From what a call brought back to the sentence that tells it.

use std::{error::Error as StdError, time::Duration};

use google_cloud_gax::error::{Error as SdkError, rpc::Status};
use http::HeaderMap;

use crate::{
    error::{Error, Kind},
    error_details::{kind_of, permission_named, reason, retry_after},
    foreign_text::{innermost, quote, token_failure},
};

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
    /// Whoever reaches the host is answered.
    Nothing,
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
            Kind::Invalid if self.writes => {
                format!("Google refused to {task}: something in the policy is invalid.")
            }
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
            Requirement::Nothing => format!("something on the way to {} refuses", self.host),
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

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
    fn a_quota_says_how_long_to_wait() {
        let seven = status(
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7.5s"}]}}"#,
        );
        let error = call(false).refused(429, &HeaderMap::new(), Some(&seven), b"");
        assert!(error.message.contains("it asks to wait 8 s"), "{error}");
    }

    #[test]
    fn what_is_invalid_is_the_policy_where_one_is_written() {
        for (writes, what) in [(true, "in the policy"), (false, "in the request")] {
            let error = call(writes).refused(400, &HeaderMap::new(), None, b"");
            let expected = format!("something {what} is invalid");
            assert!(error.message.contains(&expected), "{error}");
        }
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
    fn a_page_of_a_proxy_is_quoted() {
        let error = call(true).refused(502, &HeaderMap::new(), None, b"<html>Bad Gateway</html>");
        assert_eq!(
            error.message,
            "Google could not read the IAM policy of projects/web for now (HTTP 502); later it may work. Google said: \
             \"<html>Bad Gateway</html>\". Whether it was done is not known."
        );
    }
}
