//! What a form sends: fields with a name and a value, of which some may be there several times.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use percent_encoding::percent_decode;

use crate::plain_page::plain_page;

/// The longest body, in bytes: a justification of 1,000 characters has at most 12,000, percent-encoded.
const LONGEST_BODY: usize = 64 * 1024;
/// Most fields.
const MOST_FIELDS: usize = 200;

/// Fields in the order in which they came, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// Why a form cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// 400, 413 or 415.
    pub status: StatusCode,
    /// What is wrong and what would be right.
    pub sentence: String,
}

impl Unreadable {
    pub(crate) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
        }
    }

    fn bad(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        plain_page(self.status, "Not readable", &self.sentence)
    }
}

impl Fields {
    /// Reads a body or a query string.
    ///
    /// # Errors
    /// A sentence, for too many fields and for what is not text in UTF-8: a browser sends neither.
    pub fn parse(text: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Vec::new();
        for field in text
            .split(|byte| *byte == b'&')
            .filter(|field| !field.is_empty())
        {
            if fields.len() == MOST_FIELDS {
                return Err(Unreadable::bad(format!(
                    "A form has at most {MOST_FIELDS} fields: leave some out."
                )));
            }
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            // A browser ends the lines of a text area with CRLF, whatever was typed.
            let value = value.replace("\r\n", "\n").replace('\r', "\n");
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The value of a field that may be there once, without white space around it; empty if it is
    /// absent.
    ///
    /// # Errors
    /// A sentence, if it is there several times: what is checked must be what is used.
    pub fn one(&self, name: &str) -> Result<&str, Unreadable> {
        self.text(name).map(str::trim)
    }

    /// The value of a field that may be there once, as it was written, with `\n` between lines; empty
    /// if it is absent.
    ///
    /// # Errors
    /// As [`Fields::one`].
    pub fn text(&self, name: &str) -> Result<&str, Unreadable> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(""),
            (Some(value), None) => Ok(value),
            (Some(_), Some(_)) => Err(Unreadable::bad(format!(
                "The field \"{}\" must not be there twice: fill in the form again.",
                name.escape_debug()
            ))),
        }
    }

    /// The values of a field that may be there several times, without white space around them; empty
    /// ones are left out.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.values(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Whether the field is there, also without a value: a ticked box, a pressed button.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// `form_urlencoded` replaces what is not UTF-8: what is shown would not be what was sent.
fn decode(text: &[u8]) -> Result<String, Unreadable> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Unreadable::bad("A field is not text in UTF-8: fill in the form again."))
}

/// The fields of a body; takes a form's content type and at most 64 KiB.
#[derive(Debug, Clone)]
pub struct FormBody(pub Fields);

/// How long a form may take to arrive.
const LONGEST_ARRIVAL: Duration = Duration::from_secs(10);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Unreadable;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Unreadable> {
        check_type(request.headers())?;
        let arrived = tokio::time::timeout(LONGEST_ARRIVAL, Self::arriving(request)).await;
        arrived.unwrap_or_else(|_| {
            Err(Unreadable::new(
                StatusCode::REQUEST_TIMEOUT,
                "The form did not arrive in time: send it again.",
            ))
        })
    }
}

impl FormBody {
    async fn arriving(request: Request) -> Result<Self, Unreadable> {
        let mut stream = request.into_body().into_data_stream();
        let mut body = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|_| {
                Unreadable::bad("The form broke off while it was sent: send it again.")
            })?;
            if body.len() + piece.len() > LONGEST_BODY {
                return Err(Unreadable::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!(
                        "A form has at most {} KiB: shorten it.",
                        LONGEST_BODY / 1024
                    ),
                ));
            }
            body.extend_from_slice(&piece);
        }
        Fields::parse(&body).map(Self)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Unreadable> {
    let fits = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let mut parts = value
                .split(';')
                .map(|part| part.trim().to_ascii_lowercase());
            parts.next().as_deref() == Some("application/x-www-form-urlencoded")
                && parts.all(|part| part.is_empty() || part.trim_matches('"') == "charset=utf-8")
        });
    if fits && !headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(Unreadable::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "A form must be sent as application/x-www-form-urlencoded in UTF-8: use the page's own form.",
        ))
    }
}

/// The name of a request in the path of an address.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Unreadable::new(
                StatusCode::NOT_FOUND,
                "There is no page at this address.",
            )),
        }
    }
}

/// The fields of the query string.
#[derive(Debug, Clone)]
pub struct QueryString(pub Fields);

impl<S: Send + Sync> FromRequestParts<S> for QueryString {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Unreadable> {
        Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn fields_are_decoded_and_may_repeat() {
        let form =
            fields("role=roles%2Fviewer&role=+roles/editor&&role=&r%6Fle=x&empty&a=b=c&%zz=%");
        assert_eq!(form.all("role"), ["roles/viewer", "roles/editor", "x"]);
        assert_eq!(form.one("a").unwrap(), "b=c");
        assert_eq!(form.one("%zz").unwrap(), "%");
        assert_eq!(form.one("absent").unwrap(), "");
        assert!(form.has("empty") && !form.has("absent"));
        assert!(form.all("absent").is_empty());
    }

    #[test]
    fn lines_end_with_a_newline_whatever_the_browser_sends() {
        let form = fields("justification=+INC-1%0D%0Aweb%0Ddown%0A%0D%0A");
        assert_eq!(form.text("justification").unwrap(), " INC-1\nweb\ndown\n\n");
        assert_eq!(form.one("justification").unwrap(), "INC-1\nweb\ndown");
    }

    #[test]
    fn attack_17_one_value_is_one_value() {
        let form = fields("resource=projects/a&resource=projects/b");
        for read in [form.one("resource"), form.text("resource")] {
            let refused = read.unwrap_err();
            assert_eq!(refused.status, 400);
            assert!(refused.sentence.contains("twice"), "{refused:?}");
        }
    }

    #[test]
    fn attack_17_what_is_not_text_is_refused_not_replaced() {
        for text in ["a=%ff", "a=%C3", "%ed%a0%80=a", "a=b&c=%c0%af"] {
            let refused = Fields::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refused.status, 400);
            assert!(refused.sentence.contains("UTF-8"), "{refused:?}");
        }
        assert!(Fields::parse(b"a=\xff").is_err());
        assert_eq!(fields("a=%EF%BF%BD").one("a").unwrap(), "\u{fffd}");
    }

    #[test]
    fn attack_26_fields_are_counted() {
        let most = "a=1&".repeat(MOST_FIELDS);
        assert_eq!(fields(&most).all("a").len(), MOST_FIELDS);
        let refused = Fields::parse((most + "b=1").as_bytes()).unwrap_err();
        assert_eq!(refused.status, 400);
        assert!(refused.sentence.contains("200 fields"), "{refused:?}");
    }

    async fn send(content_type: &[(&str, &str)], body: Body) -> (u16, String) {
        let router = Router::new().route(
            "/",
            post(|FormBody(form): FormBody| async move { form.all("a").join(",") }),
        );
        let mut request = axum::http::Request::builder().method("POST").uri("/");
        for (name, value) in content_type {
            request = request.header(*name, *value);
        }
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let text = to_bytes(answer.into_body(), 1_000_000).await.unwrap();
        (status, String::from_utf8(text.to_vec()).unwrap())
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    #[tokio::test]
    async fn a_body_is_read_as_a_form() {
        assert_eq!(send(&[FORM], "a=1&a=2".into()).await, (200, "1,2".into()));
        assert_eq!(send(&[FORM], Body::empty()).await.0, 200);
        let with_charset = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
        assert_eq!(
            send(&[("content-type", with_charset)], "a=1".into())
                .await
                .0,
            200
        );
        assert_eq!(send(&[FORM], "a=%ff".into()).await.0, 400);
    }

    #[tokio::test]
    async fn attack_23_another_type_of_body_is_no_form() {
        for other in [
            "text/plain",
            "application/json",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded; charset=utf-16",
            "text/plain; application/x-www-form-urlencoded",
        ] {
            let (status, page) = send(&[("content-type", other)], "a=1".into()).await;
            assert_eq!(status, 415, "{other}");
            assert!(page.contains("application/x-www-form-urlencoded"), "{page}");
        }
        assert_eq!(send(&[], "a=1".into()).await.0, 415);
        assert_eq!(
            send(&[FORM, ("content-encoding", "gzip")], "a=1".into())
                .await
                .0,
            415
        );
    }

    #[tokio::test]
    async fn attack_26_a_huge_body_is_not_read_to_its_end() {
        let most = format!("a={}", "x".repeat(LONGEST_BODY - 2));
        assert_eq!(send(&[FORM], most.clone().into()).await.0, 200);
        let (status, page) = send(&[FORM], (most + "x").into()).await;
        assert_eq!(status, 413);
        assert!(page.contains("64 KiB"), "{page}");
        // Without end, and without a length that says so.
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>("a=xxxxxxx&"));
        assert_eq!(send(&[FORM], Body::from_stream(endless)).await.0, 413);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_form() {
        let broken = futures::stream::iter([Ok("a=1"), Err(std::io::Error::other("gone"))]);
        let (status, page) = send(&[FORM], Body::from_stream(broken)).await;
        assert_eq!(status, 400);
        assert!(page.contains("send it again"), "{page}");
    }

    #[tokio::test]
    async fn a_query_string_is_read_the_same_way() {
        let router = Router::new().route(
            "/",
            get(|QueryString(form): QueryString| async move { form.all("a").join(",") }),
        );
        for (query, status) in [("/?a=1&a=2", 200), ("/", 200), ("/?a=%ff", 400)] {
            let request = axum::http::Request::builder().uri(query);
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{query}");
        }
    }
}
