//! Times as a page shows them: in UTC for everybody, and marked so that a script may say them in the
//! reader's own time zone.

use jiff::{SignedDuration, Timestamp};
use jit_access_core::request::{format_time, parse_time};

/// A point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For machines: `2026-11-23T20:00:00Z`.
    pub iso: String,
    /// For people: `23 Nov 2026, 20:00 UTC`.
    pub text: String,
}

impl Moment {
    /// A time as it is shown, to the minute.
    #[must_use]
    pub fn new(time: Timestamp) -> Self {
        Self {
            iso: format_time(time),
            text: time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        }
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What is no time.
    Text(String),
    /// A time that stood there as `2026-11-23T20:00:00Z`.
    Time(Moment),
}

/// The pieces of a text in which times stand as machines write them.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    const LENGTH: usize = "2026-11-23T20:00:00Z".len();
    let mut pieces = Vec::new();
    let (mut begun, mut at) = (0, 0);
    while at < text.len() {
        let time = text.get(at..at + LENGTH).map(parse_time);
        if let Some(Ok(time)) = time {
            if begun < at {
                pieces.push(Piece::Text(text[begun..at].to_owned()));
            }
            pieces.push(Piece::Time(Moment::new(time)));
            at += LENGTH;
            begun = at;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    if begun < text.len() {
        pieces.push(Piece::Text(text[begun..].to_owned()));
    }
    pieces
}

/// How long it is from now, in the words of a clock: `25 min`, `1 h 5 min`, `3 days`.
#[must_use]
pub fn left(until: Timestamp, now: Timestamp) -> String {
    length(until.duration_since(now))
}

/// A length of time, rounded down, but never to nothing.
#[must_use]
pub fn length(length: SignedDuration) -> String {
    let minutes = length.as_secs().max(0) / 60;
    match minutes {
        0 => "less than a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2_880 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..2_880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_as_people_do() {
        for (seconds, said) in [
            (-5, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (5_460, "1 h 31 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 days"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn times_are_found_in_a_text() {
        let time = "2026-11-29T12:12:06Z";
        let moment = || Piece::Time(Moment::new(time.parse().unwrap()));
        let text = |text: &str| Piece::Text(text.to_owned());
        for (whole, parts) in [
            (String::new(), vec![]),
            (
                "no time at all, ü".to_owned(),
                vec![text("no time at all, ü")],
            ),
            (
                format!("ended at {time}; ü"),
                vec![text("ended at "), moment(), text("; ü")],
            ),
            (format!("{time}{time}"), vec![moment(), moment()]),
            (
                "at 2026-13-29T12:12:06Z".to_owned(),
                vec![text("at 2026-13-29T12:12:06Z")],
            ),
        ] {
            assert_eq!(pieces(&whole), parts, "{whole}");
        }
    }

    #[test]
    fn a_moment_is_in_utc() {
        let moment = Moment::new("2026-11-03T20:00:30Z".parse().unwrap());
        assert_eq!(moment.iso, "2026-11-03T20:00:30Z");
        assert_eq!(moment.text, "3 Nov 2026, 20:00 UTC");
    }
}
