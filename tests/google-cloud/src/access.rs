//! Access checks: what an account may do now, through groups, ancestors and conditions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conditions::{self, Attributes};
use crate::groups::{Groups, email_of};
use crate::hierarchy::Resource;
use crate::policy::{bindings, expression, members_of, role};
use crate::roles;
use crate::state::State;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// This role, by name.
    Role(&'a str),
    /// Any role that contains this permission.
    Permission(&'a str),
}

/// A binding that grants what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Granting {
    /// Where it is attached.
    pub resource: String,
    /// Its role.
    pub role: String,
    /// The title of its condition, if it has one.
    pub title: Option<String>,
}

impl Granting {
    /// As the control API answers it.
    pub fn answer(&self) -> Value {
        json!({"resource": self.resource, "role": self.role, "title": self.title})
    }
}

/// The attributes of a resource of Resource Manager.
pub fn attributes_of(resource: &Resource, time: Timestamp) -> Attributes {
    Attributes {
        time,
        name: resource.name(),
        kind: resource.kind.asset_type().to_owned(),
        service: "cloudresourcemanager.googleapis.com".to_owned(),
    }
}

/// Type and service of a resource below a project, from the form of its name: `(type, service)`.
pub fn type_and_service(name: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = name.split('/').collect();
    Some(match parts[..] {
        ["projects", _, "zones", _, "instances", _] => {
            ("compute.googleapis.com/Instance", "compute.googleapis.com")
        }
        ["projects", _, "zones", _, "disks", _] => {
            ("compute.googleapis.com/Disk", "compute.googleapis.com")
        }
        ["projects", "_", "buckets", _, "objects", ..] => {
            ("storage.googleapis.com/Object", "storage.googleapis.com")
        }
        ["projects", "_", "buckets", _] => {
            ("storage.googleapis.com/Bucket", "storage.googleapis.com")
        }
        ["projects", _, "secrets", _, "versions", _] => (
            "secretmanager.googleapis.com/SecretVersion",
            "secretmanager.googleapis.com",
        ),
        ["projects", _, "secrets", _] => (
            "secretmanager.googleapis.com/Secret",
            "secretmanager.googleapis.com",
        ),
        ["projects", _, "locations" | "zones", _, "clusters", _] => (
            "container.googleapis.com/Cluster",
            "container.googleapis.com",
        ),
        _ => return None,
    })
}

/// The bindings on the resource and its ancestors that grant `wanted` to the principal, nearest first.
pub fn granting(
    state: &State,
    principal: &str,
    resource: &str,
    wanted: Wanted<'_>,
    attributes: &Attributes,
) -> Vec<Granting> {
    let identities = identities(&state.groups, principal);
    let mut found = Vec::new();
    for ancestor in state.hierarchy.ancestry(resource) {
        let Some(policy) = state.policies.fields(&ancestor.name()) else {
            continue;
        };
        for binding in bindings(policy) {
            let matches_role = match wanted {
                Wanted::Role(wanted) => role(binding) == wanted,
                Wanted::Permission(permission) => {
                    roles::contains(&state.custom_roles, role(binding), permission)
                }
            };
            if matches_role
                && members_of(binding).any(|member| is_one_of(&identities, member))
                && expression(binding).is_none_or(|source| conditions::holds(source, attributes))
            {
                let title = binding["condition"]["title"].as_str().map(str::to_owned);
                found.push(Granting {
                    resource: ancestor.name(),
                    role: role(binding).to_owned(),
                    title,
                });
            }
        }
    }
    found
}

/// Everything that the principal counts as: itself, its groups, its domain, everybody.
fn identities(groups: &Groups, principal: &str) -> BTreeSet<String> {
    let (kind, email) = principal.split_once(':').unwrap_or(("user", principal));
    let principal = format!("{kind}:{}", email.to_ascii_lowercase());
    let mut identities: BTreeSet<String> = groups
        .transitive_groups(&principal)
        .into_keys()
        .map(|group| format!("group:{group}"))
        .collect();
    if let Some((_, domain)) = email_of(&principal).split_once('@') {
        identities.insert(format!("domain:{domain}"));
    }
    identities.extend([
        "allUsers".to_owned(),
        "allAuthenticatedUsers".to_owned(),
        principal,
    ]);
    identities
}

/// A stored member may have capitals when a fixture wrote it.
fn is_one_of(identities: &BTreeSet<String>, member: &str) -> bool {
    match member.split_once(':') {
        Some((kind @ ("user" | "group" | "serviceAccount" | "domain"), id)) => {
            identities.contains(&format!("{kind}:{}", id.to_ascii_lowercase()))
        }
        _ => identities.contains(member),
    }
}
