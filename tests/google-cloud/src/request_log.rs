//! The log of Google calls, for tests to assert on.

use std::collections::VecDeque;

use axum::body::Bytes;
use serde_json::{Value, json};

const MOST_ENTRIES: usize = 100_000;
/// Bodies are kept as bytes; with these many the oldest entries go.
const MOST_BYTES: usize = 256 << 20;

/// One answered (or never answered) call.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Position, from 1.
    pub seq: u64,
    /// The simulated time of the answer.
    pub time: String,
    /// `projects.setIamPolicy`, `groups.memberships.searchTransitiveGroups`, …
    pub method: String,
    /// Canonical resource name, or the account of a group look-up.
    pub resource: String,
    /// HTTP status; 0 when the call was not answered.
    pub status: u16,
    /// The caller.
    pub principal: String,
    /// `x-goog-request-reason`.
    pub reason: Option<String>,
    /// The body of a call that writes.
    pub body: Bytes,
    /// The fault that hit the call.
    pub fault: Option<String>,
}

impl Entry {
    fn answer(&self) -> Value {
        let mut entry = json!({
            "seq": self.seq,
            "time": self.time,
            "method": self.method,
            "resource": self.resource,
            "status": self.status,
            "principal": self.principal,
            "requestReason": self.reason,
        });
        if !self.body.is_empty() {
            entry["body"] = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        }
        if let Some(fault) = &self.fault {
            entry["fault"] = json!(fault);
        }
        entry
    }
}

/// The most recent calls.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
}

impl RequestLog {
    /// Adds a call; its `seq` is given here.
    pub fn push(&mut self, mut entry: Entry) {
        self.last += 1;
        entry.seq = self.last;
        self.bytes += entry.body.len();
        self.entries.push_back(entry);
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.body.len();
        }
    }

    /// The entries after a position, and the last position.
    pub fn after(&self, seq: u64) -> Value {
        let start = self.entries.partition_point(|entry| entry.seq <= seq);
        let entries: Vec<Value> = self.entries.range(start..).map(Entry::answer).collect();
        json!({"entries": entries, "last": self.last})
    }

    /// Forgets the entries; positions go on counting.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            seq: 0,
            time: String::new(),
            method: "projects.get".into(),
            resource: "projects/a".into(),
            status: 200,
            principal: String::new(),
            reason: None,
            body: Bytes::from_static(b"{}"),
            fault: None,
        }
    }

    #[test]
    fn the_oldest_entries_go_and_positions_stay() {
        let mut log = RequestLog::default();
        (0..MOST_ENTRIES + 5).for_each(|_| log.push(entry()));
        assert_eq!(log.entries.len(), MOST_ENTRIES);
        assert_eq!(log.bytes, 2 * MOST_ENTRIES);
        let tail = log.after(u64::try_from(MOST_ENTRIES).unwrap() + 3);
        assert_eq!(tail["entries"].as_array().unwrap().len(), 2);
        assert_eq!(tail["last"], MOST_ENTRIES + 5);
        log.clear();
        log.push(entry());
        assert_eq!(log.after(0)["entries"][0]["seq"], MOST_ENTRIES + 6);
    }
}
