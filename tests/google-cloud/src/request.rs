//! One call as it arrived, with the ways in which Google's front end reads it.

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::errors::ApiError;

/// The account that a call without a token acts as: the simulator's administrator, who may do everything.
pub const ADMINISTRATOR: &str =
    "serviceAccount:administrator@simulated-project.iam.gserviceaccount.com";

/// A decoded call.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, after `X-HTTP-Method-Override`.
    pub method: Method,
    /// The path with percent escapes decoded, with its leading slash.
    pub path: String,
    /// Query parameters in order, decoded; an overridden POST's form body comes after them.
    pub query: Vec<(String, String)>,
    /// The JSON body; `Null` when there is none.
    pub body: Value,
    /// The body as it came.
    pub raw_body: Bytes,
    /// The caller as an IAM member, e.g. `user:alice@example.com`.
    pub principal: String,
    /// `x-goog-request-reason` as it came.
    pub reason: Option<String>,
    /// Whether `Metadata-Flavor: Google` was sent.
    pub metadata_flavor: bool,
}

impl Request {
    /// Reads a call.
    ///
    /// # Errors
    /// 401 for a token that names no account, 400 for a body that is no JSON object, the answer then being Google's.
    pub fn read(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, ApiError> {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let mut query = parameters(uri.query().unwrap_or_default());
        let mut effective = method.clone();
        let mut raw_body = body;
        if let Some(name) = text("x-http-method-override").filter(|_| method == Method::POST) {
            effective = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(|_| {
                ApiError::invalid(format!("Invalid method in X-HTTP-Method-Override: {name}."))
            })?;
            if text("content-type")
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
            {
                query.extend(parameters(&String::from_utf8_lossy(&raw_body)));
                raw_body = Bytes::new();
            }
        }
        let body = json_body(&raw_body)?;
        Ok(Self {
            method: effective,
            path: percent_decode_str(uri.path())
                .decode_utf8_lossy()
                .into_owned(),
            query,
            body,
            raw_body,
            principal: principal(text("authorization").as_deref())?,
            reason: text("x-goog-request-reason"),
            metadata_flavor: text("metadata-flavor").as_deref() == Some("Google"),
        })
    }

    /// The first value of a parameter; an empty one counts as absent, as with Google's proto3 defaults.
    pub fn param(&self, name: &str) -> Option<String> {
        self.query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
    }

    /// All values of a repeated parameter.
    pub fn params(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Whether enumerations are answered as numbers: `$alt=json;enum-encoding=int`.
    pub fn int_enums(&self) -> bool {
        self.param("$alt")
            .or_else(|| self.param("alt"))
            .is_some_and(|alt| alt.contains("enum-encoding=int"))
    }

    /// Whether the caller is the administrator, whom no policy binds.
    pub fn is_administrator(&self) -> bool {
        self.principal == ADMINISTRATOR
    }

    /// A GET without a token, for tests of what reads requests.
    #[cfg(test)]
    pub fn get(path: &str, query: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            query: parameters(query),
            body: Value::Null,
            raw_body: Bytes::new(),
            principal: ADMINISTRATOR.to_owned(),
            reason: None,
            metadata_flavor: false,
        }
    }
}

/// Decodes `a=b&c=d`.
fn parameters(query: &str) -> Vec<(String, String)> {
    let Ok(uri) = Uri::builder().path_and_query(format!("/?{query}")).build() else {
        return Vec::new();
    };
    Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map(|Query(pairs)| pairs)
        .unwrap_or_default()
}

fn json_body(bytes: &[u8]) -> Result<Value, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ApiError::invalid(
            "Invalid JSON payload received. The payload must be an object.",
        )),
        Err(error) => Err(ApiError::invalid(format!(
            "Invalid JSON payload received. {error}"
        ))),
    }
}

/// Who calls: `Bearer alice@example.com` or `Bearer user:alice@example.com`; without a header the administrator.
fn principal(authorization: Option<&str>) -> Result<String, ApiError> {
    let Some(value) = authorization else {
        return Ok(ADMINISTRATOR.to_owned());
    };
    let token = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_ascii_lowercase())
        .ok_or_else(ApiError::unauthenticated)?;
    let email = token
        .strip_prefix("user:")
        .or_else(|| token.strip_prefix("serviceaccount:"))
        .unwrap_or(&token);
    if !crate::policy::members::is_email(email) {
        return Err(ApiError::unauthenticated());
    }
    let kind = if email.ends_with(".gserviceaccount.com") {
        "serviceAccount"
    } else {
        "user"
    };
    Ok(format!("{kind}:{email}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        method: &Method,
        uri: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Request, ApiError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Request::read(
            method,
            &uri.parse().unwrap(),
            &headers,
            Bytes::from(body.to_owned()),
        )
    }

    #[test]
    fn an_overridden_post_is_a_get_with_the_form_as_parameters() {
        let headers = [
            ("x-http-method-override", "GET"),
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
        ];
        let request = read(
            &Method::POST,
            "/v1/a?x=1",
            &headers,
            "query=policy%3Aa&pageSize=",
        )
        .unwrap();
        assert_eq!(request.method, Method::GET);
        assert_eq!(request.param("query").as_deref(), Some("policy:a"));
        assert_eq!(
            request.param("pageSize"),
            None,
            "an empty parameter is an absent one"
        );
    }

    #[test]
    fn the_token_names_the_caller() {
        let by = |value: &str| {
            read(&Method::GET, "/", &[("authorization", value)], "").map(|r| r.principal)
        };
        assert_eq!(
            by("Bearer Alice@example.com").unwrap(),
            "user:alice@example.com"
        );
        assert_eq!(
            by("Bearer user:bob@example.com").unwrap(),
            "user:bob@example.com"
        );
        assert_eq!(
            by("Bearer c@p.iam.gserviceaccount.com").unwrap(),
            "serviceAccount:c@p.iam.gserviceaccount.com"
        );
        assert_eq!(by("Bearer ya29.abc").unwrap_err().code, 401);
        assert_eq!(
            read(&Method::GET, "/", &[], "").unwrap().principal,
            ADMINISTRATOR
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        assert_eq!(read(&Method::POST, "/", &[], "[1]").unwrap_err().code, 400);
        assert_eq!(read(&Method::POST, "/", &[], "{").unwrap_err().code, 400);
        assert_eq!(
            read(&Method::POST, "/", &[], " ").unwrap().body,
            Value::Null
        );
    }
}
