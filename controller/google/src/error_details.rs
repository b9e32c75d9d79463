//! What Google says in an error beside its message: in headers, in the details of `google.rpc.Status`, in the older
//! format's `errors`.

use std::time::Duration;

use google_cloud_gax::error::rpc::{Status, StatusDetails};
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use crate::error::Kind;

/// A longer `Retry-After` is taken as this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

pub(crate) fn kind_of(http: u16, status: Option<&Status>) -> Kind {
    match (http, reason(status)) {
        (403, Some("RATE_LIMIT_EXCEEDED" | "rateLimitExceeded" | "userRateLimitExceeded")) => {
            Kind::Quota
        }
        (400, _) => Kind::Invalid,
        (401, _) => Kind::Credentials,
        (403, _) => Kind::Denied,
        (404, _) => Kind::Missing,
        (408, _) => Kind::Timeout,
        (409 | 412, _) => Kind::Conflict,
        (413, _) => Kind::TooLarge,
        (429, _) => Kind::Quota,
        (501, _) => Kind::Other,
        (500..=599, _) => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// The machine-readable reason in Google's error, of the new format or the old one.
pub(crate) fn reason(status: Option<&Status>) -> Option<&str> {
    status?.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
        _ => None,
    })
}

/// The permission that Google names, in a detail or in its message (`Permission 'a.b.c' denied on resource …`).
pub(crate) fn permission_named(status: Option<&Status>) -> Option<String> {
    let status = status?;
    let detail = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => info.metadata.get("permission").cloned(),
        _ => None,
    });
    let is_permission = |p: &String| {
        p.matches('.').count() >= 2 && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
    };
    detail
        .or_else(|| {
            let (_, rest) = status.message.split_once("ermission ")?;
            let rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
            Some(rest[..end.unwrap_or(rest.len())].to_owned())
        })
        .filter(is_permission)
}

/// From the header (seconds or a date) or from `google.rpc.RetryInfo`, the longer of the two.
pub(crate) fn retry_after(headers: &HeaderMap, status: Option<&Status>) -> Option<Duration> {
    let header = headers.get(header::RETRY_AFTER).and_then(|value| {
        let text = value.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let wait: SignedDuration = http_date(text)?.duration_since(Timestamp::now());
        Some(wait.try_into().unwrap_or_default())
    });
    let detail = status
        .into_iter()
        .flat_map(|s| &s.details)
        .find_map(|detail| match detail {
            StatusDetails::RetryInfo(info) => {
                let delay = info.retry_delay.as_ref()?;
                SignedDuration::new(delay.seconds(), delay.nanos())
                    .try_into()
                    .ok()
            }
            _ => None,
        });
    Some(header.max(detail)?.min(MAX_RETRY_AFTER))
}

/// A time as HTTP headers have it: `Mon, 23 Nov 2026 20:00:00 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn status(json: &'static str) -> Status {
        Status::try_from(&Bytes::from_static(json.as_bytes())).expect("Google's error format")
    }

    #[test]
    fn the_wait_is_the_longest_that_google_asks_for() {
        let wait = |value: &'static str, status: Option<&Status>| {
            let headers =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, status)
        };
        let seven = status(
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7.5s"}]}}"#,
        );
        assert_eq!(wait("30", None), Some(Duration::from_secs(30)));
        assert_eq!(wait("30", Some(&seven)), Some(Duration::from_secs(30)));
        assert_eq!(wait("1", Some(&seven)), Some(Duration::from_millis(7500)));
        assert_eq!(wait("99999999", None), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("soon", None), None);
        assert_eq!(
            wait("Mon, 23 Nov 1998 20:00:00 GMT", None),
            Some(Duration::ZERO)
        );
        assert_eq!(
            wait("Fri, 23 Nov 2525 20:00:00 GMT", None),
            Some(MAX_RETRY_AFTER)
        );
    }

    #[test]
    fn dates_of_http() {
        let date = http_date("Mon, 23 Nov 2026 20:00:00 GMT").expect("a date");
        assert_eq!(date.to_string(), "2026-11-23T20:00:00Z");
        assert_eq!(http_date("2026-11-23T20:00:00Z"), None);
    }
}
