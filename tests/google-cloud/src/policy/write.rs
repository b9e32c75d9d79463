//! `setIamPolicy`: from a body and the stored policy to the next stored policy.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rules::{Surroundings, canonical_bindings};
use super::store::Stored;
use super::{bindings, etag, is_conditional, limits, members_of, read};
use crate::errors::ApiError;

/// Which parts of the policy a body's update mask replaces.
struct Mask {
    bindings: bool,
    audit_configs: bool,
}

/// The fields to store for a write.
///
/// # Errors
/// 400 for whatever the policy's rules refuse, 409 for an etag that is not the stored one's.
pub fn next(
    body: &Value,
    stored: &Stored,
    surroundings: &impl Surroundings,
) -> Result<Map<String, Value>, ApiError> {
    let sent = body["policy"].as_object().ok_or_else(|| {
        ApiError::invalid("Invalid value at 'policy': the policy to set is required.")
    })?;
    let mask = mask(&body["updateMask"])?;
    let version = match read::integer(sent.get("version").unwrap_or(&Value::Null)) {
        Some(version @ (0 | 1 | 3)) => version,
        _ => {
            return Err(ApiError::invalid(
                "Invalid policy version: valid values are 0, 1 and 3.",
            ));
        }
    };
    let expected = expected_etag(sent)?;
    let mut fields = merged(sent, stored, &mask)?;
    let known: BTreeSet<String> = bindings(&stored.fields)
        .iter()
        .flat_map(members_of)
        .map(str::to_owned)
        .collect();
    let canonical = canonical_bindings(bindings(&fields), &known, surroundings)?;
    if canonical.is_empty() {
        fields.remove("bindings");
    } else {
        fields.insert("bindings".to_owned(), Value::Array(canonical));
    }
    limits::check(&fields)?;
    // Versions before conditions knew none: with an etag Google refuses them on a policy that has some. A blind
    // overwrite is allowed and loses every condition that the caller did not know of.
    if let Some(expected) = &expected
        && *expected != stored.etag
    {
        return Err(stale(expected, &stored.etag));
    }
    if version < 3 && expected.is_some() && is_conditional(&stored.fields) {
        return Err(ApiError::invalid(format!(
            "Specified policy version ({version}) cannot be less than the existing policy version (3). For more \
             information, please refer to https://cloud.google.com/iam/docs/policies#versions."
        )));
    }
    if version < 3 && mask.bindings && is_conditional(&fields) {
        return Err(ApiError::invalid(format!(
            "Specified policy version ({version}) does not allow conditions: a policy with conditional role bindings must have version 3."
        )));
    }
    Ok(fields)
}

fn mask(value: &Value) -> Result<Mask, ApiError> {
    let text = match value {
        Value::Null => "",
        Value::String(text) => text,
        _ => {
            return Err(ApiError::invalid(
                "Invalid value at 'update_mask': it must be a string of field names.",
            ));
        }
    };
    if text.is_empty() {
        return Ok(Mask {
            bindings: true,
            audit_configs: false,
        });
    }
    let mut mask = Mask {
        bindings: false,
        audit_configs: false,
    };
    for path in text.split(',') {
        match path.trim().trim_start_matches("policy.") {
            "bindings" => mask.bindings = true,
            "auditConfigs" | "audit_configs" => mask.audit_configs = true,
            "etag" | "version" => {}
            "*" => {
                mask = Mask {
                    bindings: true,
                    audit_configs: true,
                }
            }
            other => {
                return Err(ApiError::invalid(format!(
                    "Invalid update_mask path: {other}."
                )));
            }
        }
    }
    Ok(mask)
}

/// The etag that the caller read; none for a blind overwrite.
fn expected_etag(sent: &Map<String, Value>) -> Result<Option<Vec<u8>>, ApiError> {
    match sent.get("etag") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => etag::decode(text).map(Some).ok_or_else(|| {
            ApiError::invalid(format!(
                "Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"{text}\""
            ))
        }),
        Some(_) => Err(ApiError::invalid(
            "Invalid value at 'policy.etag' (TYPE_BYTES)",
        )),
    }
}

fn stale(expected: &[u8], current: &[u8]) -> ApiError {
    ApiError::new(
        409,
        format!(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. \
             The request's ETag '{}' did not match the current policy's ETag '{}'.",
            etag::escaped(expected),
            etag::escaped(current)
        ),
    )
}

/// Stored fields, with those that the mask names taken from the body. Fields that this program does not know stay,
/// and may be written.
fn merged(
    sent: &Map<String, Value>,
    stored: &Stored,
    mask: &Mask,
) -> Result<Map<String, Value>, ApiError> {
    let mut fields = stored.fields.clone();
    for (name, value) in sent {
        match name.as_str() {
            "etag" | "version" | "bindings" | "auditConfigs" => {}
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, wanted) in [
        ("bindings", mask.bindings),
        ("auditConfigs", mask.audit_configs),
    ] {
        if !wanted {
            continue;
        }
        match sent.get(name) {
            None | Some(Value::Null) => {
                fields.remove(name);
            }
            Some(list @ Value::Array(items)) => {
                if items.is_empty() {
                    fields.remove(name);
                } else {
                    fields.insert(name.to_owned(), list.clone());
                }
            }
            Some(_) => {
                return Err(ApiError::invalid(format!(
                    "Invalid value at 'policy.{name}': it must be a list."
                )));
            }
        }
    }
    if mask.audit_configs
        && let Some(configs) = fields.get_mut("auditConfigs")
    {
        name_log_types(configs);
    }
    Ok(fields)
}

/// Clients with integer enumerations send `logType` as a number; it is stored by its name.
fn name_log_types(configs: &mut Value) {
    let configs = configs.as_array_mut().into_iter().flatten();
    let logs = configs.filter_map(|config| {
        config
            .get_mut("auditLogConfigs")
            .and_then(Value::as_array_mut)
    });
    for kind in logs.flatten().filter_map(|log| log.get_mut("logType")) {
        let name = match kind.as_i64() {
            Some(1) => "ADMIN_READ",
            Some(2) => "DATA_WRITE",
            Some(3) => "DATA_READ",
            _ => continue,
        };
        *kind = json!(name);
    }
}
