//! Pages: opaque tokens that only continue the query that made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::request::Request;

/// Cuts one page out of `items`: at most `pageSize`, bounded by `largest`, after `pageToken`.
///
/// # Errors
/// 400 for a size that is no number or negative, a token that is not ours, or one whose other parameters differ.
pub fn page(
    request: &Request,
    items: Vec<Value>,
    field: &str,
    default: usize,
    largest: usize,
) -> Result<Value, ApiError> {
    let size = match request.param("pageSize") {
        None => default,
        Some(text) => match text.parse::<i64>() {
            Ok(0) => default,
            Ok(size) if size > 0 => usize::try_from(size).unwrap_or(largest).min(largest),
            _ => {
                return Err(ApiError::invalid(format!(
                    "Invalid value for page_size: {text}."
                )));
            }
        },
    };
    let query = fingerprint(request);
    let start = match request.param("pageToken") {
        None => 0,
        Some(token) => position(&token, query)
            .ok_or_else(|| ApiError::invalid("The page token is invalid."))?,
    };
    let rest = items.len().saturating_sub(start);
    let mut body = Map::new();
    if rest > 0 {
        let cut: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        body.insert(field.to_owned(), Value::Array(cut));
    }
    if rest > size {
        body.insert(
            "nextPageToken".to_owned(),
            json!(URL_SAFE_NO_PAD.encode(format!("{}.{query:016x}", start + size))),
        );
    }
    Ok(Value::Object(body))
}

fn position(token: &str, query: u64) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (start, of) = text.split_once('.')?;
    (of == format!("{query:016x}")).then(|| start.parse().ok())?
}

/// A hash of everything that selects or orders results: path, parameters and body, without size and token.
fn fingerprint(request: &Request) -> u64 {
    let mut parts: Vec<String> = request
        .query
        .iter()
        .filter(|(name, value)| {
            !value.is_empty()
                && !matches!(
                    name.as_str(),
                    "pageSize" | "pageToken" | "prettyPrint" | "alt" | "$alt"
                )
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.sort();
    parts.push(request.path.clone());
    if let Value::Object(body) = &request.body {
        parts.extend(
            body.iter()
                .filter(|(name, _)| !matches!(name.as_str(), "pageSize" | "pageToken"))
                .map(|(name, value)| format!("{name}={value}")),
        );
    }
    fnv1a(parts.join("\n").as_bytes())
}

/// FNV-1a, 64 bits: stable from run to run, which the standard library's hasher does not promise.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Value> {
        (0..5).map(|n| json!(n)).collect()
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let first = page(
            &Request::get("/v3/x", "pageSize=3&q=a"),
            items(),
            "things",
            10,
            100,
        )
        .unwrap();
        assert_eq!(first["things"], json!([0, 1, 2]));
        let token = first["nextPageToken"].as_str().unwrap();
        let second = page(
            &Request::get("/v3/x", &format!("q=a&pageToken={token}&pageSize=2")),
            items(),
            "things",
            10,
            100,
        );
        assert_eq!(second.unwrap(), json!({"things": [3, 4]}));
    }

    #[test]
    fn a_token_of_another_query_is_refused() {
        let first = page(
            &Request::get("/v3/x", "pageSize=3&q=a"),
            items(),
            "things",
            10,
            100,
        )
        .unwrap();
        let token = first["nextPageToken"].as_str().unwrap();
        let other = page(
            &Request::get("/v3/x", &format!("q=b&pageToken={token}")),
            items(),
            "things",
            10,
            100,
        );
        assert_eq!(other.unwrap_err().code, 400);
        assert_eq!(
            page(
                &Request::get("/v3/x", "pageToken=abc"),
                items(),
                "things",
                10,
                100
            )
            .unwrap_err()
            .code,
            400
        );
    }

    #[test]
    fn no_results_is_an_absent_field() {
        assert_eq!(
            page(&Request::get("/v3/x", ""), Vec::new(), "things", 10, 100).unwrap(),
            json!({})
        );
    }
}
