//! AccessRequests as a person writes them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// A manifest in the making. What is not said has a value that is accepted.
#[derive(Debug, Clone)]
pub struct Request {
    name: String,
    annotations: BTreeMap<String, String>,
    spec: Value,
}

impl Request {
    /// A request for one role on a resource, for ten minutes.
    #[must_use]
    pub fn new(name: &str, requester: &str, resource: &str, role: &str) -> Self {
        Self {
            name: name.to_owned(),
            annotations: BTreeMap::new(),
            spec: json!({
                "requester": requester,
                "resource": resource,
                "roles": [role],
                "justification": "CASE-1: a test",
                "duration": "10m",
            }),
        }
    }

    /// The request's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for this role too.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        if let Some(roles) = self.spec["roles"].as_array_mut() {
            roles.push(role.into());
        }
        self
    }

    /// For how long, such as `3s`.
    #[must_use]
    pub fn duration(self, duration: &str) -> Self {
        self.field("duration", duration)
    }

    /// Why.
    #[must_use]
    pub fn justification(self, justification: &str) -> Self {
        self.field("justification", justification)
    }

    /// From when on, such as `2026-11-23T20:00:00Z`.
    #[must_use]
    pub fn start_time(self, time: &str) -> Self {
        self.field("startTime", time)
    }

    /// Narrowed by this condition.
    #[must_use]
    pub fn condition(self, condition: &str) -> Self {
        self.field("condition", condition)
    }

    /// To be approved by one of these people.
    #[must_use]
    pub fn reviewers(self, reviewers: &[&str]) -> Self {
        self.field("reviewers", reviewers)
    }

    /// With this annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Any field of the spec, also one that does not exist; null removes it.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl serde::Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) => {
                if let Some(spec) = self.spec.as_object_mut() {
                    spec.remove(name);
                }
            }
            Ok(value) => self.spec[name] = value,
            // Strings, lists and JSON values, which tests pass, always are JSON.
            Err(_) => {}
        }
        self
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> Value {
        json!({
            "apiVersion": "jit-access.dev/v1alpha1",
            "kind": "AccessRequest",
            "metadata": {"name": self.name, "annotations": self.annotations},
            "spec": self.spec,
        })
    }
}

impl fmt::Display for Request {
    /// The manifest as JSON with escapes: kubectl's YAML reader refuses some characters where they stand
    /// for themselves, so that the API server would never see them. It knows no surrogate pairs, but takes
    /// what would need one as it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.manifest().to_string().chars() {
            match u32::from(character) {
                code @ 0x7f..=0xffff => write!(formatter, "\\u{code:04x}")?,
                _ => write!(formatter, "{character}")?,
            }
        }
        Ok(())
    }
}
