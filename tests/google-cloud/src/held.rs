//! Calls that a fault holds until a test releases them.

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::faults::Phase;

/// One stopped call.
#[derive(Debug)]
struct HeldCall {
    id: String,
    method: String,
    resource: String,
    phase: Phase,
    release: oneshot::Sender<()>,
}

/// The stopped calls, in the order of their arrival. They stay when their client leaves: a server would not know.
#[derive(Debug, Default)]
pub struct Held {
    calls: Vec<HeldCall>,
    made: u64,
}

impl Held {
    /// Adds a call; the receiver ends when it is released.
    pub fn add(&mut self, method: &str, resource: &str, phase: Phase) -> oneshot::Receiver<()> {
        let (release, released) = oneshot::channel();
        self.made += 1;
        let id = format!("call-{}", self.made);
        self.calls.push(HeldCall {
            id,
            method: method.to_owned(),
            resource: resource.to_owned(),
            phase,
            release,
        });
        released
    }

    /// Releases one call, or all. Returns how many.
    pub fn release(&mut self, id: Option<&str>) -> usize {
        let (go, stay): (Vec<_>, Vec<_>) = self
            .calls
            .drain(..)
            .partition(|call| id.is_none_or(|id| id == call.id));
        self.calls = stay;
        let count = go.len();
        for call in go {
            // The call's task waits for this; it cannot have ended before.
            let _ = call.release.send(());
        }
        count
    }

    /// As the control API answers it.
    pub fn answer(&self) -> Value {
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|call| json!({"id": call.id, "method": call.method, "resource": call.resource, "hold": call.phase}))
            .collect();
        json!({"held": calls})
    }
}
