//! How long a watch waits between two tries.

use std::time::Duration;

use kube::runtime::utils::Backoff;

const FIRST: Duration = Duration::from_millis(250);
/// The client's own goes up to a minute: so long after an outage nobody's revocation would be seen.
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles with each failure in a row up to five seconds, with jitter.
#[derive(Debug, Clone, Default)]
pub struct WatchBackoff {
    failures: u32,
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let longest = FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        Some(longest.mul_f64(0.5 + rand::random::<f64>() / 2.0))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_tried_again_within_seconds_however_long_it_failed() {
        let mut backoff = WatchBackoff::default();
        let first = backoff.next().unwrap();
        assert!(first <= FIRST && first >= FIRST / 2);
        for _ in 0..100 {
            assert!(backoff.next().unwrap() <= LONGEST);
        }
        backoff.reset();
        assert!(backoff.next().unwrap() <= FIRST);
    }
}
