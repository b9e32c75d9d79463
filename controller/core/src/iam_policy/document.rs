//! The JSON of an allow policy (Resource Manager v3, `Policy`).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::member::same_user;

/// An allow policy. Fields that are not named here are kept in `rest`. `null` and empty values of
/// named fields vanish, as they do in Google's own JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Form of the policy: 3 once a binding has a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Version of the content, base64: what a write must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The bindings, in Google's order, the unreadable ones among them.
    #[serde(
        rename = "bindings",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub entries: Vec<Entry>,
    /// All other fields, `auditConfigs` among them.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Policy {
    /// The bindings that can be read, in order.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.entries.iter().filter_map(Entry::binding)
    }

    /// Whether the member holds the role for ever: a binding without a condition names it.
    /// `member` is `user:` and an address.
    #[must_use]
    pub fn unconditional(&self, role: &str, member: &str) -> bool {
        self.bindings().any(|binding| {
            binding.role == role
                && binding.is_unconditional()
                && binding.members.iter().any(|other| same_user(other, member))
        })
    }
}

/// One element of `bindings`.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A binding.
    Binding(Binding),
    /// Something else, which is passed through as it is and spoils nothing.
    Unreadable {
        /// The element.
        value: Value,
        /// Why it is not a binding.
        reason: String,
    },
}

impl Entry {
    /// The binding, if it can be read.
    #[must_use]
    pub fn binding(&self) -> Option<&Binding> {
        match self {
            Self::Binding(binding) => Some(binding),
            Self::Unreadable { .. } => None,
        }
    }

    pub(super) fn binding_mut(&mut self) -> Option<&mut Binding> {
        match self {
            Self::Binding(binding) => Some(binding),
            Self::Unreadable { .. } => None,
        }
    }
}

impl From<Binding> for Entry {
    fn from(binding: Binding) -> Self {
        Self::Binding(binding)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Binding(binding) => binding.serialize(serializer),
            Self::Unreadable { value, .. } => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match Binding::deserialize(&value) {
            Ok(binding) => Self::Binding(binding),
            Err(error) => Self::Unreadable {
                value,
                reason: error.to_string(),
            },
        })
    }
}

/// Members who hold a role, under a condition or for ever.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Such as `roles/compute.viewer`.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub role: String,
    /// Such as `user:alice@example.com` or `group:ops@example.com`.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub members: Vec<String>,
    /// When the role is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// All other fields.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Binding {
    /// Title of the condition; empty without one.
    #[must_use]
    pub fn title(&self) -> &str {
        self.condition
            .as_ref()
            .map_or("", |condition| condition.title.as_str())
    }

    /// Expression of the condition; empty without one.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.condition
            .as_ref()
            .map_or("", |condition| condition.expression.as_str())
    }

    /// Whether nothing restricts the binding. A condition without an expression restricts nothing.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.expression().trim().is_empty()
    }
}

/// The condition of a binding (`google.type.Expr`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Whose binding it is, see [`super::request_of_title`].
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub title: String,
    /// For people.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// CEL.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub expression: String,
    /// All other fields, `location` among them.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// In the JSON of protocol buffers `null` is the same as an absent field.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Policy {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn unknown_fields_survive_at_every_level() {
        let policy = json!({
            "version": 3, "etag": "BwZg7ZfUfYQ=", "kind": "x", "rules": [{"a": null}],
            "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": 3, "new": []}]}],
            "bindings": [{
                "role": "roles/a", "members": ["user:ä@example.com"], "bindingId": {"n": 1.5},
                "condition": {"title": "t", "description": "d", "expression": "true", "location": "l", "x": [null]}
            }]
        });
        assert_eq!(serde_json::to_value(read(&policy)).unwrap(), policy);
        assert_eq!(read(&policy).bindings().count(), 1);
    }

    #[test]
    fn what_is_no_binding_passes_through_and_spoils_nothing() {
        let odd = [
            json!(null),
            json!("roles/a"),
            json!([]),
            json!({"role": 7}),
            json!({"role": "roles/a", "members": "user:alice@example.com"}),
            json!({"role": "roles/a", "members": [1]}),
            json!({"role": "roles/a", "condition": "true"}),
            json!({"role": "roles/a", "condition": {"title": {}, "expression": "true"}}),
        ];
        for element in odd {
            let policy = json!({"bindings": [element, {"role": "roles/b", "members": ["user:b@example.com"]}]});
            let read = read(&policy);
            assert!(
                matches!(&read.entries[0], Entry::Unreadable { reason, .. } if !reason.is_empty()),
                "{element}"
            );
            assert!(
                read.unconditional("roles/b", "user:b@example.com"),
                "{element}"
            );
            assert_eq!(serde_json::to_value(&read).unwrap(), policy);
        }
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let policy = read(&json!({"version": null, "etag": null, "bindings": null}));
        assert_eq!(policy, Policy::default());
        let policy = read(
            &json!({"bindings": [{"role": "roles/a", "members": ["user:a@example.com"], "condition": null}]}),
        );
        assert!(policy.unconditional("roles/a", "user:A@example.com"));
        let policy = read(
            &json!({"bindings": [{"role": null, "members": null, "condition": {"title": null}}]}),
        );
        assert_eq!(policy.bindings().count(), 1);
    }

    #[test]
    fn unconditional_is_who_is_named_without_a_condition() {
        let policy = read(&json!({"bindings": [
            {"role": "roles/a", "members": ["group:g@example.com", "user:Alice@example.com"]},
            {"role": "roles/b", "members": ["user:alice@example.com"], "condition": {"expression": "true"}},
            {"role": "roles/c", "members": ["deleted:user:alice@example.com?uid=1", "group:alice@example.com"]},
            {"role": "roles/d", "members": ["user:alice@example.com"], "condition": {"title": "nothing", "expression": " "}},
        ]}));
        let alice = "user:alice@example.com";
        assert!(policy.unconditional("roles/a", alice));
        assert!(!policy.unconditional("roles/A", alice));
        assert!(!policy.unconditional("roles/a", "user:bob@example.com"));
        assert!(!policy.unconditional("roles/b", alice));
        assert!(!policy.unconditional("roles/c", alice));
        assert!(policy.unconditional("roles/d", alice));
    }
}
