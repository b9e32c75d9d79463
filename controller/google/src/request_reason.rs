//! The header `x-goog-request-reason`, which Google's audit log shows in `requestAttributes.reason`.

use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The longest value sent, in bytes.
const MAX_LENGTH: usize = 1024;

/// Encoded: what is not visible ASCII, and `%` itself, so that decoding gives the text back.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// Any text as a header value of at most [`MAX_LENGTH`] bytes, percent-encoded as UTF-8 and cut between two
/// characters; none for an empty text.
pub(crate) fn header_value(reason: &str) -> Option<HeaderValue> {
    let mut encoded = String::new();
    let mut character = [0; 4];
    for c in reason.chars() {
        let piece = utf8_percent_encode(c.encode_utf8(&mut character), ENCODED);
        if encoded.len() + piece.clone().map(str::len).sum::<usize>() > MAX_LENGTH {
            break;
        }
        encoded.extend(piece);
    }
    if encoded.is_empty() {
        return None;
    }
    // Visible ASCII is always a valid header value.
    HeaderValue::try_from(encoded).ok()
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;

    use super::*;

    fn encoded(reason: &str) -> String {
        let value = header_value(reason).expect("not empty");
        value.to_str().expect("visible ASCII").to_owned()
    }

    #[test]
    fn only_visible_ascii_stays() {
        assert_eq!(
            encoded("jit/web-1: 100% \"ü\"\r\nx\u{7f}"),
            "jit/web-1:%20100%25%20\"%C3%BC\"%0D%0Ax%7F"
        );
        assert_eq!(header_value(""), None);
    }

    #[test]
    fn any_text_comes_back() {
        let reason = "INC-4711: Платёж\n\t\u{1F680} %41";
        let decoded = percent_decode_str(&encoded(reason))
            .decode_utf8()
            .expect("UTF-8")
            .into_owned();
        assert_eq!(decoded, reason);
    }

    #[test]
    fn the_cut_is_between_characters() {
        for (character, width) in [("a", 1), (" ", 3), ("ü", 6), ("€", 9), ("\u{1F680}", 12)] {
            for shift in 0..12 {
                let reason = "x".repeat(shift) + &character.repeat(2000);
                let value = encoded(&reason);
                let expected = shift + (1024 - shift) / width * width;
                assert_eq!(value.len(), expected, "{character:?} after {shift}");
                let decoded = percent_decode_str(&value)
                    .decode_utf8()
                    .expect("whole characters");
                assert!(reason.starts_with(decoded.as_ref()));
            }
        }
    }
}
