//! Why somebody is not let in.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::plain_page::plain_page;

/// Why somebody is not let in: what they are told, and what the log says. Neither has the assertion in
/// it, and who is refused learns nothing about keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    sentence: String,
    detail: String,
}

impl Refused {
    /// 401 where nobody is proven to be signed in, 403 for an account that may not be used here, 503
    /// where it cannot be found out.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What they are told.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// For the log.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn missing() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            sentence: "You are not signed in: open JIT Access by its public address, which leads through Identity-Aware Proxy.".to_owned(),
            detail: "there is no assertion of IAP".to_owned(),
        }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            sentence:
                "Your sign-in could not be verified: load the page again by its public address."
                    .to_owned(),
            detail: detail.into(),
        }
    }

    pub(super) fn forbidden(sentence: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            sentence: sentence.into(),
            detail: detail.into(),
        }
    }

    pub(super) fn no_keys(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            sentence: "Your sign-in cannot be verified at the moment: try again in a minute."
                .to_owned(),
            detail: detail.into(),
        }
    }
}

/// The page for somebody who is not let in.
#[must_use]
pub fn refusal_page(refused: &Refused) -> Response {
    let title = match refused.status {
        StatusCode::UNAUTHORIZED => "Not signed in",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "Not with this account",
    };
    let mut page = plain_page(refused.status, title, &refused.sentence);
    if refused.status == StatusCode::SERVICE_UNAVAILABLE {
        page.headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    page
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal_page(&self)
    }
}
