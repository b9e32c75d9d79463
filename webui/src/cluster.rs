//! What the web UI writes: requests in the name of who is signed in, and their decisions. It signs
//! both as itself, so that everybody sees who vouches for the name.

use std::time::Duration;

use axum::http::StatusCode;
use jit_access_core::admission::policy_sentence;
use jit_access_core::review::{free_decision_key, sign};
use jit_access_crds::{AccessRequest, DecisionKind};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

/// Whom the API server notes as the writer of a field.
const FIELD_MANAGER: &str = "jit-access-webui";

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The API server, as the web UI's own account.
#[derive(Debug, Clone)]
pub struct Cluster {
    requests: Api<AccessRequest>,
    me: String,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Fault {
    /// Status of the page that tells it.
    pub status: StatusCode,
    /// For people.
    pub sentence: String,
    /// All that the API server said, where that is more.
    pub said: Option<String>,
}

impl Fault {
    /// Whether it may have been done all the same.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        self.status.is_server_error()
    }

    /// What stands over its sentence.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        if self.is_unsure() {
            "It is not known whether this was done"
        } else {
            "This was not done"
        }
    }

    /// A sentence of our own.
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            said: None,
        }
    }

    /// The page showed another request than the one that has its name now.
    #[must_use]
    pub fn other_request() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "Nothing was written, for this is not the request any more that the page showed: look at it again.",
        )
    }
}

impl Cluster {
    /// Requests of this namespace, written by `me`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: &str) -> Self {
        Self {
            requests: Api::namespaced(client, namespace),
            me: me.to_owned(),
        }
    }

    /// Asks the API server who this program is.
    ///
    /// # Errors
    /// A sentence, also when it is no service account: nobody else is ever a delegate.
    pub async fn who_am_i(client: Client) -> anyhow::Result<String> {
        let api: Api<SelfSubjectReview> = Api::all(client);
        let review = api
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await?;
        let user = review.status.and_then(|status| status.user_info);
        let name = user.and_then(|user| user.username).unwrap_or_default();
        anyhow::ensure!(
            name.starts_with("system:serviceaccount:"),
            "the web UI must run as a service account, which the API server knows it by; it is \"{name}\""
        );
        Ok(name)
    }

    /// The user name of this program.
    #[must_use]
    pub fn me(&self) -> &str {
        &self.me
    }

    /// One request, from the API server itself.
    ///
    /// # Errors
    /// When there is none, or the API server does not answer.
    pub async fn get(&self, name: &str) -> Result<AccessRequest, Fault> {
        in_time(Call::Read, name, self.requests.get(name)).await
    }

    /// Makes a request.
    ///
    /// # Errors
    /// What the API server refuses, in its words.
    pub async fn create(&self, request: &AccessRequest) -> Result<AccessRequest, Fault> {
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let name = request.name_any();
        in_time(
            Call::Create,
            &name,
            self.requests.create(&parameters, request),
        )
        .await
    }

    /// The sentence about a comment that no decision can carry; one line is all that it may be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_comment(&self, person: &str, comment: &str) -> Result<(), Fault> {
        self.signed(person, comment).map(|_| ())
    }

    fn signed(&self, person: &str, comment: &str) -> Result<String, Fault> {
        sign(person, Some(&self.me), Some(comment)).map_err(|why| {
            let sentence = format!("The comment {why}.");
            Fault::new(StatusCode::UNPROCESSABLE_ENTITY, sentence)
        })
    }

    /// Writes a decision of a person about exactly the request that the page showed.
    ///
    /// # Errors
    /// What is wrong with the comment, or what the API server refuses, in its words.
    pub async fn decide(
        &self,
        shown: &AccessRequest,
        kind: DecisionKind,
        person: &str,
        comment: &str,
    ) -> Result<AccessRequest, Fault> {
        let value = self.signed(person, comment)?;
        let key = free_decision_key(shown, kind, person).ok_or_else(Fault::other_request)?;
        let patch = json!({"metadata": {"uid": shown.metadata.uid, "annotations": {key: value}}});
        self.patch(shown, &patch).await
    }

    /// Takes a person's approval back, of exactly the request that the page showed.
    ///
    /// # Errors
    /// What the API server refuses, in its words.
    pub async fn withdraw(&self, shown: &AccessRequest, key: &str) -> Result<AccessRequest, Fault> {
        let patch = json!({"metadata": {"uid": shown.metadata.uid, "annotations": {key: null}}});
        self.patch(shown, &patch).await
    }

    async fn patch(
        &self,
        shown: &AccessRequest,
        patch: &serde_json::Value,
    ) -> Result<AccessRequest, Fault> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let name = shown.name_any();
        in_time(
            Call::Patch,
            &name,
            self.requests
                .patch(&name, &parameters, &Patch::Merge(patch)),
        )
        .await
    }
}

/// What was asked of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Create,
    Patch,
}

/// Waits for an answer, but not for ever: a load balancer gives up too, and says less.
async fn in_time<T>(
    call: Call,
    name: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(result) => result.map_err(|error| fault(call, name, &error)),
        Err(_) => {
            tracing::error!(
                ?call,
                request = name,
                seconds = PATIENCE.as_secs(),
                "the API server did not answer in time"
            );
            Err(no_answer(call))
        }
    }
}

fn no_answer(call: Call) -> Fault {
    let sentence = match call {
        Call::Read => "The Kubernetes API server does not answer: try again in a moment.",
        Call::Create => {
            "The Kubernetes API server does not answer. It is not known whether the request was made: look at your requests, and try again in a moment."
        }
        Call::Patch => {
            "The Kubernetes API server does not answer. It is not known whether this was written: look at the request again in a moment."
        }
    };
    Fault::new(StatusCode::BAD_GATEWAY, sentence)
}

fn fault(call: Call, name: &str, error: &kube::Error) -> Fault {
    let kube::Error::Api(status) = error else {
        tracing::error!(?call, request = name, %error, "a call to the API server failed");
        return no_answer(call);
    };
    let message = status.message.as_str();
    let said = Some(message.to_owned());
    let is_other_object = call == Call::Patch
        && (status.code == 409
            || (status.code == 422 && message.contains("metadata.uid: Invalid value")));
    match (status.code, status.reason.as_str()) {
        (404, _) if call != Call::Create => Fault {
            status: StatusCode::NOT_FOUND,
            sentence: "There is no such request any more.".to_owned(),
            said,
        },
        (409, "AlreadyExists") => Fault {
            status: StatusCode::CONFLICT,
            sentence: "This was sent before.".to_owned(),
            said,
        },
        // A patch with the UID of another object.
        _ if is_other_object => Fault {
            said,
            ..Fault::other_request()
        },
        (code @ (400 | 403 | 422), _) => {
            let sentence = policy_sentence(message).unwrap_or(message);
            Fault {
                status: StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN),
                sentence: sentence.to_owned(),
                said: (sentence != message).then(|| message.to_owned()),
            }
        }
        (code, _) => {
            tracing::error!(
                ?call,
                request = name,
                code,
                message,
                "the API server refuses"
            );
            Fault {
                status: StatusCode::BAD_GATEWAY,
                sentence: "The Kubernetes API server cannot do this now: try again in a moment."
                    .to_owned(),
                said,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::http::{Request, Response};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_does_not_wait_for_an_api_server_that_hangs() {
        let hangs = tower::service_fn(|_: Request<kube::client::Body>| {
            std::future::pending::<Result<Response<Body>, Infallible>>()
        });
        let cluster = Cluster::new(Client::new(hangs, "jit-requests"), "jit-requests", "me");
        let begun = tokio::time::Instant::now();
        let fault = cluster.get("asks").await.unwrap_err();
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!(fault.status, StatusCode::BAD_GATEWAY);
        assert!(fault.sentence.contains("does not answer"), "{fault}");
        // Nothing was to be written.
        assert!(!fault.sentence.contains("not known"), "{fault}");
    }
}
