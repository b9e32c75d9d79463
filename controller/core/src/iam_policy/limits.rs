//! Google's limits on one policy, counted before a write so that a refusal can say the number.

use std::collections::HashSet;

use serde_json::Value;

use super::add_refused::{AddRefused, CONDITIONS, GROUPS, PRINCIPALS};
use super::document::{Entry, Policy};
use super::grant_binding::GrantBinding;
use super::member::{group_of, same_user};

/// Checks the policy as it would be after `added` was added.
pub(super) fn check(policy: &Policy, added: &[&GrantBinding]) -> Result<(), AddRefused> {
    let Some(first) = added.first() else {
        return Ok(());
    };
    let resource = || first.resource.clone();
    let count = principals(policy);
    if count > PRINCIPALS {
        return Err(AddRefused::Principals {
            resource: resource(),
            count,
        });
    }
    let count = groups_and_domains(policy);
    if count > GROUPS {
        return Err(AddRefused::Groups {
            resource: resource(),
            count,
        });
    }
    for binding in added {
        let count = conditions(policy, &binding.role, &binding.member);
        if count > CONDITIONS {
            return Err(AddRefused::Conditions {
                resource: resource(),
                role: binding.role.clone(),
                member: binding.member.clone(),
                count,
            });
        }
    }
    Ok(())
}

fn principals(policy: &Policy) -> usize {
    let in_bindings: usize = policy
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Binding(binding) => binding.members.len(),
            Entry::Unreadable { value, .. } => elements(value, "members").len(),
        })
        .sum();
    let exempted: usize = policy
        .rest
        .get("auditConfigs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .flat_map(|config| elements(config, "auditLogConfigs"))
        .map(|config| elements(config, "exemptedMembers").len())
        .sum();
    in_bindings + exempted
}

fn elements<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn groups_and_domains(policy: &Policy) -> usize {
    let members = || policy.bindings().flat_map(|binding| &binding.members);
    let groups: HashSet<String> = members().filter_map(|member| group_of(member)).collect();
    let domains = members()
        .filter(|member| member.starts_with("domain:"))
        .count();
    groups.len() + domains
}

fn conditions(policy: &Policy, role: &str, member: &str) -> usize {
    policy
        .bindings()
        .filter(|binding| {
            binding.role == role
                && binding.condition.is_some()
                && binding.members.iter().any(|other| same_user(other, member))
        })
        .count()
}
