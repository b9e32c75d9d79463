//! The keys of Identity-Aware Proxy, which Google serves at `https://www.gstatic.com/iap/verify/public_key-jwk`.

use axum::http::Method;

use super::Route;
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::request::Request;
use crate::state::State;

/// The path of the list.
pub const KEYS: &str = "/iap/verify/public_key-jwk";

pub fn route(method: &Method) -> Option<Route> {
    (method == Method::GET).then(|| Route::new("iap.keys", "", keys))
}

fn keys(state: &mut State, _: &Request, _: &str) -> Result<Answer, ApiError> {
    Ok(state.iap.keys.list().into())
}
