//! The limits of an allow policy, as IAM's quota page states them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{bindings, expression, members_of, role};
use crate::errors::ApiError;

/// Principals over all bindings and audit exemptions, counted per appearance.
pub const MOST_PRINCIPALS: usize = 1_500;
/// Domains, counted per appearance, and distinct groups together.
pub const MOST_GROUPS: usize = 250;
/// Bindings of one role and one principal that differ in their condition.
pub const MOST_SAME_ROLE_AND_PRINCIPAL: usize = 20;

/// Checks a canonical policy.
///
/// # Errors
/// 400 for what exceeds a limit. The first sentence is Google's, the others are built after it.
pub fn check(policy: &Map<String, Value>) -> Result<(), ApiError> {
    let exempted = audit_exemptions(policy);
    let principals: usize = bindings(policy)
        .iter()
        .map(|binding| members_of(binding).count())
        .sum::<usize>()
        + exempted.len();
    if principals > MOST_PRINCIPALS {
        return Err(too_many("members", principals, MOST_PRINCIPALS));
    }
    let all = || {
        bindings(policy)
            .iter()
            .flat_map(members_of)
            .chain(exempted.iter().copied())
    };
    let groups: BTreeSet<&str> = all()
        .filter(|member| member.starts_with("group:"))
        .collect();
    let collective = groups.len() + all().filter(|member| member.starts_with("domain:")).count();
    if collective > MOST_GROUPS {
        return Err(too_many("domains and groups", collective, MOST_GROUPS));
    }
    let mut conditional: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for binding in bindings(policy)
        .iter()
        .filter(|binding| expression(binding).is_some())
    {
        for member in members_of(binding) {
            let count = conditional.entry((role(binding), member)).or_default();
            *count += 1;
            if *count > MOST_SAME_ROLE_AND_PRINCIPAL {
                return Err(ApiError::invalid(format!(
                    "The number of role bindings with the role {} and the member {member} but different conditions ({count}) \
                     is larger than the maximum allowed {MOST_SAME_ROLE_AND_PRINCIPAL}.",
                    role(binding)
                )));
            }
        }
    }
    Ok(())
}

fn too_many(what: &str, count: usize, limit: usize) -> ApiError {
    ApiError::invalid(format!(
        "The number of {what} in the policy ({}) is larger than the maximum allowed size {}.",
        thousands(count),
        thousands(limit)
    ))
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

fn audit_exemptions(policy: &Map<String, Value>) -> Vec<&str> {
    policy
        .get("auditConfigs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|config| config["auditLogConfigs"].as_array())
        .flatten()
        .filter_map(|config| config["exemptedMembers"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(kind: &str, count: usize) -> Vec<String> {
        (0..count)
            .map(|n| format!("{kind}:m{n}@example.com"))
            .collect()
    }

    fn checked(policy: &Value) -> Result<(), String> {
        check(policy.as_object().unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn principals_count_per_appearance_audit_exemptions_included() {
        let policy = |count: usize, exempted: usize| {
            json!({
                "bindings": [{"role": "roles/a", "members": members("user", count)}, {"role": "roles/b", "members": members("user", 700)}],
                "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": members("user", exempted)}]}],
            })
        };
        assert_eq!(checked(&policy(790, 10)), Ok(()));
        assert_eq!(
            checked(&policy(790, 11)).unwrap_err(),
            "The number of members in the policy (1,501) is larger than the maximum allowed size 1,500."
        );
    }

    #[test]
    fn groups_count_once_domains_each_time() {
        let policy = |groups: usize, domains: usize| {
            let mut domain = vec![
                json!({"role": "roles/a", "members": members("group", groups)}),
                json!({"role": "roles/b", "members": members("group", groups)}),
            ];
            domain.extend((0..domains).map(
                |n| json!({"role": format!("roles/d{n}"), "members": ["domain:example.com"]}),
            ));
            json!({"bindings": domain})
        };
        assert_eq!(checked(&policy(248, 2)), Ok(()));
        assert!(checked(&policy(248, 3)).unwrap_err().contains("(251)"));
    }

    #[test]
    fn twenty_conditions_for_the_same_role_and_principal() {
        let policy = |count: usize| {
            let bindings: Vec<Value> = (0..count)
                .map(|n| json!({"role": "roles/a", "members": ["user:a@x.com"], "condition": {"expression": format!("{n} == 1")}}))
                .collect();
            json!({"bindings": bindings})
        };
        assert_eq!(checked(&policy(20)), Ok(()));
        assert!(
            checked(&policy(21))
                .unwrap_err()
                .contains("(21) is larger than the maximum allowed 20")
        );
    }
}
