//! What an installation allows. The values come from flags; the rules read them here.

use jiff::SignedDuration;
use regex::Regex;

use crate::resource::ResourceName;

/// Limits of an installation. Durations are never negative.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nothing above this resource is read, nothing outside it is granted.
    pub scope: ResourceName,
    /// Shortest access that may be asked for.
    pub min_duration: SignedDuration,
    /// Longest access that may be asked for.
    pub max_duration: SignedDuration,
    /// Length of an access whose request names none.
    pub default_duration: SignedDuration,
    /// How long after creation a request may be seen first, or approved.
    pub approval_timeout: SignedDuration,
    /// How far ahead of creation `spec.startTime` may be.
    pub max_schedule: SignedDuration,
    /// Most roles in one request.
    pub max_roles: usize,
    /// Most requests of one requester that are not final.
    pub max_open: usize,
    /// Most requests of one requester within an hour.
    pub max_hourly: usize,
    /// What a justification must match, as a whole.
    pub justification_pattern: JustificationPattern,
    /// What a refused justification is told, in the administrator's words; may be empty.
    pub justification_hint: String,
    /// How long a finished request is kept.
    pub retention: SignedDuration,
}

/// A regular expression that a justification must match as a whole.
#[derive(Debug, Clone)]
pub struct JustificationPattern {
    source: String,
    whole: Regex,
}

impl JustificationPattern {
    /// Reads a pattern in the syntax of the `regex` crate; `.` matches a newline too.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn parse(source: &str) -> Result<Self, String> {
        // Alone first: `)` and `(` that only the frame balances must not pass.
        Regex::new(source).map_err(|error| error.to_string())?;
        let whole =
            Regex::new(&format!(r"(?s)\A(?:{source})\z")).map_err(|error| error.to_string())?;
        Ok(Self {
            source: source.to_owned(),
            whole,
        })
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The pattern as the administrator wrote it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Longest duration that can be asked for, in digits: the schema allows `9999h9999m99999s`.
const MAX_SECONDS: i64 = 9_999 * 3_600 + 9_999 * 60 + 99_999;

/// Reads hours, minutes and seconds such as `1h30m`: each part at most once, in this order.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let refuse = || {
        format!(
            "\"{}\" must be hours, minutes and seconds such as 30m or 1h30m, and more than zero",
            text.escape_debug()
        )
    };
    let mut rest = text;
    let mut seconds: i64 = 0;
    for (unit, length, most_digits) in [('h', 3_600, 4), ('m', 60, 4), ('s', 1, 5)] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(unit) {
            if digits > most_digits {
                return Err(refuse());
            }
            let number: i64 = rest[..digits].parse().map_err(|_| refuse())?;
            seconds += number * length;
            rest = &rest[digits + 1..];
        }
    }
    if rest.is_empty() && (1..=MAX_SECONDS).contains(&seconds) {
        Ok(SignedDuration::from_secs(seconds))
    } else {
        Err(refuse())
    }
}

/// Writes a duration of whole seconds as [`parse_duration`] reads it, such as `1h30m`.
#[must_use]
pub fn format_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let parts = [
        (seconds / 3_600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let text: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("30m", 1_800),
            ("1h30m", 5_400),
            ("1h", 3_600),
            ("90m", 5_400),
            ("45s", 45),
            ("1h2m3s", 3_723),
            ("00m01s", 1),
            ("9999h9999m99999s", MAX_SECONDS),
        ] {
            assert_eq!(parse_duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in [
            "", "30", "m", "0m", "0h0m0s", "1m1h", "-1m", "1.5h", "1d", "30 m", "10000h", "١m",
            "1h1h", "30M", "100000s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for text in ["30m", "1h30m", "2h", "45s", "1h2m3s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(format_duration(parse_duration("90m").unwrap()), "1h30m");
    }
}
