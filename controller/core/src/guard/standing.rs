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
}

impl Standing {
    /// Goes on with the record, if it is about the same versions. Otherwise what never changed
    /// stands since it was made, and what did, since now.
    #[must_use]
    pub fn observe(record: Option<&Self>, policy: &Seen, binding: &Seen, now: Timestamp) -> Self {
        let since = match record {
            Some(record)
                if record.policy == policy.version && record.binding == binding.version =>
            {
                record.since
            }
            _ => standing_since(policy, now).max(standing_since(binding, now)),
        };
        Self {
            policy: policy.version.clone(),
            binding: binding.version.clone(),
            since,
        }
    }

    /// The API server admitted what the policy refuses: it stands from now on at best.
    #[must_use]
    pub fn broken(self, now: Timestamp) -> Self {
        Self {
            since: self.since.max(now),
            ..self
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
        Standing::observe(record, policy, binding, after(now)).since
    }

    #[test]
    fn what_never_changed_stands_since_both_were_made() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        assert_eq!(since(None, &policy, &binding, 1_000), after(12));
    }

    #[test]
    fn attack_25_a_change_begins_anew_though_it_was_changed_back_unseen() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        let record = Standing::observe(None, &policy, &binding, after(20));
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
        let record = Standing::observe(None, &policy, &binding, after(99));
        assert_eq!(since(Some(&record), &policy, &binding, 500), after(99));
    }

    #[test]
    fn attack_25_an_admitted_probe_begins_anew() {
        let (policy, binding) = (seen("p", 1, 10), seen("b", 1, 12));
        let record = Standing::observe(None, &policy, &binding, after(20)).broken(after(300));
        assert_eq!(since(Some(&record), &policy, &binding, 999), after(300));
        assert_eq!(record.clone().broken(after(100)), record);
    }

    #[test]
    fn the_record_comes_back_from_its_text() {
        let record = Standing::observe(None, &seen("p", 1, 10), &seen("b", 4, 12), after(20));
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), record);
    }
}
