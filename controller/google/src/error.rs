//! What went wrong, in one type for all methods.

use std::time::Duration;

/// A call to Google that failed. `Display` is a whole sentence for people: what was tried, what is wrong, what
/// would be right, and what Google said. It never contains a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What a program needs to know to go on.
    pub kind: Kind,
    /// The sentence.
    pub message: String,
    /// How long Google asks to wait before another call.
    pub retry_after: Option<Duration>,
    /// True for a write whose answer was lost, or was one that does not rule out that it was done.
    pub may_have_been_committed: bool,
}

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 403: a permission is missing, or, for a project, it does not exist.
    Denied,
    /// 404.
    Missing,
    /// 409 and 412: the policy was changed since it was read.
    Conflict,
    /// 400, or refused here without a call.
    Invalid,
    /// 413.
    TooLarge,
    /// 429: a quota is used up.
    Quota,
    /// 5xx.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// Not reached, or the connection broke.
    Network,
    /// There are no valid credentials: none found, no token to be had, or Google does not accept it (401).
    Credentials,
    /// The answer is cut off or not what the API promises.
    Malformed,
    /// Anything else, such as more groups than the walk's bounds.
    Other,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            retry_after: None,
            may_have_been_committed: false,
        }
    }

    /// Whether the same call may succeed later although nobody changes the request or a permission. A conflict is
    /// among these: it goes away by reading the policy again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            Kind::Conflict
            | Kind::Quota
            | Kind::Unavailable
            | Kind::Timeout
            | Kind::Network
            | Kind::Credentials
            | Kind::Malformed => true,
            Kind::Denied | Kind::Missing | Kind::Invalid | Kind::TooLarge | Kind::Other => false,
        }
    }

    /// Whether repeating a *read* at once may help. Not for credentials: they are renewed at their own pace.
    pub(crate) fn is_worth_another_read(&self) -> bool {
        matches!(
            self.kind,
            Kind::Quota | Kind::Unavailable | Kind::Timeout | Kind::Network | Kind::Malformed
        )
    }
}
