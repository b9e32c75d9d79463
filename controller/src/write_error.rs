//! Why a call of the Kubernetes API failed, as a sentence.

use std::time::Duration;

/// Longest time for one call: the client itself would wait much longer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The request does not exist any more, or another one has its name.
    #[error("the request is gone")]
    Gone,
    /// The API server did not answer in time.
    #[error("the Kubernetes API did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// The API server refused.
    #[error("the Kubernetes API refused: {0}")]
    Refused(String),
    /// The API server was not reached.
    #[error("the Kubernetes API cannot be reached: {0}")]
    Other(#[source] Box<kube::Error>),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.is_not_found() => Self::Gone,
            // The status' own Display prints all of it, for programmers.
            kube::Error::Api(status) => Self::Refused(status.message.clone()),
            other => Self::Other(Box::new(other)),
        }
    }
}
