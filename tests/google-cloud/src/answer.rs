//! Answers on the wire.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::errors::ApiError;
use crate::request::Request;

/// What a method answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// JSON, as all APIs.
    Json(Value),
    /// Plain text, as the metadata server.
    Text(String),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// Status, headers and body, ready to be sent.
#[derive(Debug, Clone)]
pub struct Wire {
    /// HTTP status.
    pub status: u16,
    content_type: &'static str,
    body: Vec<u8>,
    retry_after: Option<u64>,
    metadata: bool,
}

impl Wire {
    /// The answer to a request.
    pub fn new(request: Option<&Request>, result: Result<Answer, ApiError>) -> Self {
        let pretty =
            request.is_some_and(|request| request.param("prettyPrint").as_deref() == Some("true"));
        let metadata = request.is_some_and(|request| request.path.starts_with("/computeMetadata"));
        let (status, retry_after, answer) = match result {
            Ok(answer) => (200, None, answer),
            Err(error) => (error.code, error.retry_after, Answer::Json(error.body())),
        };
        let (content_type, body) = match answer {
            Answer::Text(text) => ("application/text", text.into_bytes()),
            Answer::Json(mut value) => {
                if request.is_some_and(Request::int_enums) {
                    number_enums(&mut value);
                }
                let body = if pretty {
                    format!("{value:#}\n")
                } else {
                    value.to_string()
                };
                ("application/json; charset=UTF-8", body.into_bytes())
            }
        };
        Self {
            status,
            content_type,
            body,
            retry_after,
            metadata,
        }
    }

    /// Keeps the first half of the body only.
    pub fn truncate(&mut self) {
        self.body.truncate(self.body.len() / 2);
    }

    /// The HTTP response, dated with the simulated time.
    pub fn response(self, date: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Origin, X-Origin, Referer"),
        );
        headers.insert(
            header::SERVER,
            HeaderValue::from_static(if self.metadata {
                "Metadata Server for VM"
            } else {
                "ESF"
            }),
        );
        if self.metadata {
            headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
        }
        if let Ok(date) = HeaderValue::from_str(date) {
            headers.insert(header::DATE, date);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Enumerations as numbers, for `$alt=json;enum-encoding=int`. Cloud Asset's `state` is a string and stays.
fn number_enums(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(number_enums),
        Value::Object(fields) => {
            let asset = fields.contains_key("assetType");
            for (name, value) in fields {
                let number = match (name.as_str(), value.as_str()) {
                    ("state", Some("ACTIVE")) if !asset => 1,
                    ("logType", Some("ADMIN_READ")) => 1,
                    ("logType", Some("DATA_WRITE")) => 2,
                    ("logType", Some("DATA_READ")) => 3,
                    _ => {
                        number_enums(value);
                        continue;
                    }
                };
                *value = Value::from(number);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn enumerations_are_numbers_only_when_asked_for() {
        let answer = || {
            Ok(Answer::Json(
                json!({"state": "ACTIVE", "results": [{"assetType": "x", "state": "ACTIVE"}]}),
            ))
        };
        let words = Wire::new(Some(&Request::get("/v3/projects/a", "$alt=json")), answer());
        assert!(
            String::from_utf8(words.body)
                .unwrap()
                .contains(r#""state":"ACTIVE"}"#)
        );
        let numbers = Wire::new(
            Some(&Request::get(
                "/v3/projects/a",
                "%24alt=json%3Benum-encoding%3Dint",
            )),
            answer(),
        );
        let body: Value = serde_json::from_slice(&numbers.body).unwrap();
        assert_eq!(
            body,
            json!({"state": 1, "results": [{"assetType": "x", "state": "ACTIVE"}]})
        );
    }
}
