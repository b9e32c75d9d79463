//! The simulator's own clock: the machine's, moved by an adjustable offset.

use jiff::{SignedDuration, Timestamp};

/// Tells the simulated time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// How far the simulated time is ahead of the machine's, in seconds.
    pub offset_seconds: i64,
}

impl Clock {
    /// The simulated time; the machine's where the offset leads out of the representable range.
    pub fn now(self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_secs(self.offset_seconds))
            .unwrap_or(now)
    }

    /// The simulated time as Google writes it: RFC 3339 with milliseconds.
    pub fn now_text(self) -> String {
        format!("{:.3}", self.now())
    }

    /// The simulated time for the HTTP header `Date` (RFC 9110).
    pub fn http_date(self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&self.now())
            .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_moves_time_and_date_header() {
        let clock = Clock {
            offset_seconds: 86_400 * 366,
        };
        let ahead = clock.now().duration_since(Timestamp::now()).as_secs();
        assert!(
            (86_400 * 366 - 2..=86_400 * 366).contains(&ahead),
            "{ahead}"
        );
        assert!(clock.http_date().ends_with(" GMT"));
    }
}
