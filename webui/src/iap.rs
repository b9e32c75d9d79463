//! Who is signed in, by the assertion that Identity-Aware Proxy (IAP) adds to every request.
//!
//! The assertion is a signed token. What stands beside it unsigned, `x-goog-authenticated-user-…`, is
//! what anybody writes who gets past the load balancer: it is never read.

mod assertion;
mod claims;
mod keys;
mod refused;

pub use assertion::Assertions;
pub use claims::SignedIn;
pub use refused::{Refused, refusal_page};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use crate::shown_path::shown_path;

/// Where IAP puts the assertion.
const ASSERTION: HeaderName = HeaderName::from_static("x-goog-iap-jwt-assertion");
/// What IAP says unsigned.
const UNSIGNED: [HeaderName; 2] = [
    HeaderName::from_static("x-goog-authenticated-user-email"),
    HeaderName::from_static("x-goog-authenticated-user-id"),
];

/// A layer that lets nobody through who is not signed in. Handlers behind it take [`SignedIn`] as an
/// argument; none of them sees the assertion or what is unsigned.
pub async fn require(
    State(assertions): State<Assertions>,
    mut request: Request,
    next: Next,
) -> Response {
    let signed_in = match only_assertion(request.headers()) {
        Ok(assertion) => assertions.verify(assertion, Timestamp::now()).await,
        Err(refused) => Err(refused),
    };
    match signed_in {
        Ok(signed_in) => {
            let headers = request.headers_mut();
            headers.remove(&ASSERTION);
            for name in &UNSIGNED {
                headers.remove(name);
            }
            request.extensions_mut().insert(signed_in);
            next.run(request).await
        }
        Err(refused) => {
            tracing::warn!(
                path = shown_path(&request),
                status = refused.status().as_u16(),
                detail = refused.detail(),
                "who sent this is not verified"
            );
            refusal_page(&refused)
        }
    }
}

/// Of several, one might be checked and another one used.
fn only_assertion(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(&ASSERTION).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Refused::missing()),
        (Some(value), None) => value
            .to_str()
            .map_err(|_| Refused::invalid("the assertion is not ASCII")),
        (Some(_), Some(_)) => Err(Refused::invalid("there are several assertions")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        // A page that was forgotten in front of the layer is closed, not open.
        parts
            .extensions
            .get::<SignedIn>()
            .cloned()
            .ok_or_else(Refused::missing)
    }
}

#[cfg(test)]
pub(crate) mod tests;
