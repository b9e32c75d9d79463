//! What makes a binding acceptable, and how Google writes it down.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{expression, members, members_of, role};
use crate::conditions;
use crate::errors::ApiError;

/// Roles that take no conditions.
const BASIC_ROLES: [&str; 3] = ["roles/owner", "roles/editor", "roles/viewer"];

/// What the rules must know about the rest of the world.
pub trait Surroundings {
    /// Whether the role can be granted on the resource at hand.
    fn is_grantable(&self, role: &str) -> bool;
    /// Whether an account or group of this name exists.
    fn exists(&self, member: &str) -> bool;
}

/// Checks bindings and returns them as they are stored: e-mails in lower case, members once, bindings of equal role and
/// condition as one. The order stays as it was sent (assumed; Google's own is not known).
///
/// # Errors
/// 400 with the sentence for the first thing that is wrong.
pub fn canonical_bindings(
    sent: &[Value],
    known_members: &BTreeSet<String>,
    surroundings: &impl Surroundings,
) -> Result<Vec<Value>, ApiError> {
    let mut canonical: Vec<Value> = Vec::with_capacity(sent.len());
    // Positions by role and expression: a policy may have hundreds of bindings of one role.
    let mut positions: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for binding in sent {
        let binding = canonical_binding(binding, known_members, surroundings)?;
        let key = (
            role(&binding).to_owned(),
            expression(&binding).unwrap_or_default().to_owned(),
        );
        let alike = positions.entry(key).or_default();
        let same = alike
            .iter()
            .copied()
            .find(|at| canonical[*at].get("condition") == binding.get("condition"));
        match same {
            Some(at) => merge_members(&mut canonical[at], &binding),
            None => {
                alike.push(canonical.len());
                canonical.push(binding);
            }
        }
    }
    Ok(canonical)
}

fn canonical_binding(
    sent: &Value,
    known_members: &BTreeSet<String>,
    surroundings: &impl Surroundings,
) -> Result<Value, ApiError> {
    let mut binding = sent.as_object().cloned().ok_or_else(|| {
        ApiError::invalid("Invalid value at 'policy.bindings': a binding must be an object.")
    })?;
    let name = binding
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() {
        return Err(ApiError::invalid(
            "Role name must not be empty in a binding.",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for member in member_texts(&binding)? {
        let member = members::canonical(member)?;
        if !known_members.contains(&member) && !surroundings.exists(&member) {
            return Err(ApiError::invalid(missing(&member)));
        }
        if seen.insert(member.clone()) {
            list.push(json!(member));
        }
    }
    if list.is_empty() {
        return Err(ApiError::invalid(format!(
            "The binding of the role {name} must have at least one member."
        )));
    }
    if !surroundings.is_grantable(&name) {
        return Err(ApiError::invalid(format!(
            "Role {name} is not supported for this resource."
        )));
    }
    binding.insert("members".to_owned(), Value::Array(list));
    match binding.remove("condition") {
        None | Some(Value::Null) => {}
        Some(condition) => {
            binding.insert(
                "condition".to_owned(),
                canonical_condition(&condition, &name)?,
            );
        }
    }
    Ok(Value::Object(binding))
}

fn member_texts(binding: &Map<String, Value>) -> Result<Vec<&str>, ApiError> {
    let wrong = || {
        ApiError::invalid(
            "Invalid value at 'policy.bindings.members': members must be a list of strings.",
        )
    };
    match binding.get("members") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|member| member.as_str().ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// The sentence for an account that does not exist.
fn missing(member: &str) -> String {
    let (kind, email) = member.split_once(':').unwrap_or(("", member));
    let word = match kind {
        "group" => "Group",
        "serviceAccount" => "Service account",
        _ => "User",
    };
    format!("{word} {email} does not exist.")
}

fn canonical_condition(sent: &Value, role: &str) -> Result<Value, ApiError> {
    let wrong = || {
        ApiError::invalid(
            "Invalid value at 'policy.bindings.condition': expression, title, description and location must be strings.",
        )
    };
    let mut condition = sent.as_object().cloned().ok_or_else(wrong)?;
    if ["expression", "title", "description", "location"]
        .iter()
        .any(|field| {
            condition
                .get(*field)
                .is_some_and(|value| !value.is_string() && !value.is_null())
        })
    {
        return Err(wrong());
    }
    // proto3: a default is not written.
    condition.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    if BASIC_ROLES.contains(&role) {
        return Err(ApiError::invalid(
            "Conditions can't be set on primitive roles",
        ));
    }
    let source = condition
        .get("expression")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let program = conditions::compile(source).map_err(|reason| {
        ApiError::invalid(format!(
            "Condition expression compilation failed for the role {role}: {reason}"
        ))
    })?;
    let operators = conditions::logical_operators(&program);
    if operators > conditions::MOST_LOGICAL_OPERATORS {
        return Err(ApiError::invalid(format!(
            "Logical operators count must not be more than {}, the condition for the role {role} has {operators}.",
            conditions::MOST_LOGICAL_OPERATORS
        )));
    }
    Ok(Value::Object(condition))
}

fn merge_members(into: &mut Value, from: &Value) {
    let present: BTreeSet<String> = members_of(into).map(str::to_owned).collect();
    let more = members_of(from)
        .filter(|member| !present.contains(*member))
        .map(|member| json!(member));
    if let Some(list) = into["members"].as_array_mut() {
        list.extend(more);
    }
}

/// Who holds what in a list of bindings: role, condition and member of each, for telling what a write changes.
pub fn holdings(bindings: &[Value]) -> BTreeSet<(String, String, String)> {
    bindings
        .iter()
        .flat_map(|binding| {
            let condition = expression(binding)
                .map(|_| binding["condition"].to_string())
                .unwrap_or_default();
            members_of(binding)
                .map(|member| {
                    (
                        role(binding).to_owned(),
                        condition.clone(),
                        member.to_ascii_lowercase(),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Everybody;
    impl Surroundings for Everybody {
        fn is_grantable(&self, role: &str) -> bool {
            role.starts_with("roles/")
        }
        fn exists(&self, member: &str) -> bool {
            !member.contains("nobody")
        }
    }

    fn canonical(bindings: &Value) -> Result<Value, String> {
        canonical_bindings(bindings.as_array().unwrap(), &BTreeSet::new(), &Everybody)
            .map(Value::Array)
            .map_err(|error| error.message)
    }

    #[test]
    fn equal_role_and_condition_become_one_binding() {
        let condition = json!({"title": "t", "expression": "true", "description": ""});
        let merged = canonical(&json!([
            {"role": "roles/a", "members": ["user:B@x.com", "user:b@x.com"], "unknownField": 1},
            {"role": "roles/a", "members": ["user:c@x.com"], "condition": condition},
            {"role": "roles/a", "members": ["user:a@x.com", "user:b@x.com"], "condition": null},
        ]));
        assert_eq!(
            merged.unwrap(),
            json!([
                {"role": "roles/a", "members": ["user:b@x.com", "user:a@x.com"], "unknownField": 1},
                {"role": "roles/a", "members": ["user:c@x.com"], "condition": {"title": "t", "expression": "true"}},
            ])
        );
    }

    #[test]
    fn each_wrong_binding_has_its_sentence() {
        let member = json!(["user:a@x.com"]);
        let with = |role: &str, condition: Value| json!([{"role": role, "members": ["user:a@x.com"], "condition": condition}]);
        let busy = vec!["true"; 14].join(" && ");
        for (bindings, sentence) in [
            (
                json!([{"role": "", "members": member}]),
                "Role name must not be empty",
            ),
            (
                json!([{"role": "custom/x", "members": member}]),
                "Role custom/x is not supported for this resource.",
            ),
            (
                json!([{"role": "roles/a", "members": []}]),
                "at least one member",
            ),
            (json!([{"role": "roles/a"}]), "at least one member"),
            (
                json!([{"role": "roles/a", "members": [""]}]),
                "unknown type",
            ),
            (
                json!([{"role": "roles/a", "members": "user:a@x.com"}]),
                "list of strings",
            ),
            (
                json!([{"role": "roles/a", "members": ["user:nobody@x.com"]}]),
                "User nobody@x.com does not exist.",
            ),
            (
                json!([{"role": "roles/a", "members": ["group:nobody@x.com"]}]),
                "Group nobody@x.com does not exist.",
            ),
            (
                with("roles/owner", json!({"expression": "true"})),
                "Conditions can't be set on primitive roles",
            ),
            (with("roles/a", json!({"title": "t"})), "compilation failed"),
            (
                with("roles/a", json!({"expression": "true &&"})),
                "compilation failed",
            ),
            (
                with("roles/a", json!({"expression": busy})),
                "must not be more than 12, the condition for the role roles/a has 13",
            ),
            (with("roles/a", json!({"expression": 1})), "must be strings"),
            (json!(["roles/a"]), "must be an object"),
        ] {
            let error = canonical(&bindings).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn twelve_operators_pass() {
        let condition = json!({"expression": vec!["true"; 13].join(" && ")});
        assert!(
            canonical(
                &json!([{"role": "roles/a", "members": ["user:a@x.com"], "condition": condition}])
            )
            .is_ok()
        );
    }

    #[test]
    fn who_was_there_before_may_stay() {
        let known = BTreeSet::from(["user:nobody@x.com".to_owned()]);
        let bindings = json!([{"role": "roles/a", "members": ["user:nobody@x.com"]}]);
        assert!(canonical_bindings(bindings.as_array().unwrap(), &known, &Everybody).is_ok());
    }
}
