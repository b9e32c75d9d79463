//! Allow policies: how they are stored, read, checked and written.

pub mod etag;
pub mod limits;
pub mod members;
pub mod read;
pub mod rules;
pub mod store;
pub mod write;

use serde_json::{Map, Value};

/// The bindings of a policy; none when the field is absent or no list.
pub fn bindings(policy: &Map<String, Value>) -> &[Value] {
    policy
        .get("bindings")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A binding's role; empty when absent.
pub fn role(binding: &Value) -> &str {
    binding["role"].as_str().unwrap_or_default()
}

/// A binding's members.
pub fn members_of(binding: &Value) -> impl Iterator<Item = &str> {
    binding["members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The expression of a binding's condition, if it has one.
pub fn expression(binding: &Value) -> Option<&str> {
    binding
        .get("condition")
        .filter(|condition| condition.is_object())
        .map(|condition| condition["expression"].as_str().unwrap_or_default())
}

/// Whether any binding has a condition.
pub fn is_conditional(policy: &Map<String, Value>) -> bool {
    bindings(policy)
        .iter()
        .any(|binding| expression(binding).is_some())
}
