//! What went wrong, as a sentence that says what to do.

use jit_access_core::admission::policy_sentence;
use jit_access_core::guard::POLICY;
use kube::config::KubeconfigError;
use kube::core::Status;
use kube::runtime::watcher;

/// What the API server says when the admission policy's ConfigMap is not there.
const NO_PARAMETER: &str = "no params found for policy binding";

/// Where a call went, for the sentence.
#[derive(Debug, Clone)]
pub struct Place {
    /// The API server's address.
    pub server: String,
    /// The namespace of the requests.
    pub namespace: String,
}

impl Place {
    /// What to tell about a call that failed.
    pub fn explain(&self, error: &kube::Error) -> anyhow::Error {
        anyhow::Error::msg(match error {
            kube::Error::Api(status) => self.refused(status),
            kube::Error::Auth(error) => login(&innermost(error)),
            kube::Error::Service(error) => self.away(&innermost(&**error)),
            kube::Error::HyperError(error) => self.away(&innermost(error)),
            kube::Error::ReadEvents(error) => self.away(&error.to_string()),
            kube::Error::SerdeError(error) => format!(
                "the answer of {} cannot be read ({error}): this plugin may be older than the installation, get the one that belongs to it",
                self.server
            ),
            other => format!("{other}: see whether `kubectl cluster-info` works"),
        })
    }

    /// What to tell about a watch that ended for good; `None` if it may come back by itself.
    pub fn watch_ended(&self, error: &watcher::Error) -> Option<anyhow::Error> {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => match error {
                kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404) => {
                    Some(self.explain(error))
                }
                _ => None,
            },
            watcher::Error::WatchError(_) => None,
            watcher::Error::NoResourceVersion => Some(anyhow::Error::msg(format!(
                "{} does not let requests be watched: ask with `kubectl jit list` instead",
                self.server
            ))),
        }
    }

    fn refused(&self, status: &Status) -> String {
        let message = status.message.trim();
        let details = status.details.as_ref();
        let kind = details.map_or("", |details| details.kind.as_str());
        let name = details.map_or("", |details| details.name.as_str());
        let Self { server, namespace } = self;
        // Invalid, unlike every other answer of the policy.
        if message.contains(NO_PARAMETER) && message.contains(POLICY) {
            return "JIT Access's list of namespaces is gone: tell its administrators (docs/operate.md)"
                .to_owned();
        }
        match (status.code, status.reason.as_str()) {
            (401, _) => login(&format!("{server} does not know you")),
            (403, _) => match policy_sentence(message) {
                Some(sentence) => sentence.to_owned(),
                None => format!(
                    "{message}; if you should, ask an administrator for the ClusterRole jit-access-user in namespace {namespace}"
                ),
            },
            (404, _) if kind == "accessrequests" && !name.is_empty() => format!(
                "there is no AccessRequest {name} in namespace {namespace}: `kubectl jit list --all` shows which there are, -n names another namespace"
            ),
            (404, _) if kind == "namespaces" => {
                format!("there is no namespace {namespace}: name the one for requests with -n")
            }
            (404, _) => format!(
                "{server} has no AccessRequests: JIT Access is not installed there, or --context should name another cluster"
            ),
            (409, "AlreadyExists") => format!(
                "there is an AccessRequest {name} in namespace {namespace} already: give another --name"
            ),
            (409, _) => changed(message),
            // Of a patch with the UID of another object.
            (422, _) if message.contains("metadata.uid: Invalid value") => changed(message),
            (429 | 500..=599, _) => {
                format!("{server} cannot answer now, try again later: {message}")
            }
            _ => policy_sentence(message).unwrap_or(message).to_owned(),
        }
    }

    fn away(&self, why: &str) -> String {
        format!(
            "{} does not answer ({why}): check your network or VPN and `kubectl cluster-info`, or name another cluster with --context",
            self.server
        )
    }
}

fn changed(message: &str) -> String {
    format!(
        "nothing was written, for the request changed meanwhile or is another one of the same name: look at it again ({message})"
    )
}

fn login(why: &str) -> String {
    format!("{why}: log in again, and see with `kubectl auth whoami` whether it worked")
}

/// What to tell when there is no cluster to talk to.
pub fn no_cluster(error: &KubeconfigError) -> anyhow::Error {
    anyhow::Error::msg(match error {
        KubeconfigError::CurrentContextNotSet => {
            "no cluster is chosen: name one with --context, or with `kubectl config use-context`"
                .to_owned()
        }
        KubeconfigError::LoadContext(context) => format!(
            "the kubeconfig has no context \"{context}\": `kubectl config get-contexts` shows which there are"
        ),
        KubeconfigError::ReadConfig(why, path) => format!(
            "there is no cluster to ask, for the kubeconfig {} cannot be read ({why}): name another with --kubeconfig or KUBECONFIG",
            path.display()
        ),
        other => format!(
            "there is no cluster to ask, for the kubeconfig is of no use ({}): see whether `kubectl cluster-info` works",
            innermost(other)
        ),
    })
}

/// The cause of all causes: the ones around it say the same in more words.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: &serde_json::Value) -> String {
        let place = Place {
            server: "https://cluster".to_owned(),
            namespace: "jit-requests".to_owned(),
        };
        let status: Status = serde_json::from_value(status.clone()).unwrap();
        place.explain(&kube::Error::Api(status.boxed())).to_string()
    }

    #[test]
    fn a_missing_request_and_a_missing_installation_differ() {
        let missing = json!({"code": 404, "reason": "NotFound", "message": "accessrequests.jit-access.dev \"x\" not found",
            "details": {"name": "x", "group": "jit-access.dev", "kind": "accessrequests"}});
        assert!(
            told(&missing).starts_with("there is no AccessRequest x in namespace jit-requests")
        );
        let absent = json!({"code": 404, "reason": "Failed to parse error data", "message": "404 page not found\n"});
        assert!(told(&absent).contains("JIT Access is not installed there"));
        let namespace = json!({"code": 404, "reason": "NotFound", "message": "namespaces \"x\" not found",
            "details": {"name": "x", "kind": "namespaces"}});
        assert!(told(&namespace).starts_with("there is no namespace jit-requests"));
    }

    #[test]
    fn a_policy_speaks_for_itself_and_missing_rights_say_who_helps() {
        let policy = json!({"code": 403, "reason": "Forbidden", "message":
            "accessrequests.jit-access.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'jit-access-identity' with binding 'jit-access-identity' denied request: you decide in your own name only"});
        assert_eq!(told(&policy), "you decide in your own name only");
        let rbac = json!({"code": 403, "reason": "Forbidden", "message": "User \"eve\" cannot list resource"});
        assert!(told(&rbac).contains("ask an administrator for the ClusterRole jit-access-user"));
    }

    #[test]
    fn a_list_of_namespaces_that_is_gone_is_the_administrators_business() {
        let frame = |policy: &str| {
            json!({"code": 422, "reason": "Invalid", "message": format!(
                "accessrequests.jit-access.dev \"x\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
            )})
        };
        assert_eq!(
            told(&frame("jit-access-identity")),
            "JIT Access's list of namespaces is gone: tell its administrators (docs/operate.md)"
        );
        let other = told(&frame("somebody-elses"));
        assert!(other.starts_with("failed to configure binding"), "{other}");
    }

    #[test]
    fn another_object_of_the_same_name_is_not_written() {
        for (code, message) in [
            (
                409,
                "Operation cannot be fulfilled: the object has been modified",
            ),
            (
                422,
                "The AccessRequest \"x\" is invalid: metadata.uid: Invalid value: \"y\": field is immutable",
            ),
        ] {
            let status = json!({"code": code, "reason": "Conflict", "message": message});
            assert!(
                told(&status).starts_with("nothing was written"),
                "{message}"
            );
        }
        let other = json!({"code": 422, "reason": "Invalid", "message": "spec.resource: Invalid value: \"y\": must be"});
        assert!(told(&other).starts_with("spec.resource"));
    }
}
