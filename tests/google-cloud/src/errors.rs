//! Google's error answers: `{"error": {code, message, status, errors[], details[]}}`.
//!
//! `errors[]` is the block that the discovery clients of Python, Go and Java show; `details[]` holds
//! `google.rpc.*` messages.

use serde_json::{Value, json};

/// An error as a Google API answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// The sentence that clients show.
    pub message: String,
    /// Entries of `details[]`, each with its `@type`.
    pub details: Vec<Value>,
    /// Seconds for the `Retry-After` header.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error with the canonical words for `code`.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
        }
    }

    /// 400 INVALID_ARGUMENT.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 403 PERMISSION_DENIED with the sentence that Google uses for a missing resource and a missing right alike.
    pub fn denied() -> Self {
        Self::new(403, "The caller does not have permission")
    }

    /// 404 NOT_FOUND.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 401 UNAUTHENTICATED for a token that names no account.
    pub fn unauthenticated() -> Self {
        let mut error = Self::new(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
             valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        );
        error.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            "domain": "googleapis.com",
        }));
        error
    }

    /// Adds Google's advice when to come again, as header and as `google.rpc.RetryInfo`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{seconds}s"),
        }));
        self
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let words = words(self.code);
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "status": words.status,
            "errors": [{"message": self.message, "domain": "global", "reason": words.reason}],
        });
        if !self.details.is_empty() {
            error["details"] = Value::Array(self.details.clone());
        }
        json!({"error": error})
    }
}

/// The canonical words for one HTTP status.
struct Words {
    status: &'static str,
    reason: &'static str,
    message: &'static str,
}

/// The sentence of a fault that brings none of its own.
pub fn default_message(code: u16) -> &'static str {
    words(code).message
}

const fn row(status: &'static str, reason: &'static str, message: &'static str) -> Words {
    Words {
        status,
        reason,
        message,
    }
}

fn words(code: u16) -> Words {
    match code {
        400 => row(
            "INVALID_ARGUMENT",
            "badRequest",
            "Request contains an invalid argument.",
        ),
        401 => row(
            "UNAUTHENTICATED",
            "authError",
            "Request had invalid authentication credentials.",
        ),
        403 => row(
            "PERMISSION_DENIED",
            "forbidden",
            "The caller does not have permission",
        ),
        404 => row("NOT_FOUND", "notFound", "Requested entity was not found."),
        409 => row(
            "ABORTED",
            "aborted",
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
        ),
        412 => row(
            "FAILED_PRECONDITION",
            "conditionNotMet",
            "Precondition check failed.",
        ),
        413 => row(
            "INVALID_ARGUMENT",
            "uploadTooLarge",
            "The request is too large.",
        ),
        429 => row(
            "RESOURCE_EXHAUSTED",
            "rateLimitExceeded",
            "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service \
             'cloudresourcemanager.googleapis.com' for consumer 'project_number:1'.",
        ),
        499 => row("CANCELLED", "cancelled", "The operation was cancelled."),
        501 => row(
            "UNIMPLEMENTED",
            "notImplemented",
            "Operation is not implemented, or supported, or enabled.",
        ),
        503 => row(
            "UNAVAILABLE",
            "backendError",
            "The service is currently unavailable.",
        ),
        504 => row(
            "DEADLINE_EXCEEDED",
            "backendError",
            "Deadline expired before operation could complete.",
        ),
        code if code < 500 => row(
            "FAILED_PRECONDITION",
            "failedPrecondition",
            "Precondition check failed.",
        ),
        _ => row("INTERNAL", "backendError", "Internal error encountered."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_has_googles_words_in_both_blocks() {
        let body = ApiError::new(409, "stale").body();
        assert_eq!(body["error"]["status"], "ABORTED");
        assert_eq!(
            body["error"]["errors"][0],
            json!({"message": "stale", "domain": "global", "reason": "aborted"})
        );
    }

    #[test]
    fn retry_advice_is_header_and_detail() {
        let error = ApiError::new(429, "slow down").retry_after(2);
        assert_eq!(error.retry_after, Some(2));
        assert_eq!(error.body()["error"]["details"][0]["retryDelay"], "2s");
    }
}
