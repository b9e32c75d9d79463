//! The stored policies, and what the lagging search index has seen of them.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{etag, is_conditional};

/// Earlier versions that are kept of one policy for a lagging index.
const MOST_VERSIONS: usize = 100;

/// A policy without its etag and version, which belong to the storage.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Bindings, audit configurations and whatever else was written.
    pub fields: Map<String, Value>,
    /// The etag's bytes.
    pub etag: Vec<u8>,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            fields: Map::new(),
            etag: etag::NEVER_WRITTEN.to_vec(),
        }
    }
}

impl Stored {
    /// The policy as it is answered: version 3 exactly if it has conditions.
    pub fn answer(&self) -> Value {
        let mut policy = Map::new();
        policy.insert(
            "version".to_owned(),
            json!(if is_conditional(&self.fields) { 3 } else { 1 }),
        );
        policy.insert("etag".to_owned(), json!(etag::encode(&self.etag)));
        policy.extend(self.fields.clone());
        Value::Object(policy)
    }
}

/// An earlier version's fields, and when it was replaced.
type Replaced = (Timestamp, Map<String, Value>);

/// All policies, by canonical resource name.
#[derive(Debug, Default)]
pub struct Policies {
    current: BTreeMap<String, Stored>,
    past: BTreeMap<String, VecDeque<Replaced>>,
    etags: etag::Etags,
    /// How long the index behind the searches takes to see a write.
    pub index_lag: SignedDuration,
}

impl Policies {
    /// The policy of a resource; an empty one if none was written.
    pub fn get(&self, name: &str) -> Stored {
        self.current.get(name).cloned().unwrap_or_default()
    }

    /// A view of the stored fields without a copy.
    pub fn fields(&self, name: &str) -> Option<&Map<String, Value>> {
        self.current.get(name).map(|stored| &stored.fields)
    }

    /// Stores a policy with a new etag. `version` and `etag` in `fields` are dropped.
    pub fn put(&mut self, name: &str, mut fields: Map<String, Value>, now: Timestamp) -> &Stored {
        fields.remove("version");
        fields.remove("etag");
        let former = self.current.remove(name).unwrap_or_default();
        if self.index_lag.is_positive() {
            let past = self.past.entry(name.to_owned()).or_default();
            past.push_back((now, former.fields));
            if past.len() > MOST_VERSIONS {
                past.pop_front();
            }
        } else {
            self.past.remove(name);
        }
        let etag = self.etags.next();
        self.current
            .entry(name.to_owned())
            .or_insert(Stored { fields, etag })
    }

    /// The policy as the index knows it at `now`.
    pub fn indexed(&self, name: &str, now: Timestamp) -> Option<&Map<String, Value>> {
        let seen_until = now.checked_sub(self.index_lag).unwrap_or(Timestamp::MIN);
        let unseen = self
            .past
            .get(name)
            .and_then(|past| past.iter().find(|(replaced, _)| *replaced > seen_until));
        match unseen {
            Some((_, fields)) => Some(fields),
            None => self.fields(name),
        }
    }

    /// Forgets all policies, not the lag.
    pub fn clear(&mut self) {
        self.current.clear();
        self.past.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(role: &str) -> Map<String, Value> {
        json!({"bindings": [{"role": role}], "version": 1, "etag": "x"})
            .as_object()
            .unwrap()
            .clone()
    }

    #[test]
    fn the_index_sees_a_write_after_the_lag() {
        let at = |second: i64| Timestamp::from_second(1_000 + second).unwrap();
        let mut policies = Policies {
            index_lag: SignedDuration::from_secs(60),
            ..Policies::default()
        };
        policies.put("projects/a", fields("roles/one"), at(0));
        policies.put("projects/a", fields("roles/two"), at(30));
        let role = |second: i64| {
            policies
                .indexed("projects/a", at(second))
                .and_then(|f| f.get("bindings").map(|b| b[0]["role"].clone()))
        };
        assert_eq!(role(59), None);
        assert_eq!(role(60), Some(json!("roles/one")));
        assert_eq!(role(89), Some(json!("roles/one")));
        assert_eq!(role(90), Some(json!("roles/two")));
    }

    #[test]
    fn an_answer_carries_the_storages_version_and_etag() {
        let mut policies = Policies::default();
        let first = policies
            .put("projects/a", fields("roles/one"), Timestamp::UNIX_EPOCH)
            .answer();
        let second = policies
            .put("projects/a", fields("roles/one"), Timestamp::UNIX_EPOCH)
            .answer();
        assert_eq!(first["version"], 1);
        assert_ne!(first["etag"], second["etag"]);
        assert_eq!(
            policies.get("projects/b").answer(),
            json!({"version": 1, "etag": "ACAB"})
        );
    }
}
