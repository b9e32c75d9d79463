//! Etags: 8 bytes in standard base64, different after every write.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// The etag of a policy that was never written, as Google answers it (`ACAB`).
pub const NEVER_WRITTEN: &[u8] = &[0x00, 0x20, 0x01];

/// Makes etags.
#[derive(Debug)]
pub struct Etags {
    last: u64,
}

impl Default for Etags {
    fn default() -> Self {
        // Microseconds, so that the etags of one process differ from those of the one before.
        Self {
            last: u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(1),
        }
    }
}

impl Etags {
    /// The next one; never the same twice.
    pub fn next(&mut self) -> Vec<u8> {
        self.last += 1;
        let mut bytes = self.last.to_be_bytes().to_vec();
        bytes[0] = 0x07;
        bytes
    }
}

/// As JSON carries it.
pub fn encode(etag: &[u8]) -> String {
    STANDARD.encode(etag)
}

/// From JSON, with or without padding, in either alphabet, as proto3's JSON allows.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = text.replace('-', "+").replace('_', "/");
    GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(standard)
        .ok()
}

/// As Google's error messages show it: bytes that are no plain ASCII in octal.
pub fn escaped(etag: &[u8]) -> String {
    etag.iter()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\{byte:03o}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_all_survive_json() {
        let mut etags = Etags::default();
        let (first, second) = (etags.next(), etags.next());
        assert_ne!(first, second);
        assert_eq!(decode(&encode(&first)), Some(first.clone()));
        assert_eq!(decode(encode(&first).trim_end_matches('=')), Some(first));
        assert_eq!(encode(NEVER_WRITTEN), "ACAB");
        assert_eq!(decode("not base64!"), None);
    }

    #[test]
    fn messages_show_octal() {
        assert_eq!(escaped(&[7, b'a', 0xff]), "\\007a\\377");
    }
}
