//! `getIamPolicy`: what a caller of an older policy version gets to see.

use serde_json::{Map, Value, json};

use super::store::Stored;
use super::{expression, is_conditional};
use crate::errors::ApiError;
use crate::paging::fnv1a;
use crate::world::LowVersionReads;

/// The version that a body asks for: `options.requestedPolicyVersion`, 0 when absent.
///
/// # Errors
/// 400 for anything but 0, 1 and 3.
pub fn requested_version(body: &Value) -> Result<i64, ApiError> {
    let version = integer(&body["options"]["requestedPolicyVersion"]);
    match version {
        Some(version @ (0 | 1 | 3)) => Ok(version),
        _ => Err(ApiError::invalid(
            "Invalid requested_policy_version: valid values are 0, 1 and 3.",
        )),
    }
}

/// An `int32` of proto3's JSON: a number, a number in a string, or absent.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The answer to a read.
///
/// # Errors
/// 400 where the world says that low versions are refused.
pub fn view(stored: &Stored, version: i64, low: LowVersionReads) -> Result<Value, ApiError> {
    if version >= 3 || !is_conditional(&stored.fields) {
        return Ok(stored.answer());
    }
    if low == LowVersionReads::Refuse {
        return Err(ApiError::invalid(format!(
            "Requested policy version ({version}) cannot be less than the existing policy version (3). For more \
             information, please refer to https://cloud.google.com/iam/docs/policies#versions."
        )));
    }
    let mut answer = stored.answer();
    answer["version"] = json!(1);
    if let Some(bindings) = answer["bindings"].as_array_mut() {
        bindings.iter_mut().for_each(without_condition);
    }
    Ok(answer)
}

/// Replaces a condition by a suffix of the role: `roles/x_withcond_<20 hexadecimal digits>`.
fn without_condition(binding: &mut Value) {
    if expression(binding).is_none() {
        return;
    }
    let Some(fields) = binding.as_object_mut() else {
        return;
    };
    let condition = fields
        .remove("condition")
        .unwrap_or(Value::Null)
        .to_string();
    let hash = format!(
        "{:016x}{:04x}",
        fnv1a(condition.as_bytes()),
        fnv1a(condition.as_bytes()) % 0x1_0000
    );
    let role = role_of(fields);
    fields.insert("role".to_owned(), json!(format!("{role}_withcond_{hash}")));
}

fn role_of(fields: &Map<String, Value>) -> String {
    fields
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        let fields = json!({"bindings": [
            {"role": "roles/a", "members": ["user:a@x.com"], "condition": {"title": "t", "expression": "true"}},
            {"role": "roles/b", "members": ["user:a@x.com"]},
        ]});
        Stored {
            fields: fields.as_object().unwrap().clone(),
            ..Stored::default()
        }
    }

    #[test]
    fn below_version_3_the_condition_is_hidden_in_the_role() {
        let seen = view(&stored(), 1, LowVersionReads::Withcond).unwrap();
        assert_eq!(seen["version"], 1);
        let role = seen["bindings"][0]["role"].as_str().unwrap();
        let digits = role.strip_prefix("roles/a_withcond_").unwrap();
        assert!(
            digits.len() == 20 && digits.chars().all(|c| c.is_ascii_hexdigit()),
            "{role}"
        );
        assert_eq!(seen["bindings"][0].get("condition"), None);
        assert_eq!(seen["bindings"][1]["role"], "roles/b");
        assert_eq!(
            view(&stored(), 3, LowVersionReads::Withcond).unwrap()["version"],
            3
        );
    }

    #[test]
    fn or_the_read_is_refused() {
        let error = view(&stored(), 0, LowVersionReads::Refuse).unwrap_err();
        assert!(error.message.starts_with(
            "Requested policy version (0) cannot be less than the existing policy version (3)."
        ));
    }

    #[test]
    fn versions_other_than_0_1_3_are_refused() {
        assert_eq!(
            requested_version(&json!({"options": {"requestedPolicyVersion": "3"}})).unwrap(),
            3
        );
        assert_eq!(requested_version(&Value::Null).unwrap(), 0);
        for bad in [json!(2), json!(4), json!(-1), json!("x"), json!(true)] {
            assert!(
                requested_version(&json!({"options": {"requestedPolicyVersion": bad}})).is_err()
            );
        }
    }
}
