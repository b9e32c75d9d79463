//! Readings that many may share: whoever wants the same thing at the same time waits for one call
//! and takes its answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// A value and when the call that brought it began: it is not younger than that.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    /// What was read.
    pub value: T,
    /// When the call began.
    pub begun: Instant,
    /// When it ended.
    pub ended: Instant,
}

/// How young a reading must be.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// It began at most this long ago.
    pub max_age: Duration,
    /// It did not begin before this.
    pub not_before: Option<Instant>,
}

type Entry<T, E> = Arc<tokio::sync::Mutex<Option<Outcome<T, E>>>>;

struct Outcome<T, E> {
    begun: Instant,
    ended: Instant,
    result: Result<T, E>,
}

/// Readings by key. Entries that nobody asked for within [`FORGOTTEN_AFTER`] are dropped.
pub struct SharedReadings<K, T, E> {
    entries: Mutex<Entries<K, T, E>>,
}

/// With when each was last asked for.
type Entries<K, T, E> = HashMap<K, (Instant, Entry<T, E>)>;

const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
const SWEEP_ABOVE: usize = 1_000;

impl<K, T, E> std::fmt::Debug for SharedReadings<K, T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedReadings").finish_non_exhaustive()
    }
}

impl<K, T, E> Default for SharedReadings<K, T, E> {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, T: Clone, E: Clone> SharedReadings<K, T, E> {
    /// The reading of `key`, by `call` unless there is one that is fresh enough.
    ///
    /// # Errors
    /// The call's. A failure that ended while one waited is taken as one's own answer: an outage
    /// is not asked about once for each who waits.
    pub async fn read<F>(
        &self,
        key: &K,
        freshness: Freshness,
        call: impl FnOnce() -> F,
    ) -> Result<Reading<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let asked = Instant::now();
        let entry = self.entry(key, asked);
        let mut outcome = entry.lock().await;
        if let Some(known) = outcome.as_ref() {
            let fresh = asked.saturating_duration_since(known.begun) <= freshness.max_age
                && freshness
                    .not_before
                    .is_none_or(|not_before| known.begun >= not_before);
            match &known.result {
                Ok(value) if fresh => {
                    return Ok(Reading {
                        value: value.clone(),
                        begun: known.begun,
                        ended: known.ended,
                    });
                }
                Err(error) if known.ended >= asked => return Err(error.clone()),
                _ => {}
            }
        }
        let begun = Instant::now();
        let result = call().await;
        let ended = Instant::now();
        let reading = result.clone().map(|value| Reading {
            value,
            begun,
            ended,
        });
        *outcome = Some(Outcome {
            begun,
            ended,
            result,
        });
        reading
    }

    fn entry(&self, key: &K, now: Instant) -> Entry<T, E> {
        let mut entries = lock(&self.entries);
        if entries.len() > SWEEP_ABOVE {
            entries.retain(|_, (asked, _)| now.saturating_duration_since(*asked) < FORGOTTEN_AFTER);
        }
        let (asked, entry) = entries
            .entry(key.clone())
            .or_insert_with(|| (now, Entry::default()));
        *asked = now;
        Arc::clone(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const ANY_AGE: Freshness = Freshness {
        max_age: Duration::from_secs(3_600),
        not_before: None,
    };

    #[tokio::test]
    async fn who_asks_at_the_same_time_shares_one_call() {
        let readings = SharedReadings::<&str, usize, ()>::default();
        let calls = AtomicUsize::new(0);
        let read = || {
            readings.read(&"key", ANY_AGE, || async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(calls.fetch_add(1, Ordering::SeqCst))
            })
        };
        let answers = futures::future::join_all((0..50).map(|_| read())).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().unwrap().value == 0)
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_shared_by_those_who_waited_and_by_nobody_later() {
        let readings = SharedReadings::<&str, usize, usize>::default();
        let calls = AtomicUsize::new(0);
        let read = || {
            readings.read(&"key", ANY_AGE, || async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(calls.fetch_add(1, Ordering::SeqCst))
            })
        };
        let answers = futures::future::join_all((0..50).map(|_| read())).await;
        assert!(
            answers
                .iter()
                .all(|answer| *answer.as_ref().unwrap_err() == 0)
        );
        assert_eq!(read().await.unwrap_err(), 1);
    }

    #[tokio::test]
    async fn an_older_reading_is_made_again() {
        let readings = SharedReadings::<&str, usize, ()>::default();
        let calls = AtomicUsize::new(0);
        let read = |freshness| {
            readings.read(&"key", freshness, || async {
                Ok(calls.fetch_add(1, Ordering::SeqCst))
            })
        };
        assert_eq!(read(ANY_AGE).await.unwrap().value, 0);
        assert_eq!(read(ANY_AGE).await.unwrap().value, 0);
        let not_before = Some(Instant::now());
        let newer = Freshness {
            not_before,
            ..ANY_AGE
        };
        assert_eq!(read(newer).await.unwrap().value, 1);
        assert_eq!(read(newer).await.unwrap().value, 1);
        let none = Freshness {
            max_age: Duration::ZERO,
            not_before: None,
        };
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(read(none).await.unwrap().value, 2);
    }
}
