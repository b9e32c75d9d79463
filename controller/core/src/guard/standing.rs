//! Since when the policy has been in force without a gap. A gap that nobody saw, for the controller
//! was down, shows in what the API server itself counts: the uid and the generation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which object, and which of its specs: the API server counts every change of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`; 1 for a spec that never changed.
    pub generation: i64,
}

/// An object as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which it is.
    pub version: Version,
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
}

/// Since when exactly these versions of the policy and its binding stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The policy.
    pub policy: Version,
    /// Its binding.
    pub binding: Version,
    /// By the API server's clock.
    pub since: Timestamp,
    /// Whether the API server admitted what the policy refuses, and no proof came after that.
    #[serde(default)]
    pub broken: bool,
}

impl Standing {
    /// What is proven by a probe that was refused at `now`. A record about the same versions goes
    /// on. Otherwise what never changed stands since it was made, and what did, since now.
    ///
    /// A record of a time at which these objects did not exist yet, or that is to come, is none.
    #[must_use]
    pub fn proven(record: Option<&Self>, policy: &Seen, binding: &Seen, now: Timestamp) -> Self {
        let made = policy.created.max(binding.created);
        let known = record.filter(|record| {
            record.policy == policy.version
                && record.binding == binding.version
                && (made..=now).contains(&record.since)
        });
        let since = match known {
            Some(record) if record.broken => now,
            Some(record) => record.since,
            None => standing_since(policy, now).max(standing_since(binding, now)),
        };
        Self {
            policy: policy.version.clone(),
            binding: binding.version.clone(),
            since,
            broken: false,
        }
    }

    /// What is to be remembered after a probe that was admitted at `now`: the next proof begins anew.
    #[must_use]
    pub fn broken(record: Option<&Self>, policy: &Seen, binding: &Seen, now: Timestamp) -> Self {
        Self {
            broken: true,
            ..Self::proven(record, policy, binding, now)
        }
    }
}

fn standing_since(seen: &Seen, now: Timestamp) -> Timestamp {
    if seen.version.generation == 1 {
        seen.created
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::after;

    fn seen(uid: &str, generation: i64, created: i64) -> Seen {
        Seen {
            version: Version {
                uid: uid.to_owned(),
                generation,
            },
            created: after(created),
        }
    }

    fn since(record: Option<&Standing>, policy: &Seen, binding: &Seen, now: i64) -> Timestamp {
        Standing::proven(record, policy, binding, after(now)).since
    }

    #[test]
    fn what_never_changed_stands_since_both_were_made() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        assert_eq!(since(None, &policy, &binding, 1_000), after(12));
    }

    #[test]
    fn attack_25_a_change_begins_anew_though_it_was_changed_back_unseen() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        let record = Standing::proven(None, &policy, &binding, after(20));
        assert_eq!(since(Some(&record), &policy, &binding, 99), after(12));
        // Narrowed and put back while the controller was down: the generation tells.
        for (policy, binding) in [
            (seen("p", 3, 10), seen("b", 1, 12)),
            (seen("p", 1, 10), seen("b", 3, 12)),
        ] {
            assert_eq!(since(Some(&record), &policy, &binding, 99), after(99));
            assert_eq!(since(None, &policy, &binding, 99), after(99));
        }
        // Deleted and made again: the uid tells.
        assert_eq!(
            since(Some(&record), &seen("p2", 1, 70), &binding, 99),
            after(70)
        );
    }

    #[test]
    fn a_record_of_a_changed_version_is_kept() {
        let (policy, binding) = (seen("p", 3, 10), seen("b", 1, 12));
        let record = Standing::proven(None, &policy, &binding, after(99));
        assert_eq!(since(Some(&record), &policy, &binding, 500), after(99));
    }

    #[test]
    fn attack_25_after_an_admitted_probe_the_next_proof_begins_anew() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        let broken = Standing::broken(None, &policy, &binding, after(300));
        // However long the controller was down in between.
        let healed = Standing::proven(Some(&broken), &policy, &binding, after(9_000));
        assert_eq!((healed.since, healed.broken), (after(9_000), false));
        assert_eq!(since(Some(&healed), &policy, &binding, 9_999), after(9_000));
        // Another probe that is admitted changes nothing in the record.
        let again = Standing::broken(Some(&healed), &policy, &binding, after(9_500));
        assert_eq!(again.since, after(9_000));
    }

    #[test]
    fn a_record_of_an_impossible_time_is_none() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 2, 12));
        for odd in [-1_000_000, 11, 100_000_000] {
            let record = Standing {
                since: after(odd),
                ..Standing::proven(None, &policy, &binding, after(20))
            };
            assert_eq!(
                since(Some(&record), &policy, &binding, 99),
                after(99),
                "{odd}"
            );
        }
    }

    #[test]
    fn the_record_comes_back_from_its_text() {
        let record = Standing::proven(None, &seen("p", 1, 10), &seen("b", 4, 12), after(20));
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), record);
    }
}
