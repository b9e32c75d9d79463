//! When what was granted is looked at again, taken away and forgotten.

use jiff::{SignedDuration, Timestamp};

/// How long after the end of its window a request is kept for a binding that Google does not let us
/// remove: the access itself ended on time.
pub const FINALIZER_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The moments at which resources are read again. All requests on a resource share them, so that
/// one reading serves all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounds {
    interval: SignedDuration,
    patience: SignedDuration,
}

impl Rounds {
    /// Rounds every `interval`, at least every second.
    #[must_use]
    pub fn every(interval: SignedDuration) -> Self {
        Self {
            interval: interval.max(SignedDuration::from_secs(1)),
            patience: FINALIZER_PATIENCE,
        }
    }

    /// With another patience than [`FINALIZER_PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: SignedDuration) -> Self {
        Self { patience, ..self }
    }

    /// When a request whose window ends at `end` is let go, whether its binding is gone or not.
    #[must_use]
    pub fn patient_until(&self, end: Timestamp) -> Timestamp {
        end + self.patience
    }

    /// The last round at or before `now`.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Timestamp {
        let interval = self.interval.as_secs();
        let second = now.as_second();
        Timestamp::from_second(second - second.rem_euclid(interval)).unwrap_or(now)
    }

    /// The first round after `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        self.last(now) + self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_shared_by_all_who_ask_within_one() {
        let rounds = Rounds::every(SignedDuration::from_mins(5));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for now in ["2026-11-23T20:00:00Z", "2026-11-23T20:04:59.9Z"] {
            assert_eq!(rounds.last(at(now)), at("2026-11-23T20:00:00Z"), "{now}");
            assert_eq!(rounds.next(at(now)), at("2026-11-23T20:05:00Z"), "{now}");
        }
    }
}
