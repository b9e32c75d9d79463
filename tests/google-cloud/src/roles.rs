//! Roles: a realistic excerpt of the predefined ones, and the world's custom roles.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::hierarchy::{Hierarchy, Kind, Resource};
use crate::world::CustomRole;

/// A predefined role as `predefined_roles.json` has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Predefined {
    name: String,
    title: String,
    grantable_on: Vec<String>,
    included_permissions: Vec<String>,
}

/// The table of predefined roles, by name.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it"
)]
fn table() -> &'static BTreeMap<String, Predefined> {
    static TABLE: OnceLock<BTreeMap<String, Predefined>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let rows: Vec<Predefined> =
            serde_json::from_str(include_str!("predefined_roles.json")).expect("a list of roles");
        rows.into_iter()
            .map(|row| (row.name.clone(), row))
            .collect()
    })
}

/// A role as the IAM API answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// `roles/x`, `projects/p/roles/x` or `organizations/n/roles/x`.
    pub name: String,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// The permissions.
    pub permissions: Vec<String>,
}

impl Role {
    /// As JSON; the permissions only in full view.
    pub fn answer(&self, full: bool) -> Value {
        let mut role =
            json!({"name": self.name, "title": self.title, "stage": "GA", "etag": "AA=="});
        if !self.description.is_empty() {
            role["description"] = json!(self.description);
        }
        if full && !self.permissions.is_empty() {
            role["includedPermissions"] = json!(self.permissions);
        }
        role
    }
}

/// The custom roles of a world, by name.
pub type CustomRoles = BTreeMap<String, Role>;

/// Adds custom roles, or replaces them.
///
/// # Errors
/// A sentence about a name that is none of a custom role.
pub fn merge(custom: &mut CustomRoles, roles: &[CustomRole]) -> Result<(), String> {
    for role in roles {
        let parts: Vec<&str> = role.name.split('/').collect();
        if !matches!(parts[..], ["projects" | "organizations", _, "roles", id] if !id.is_empty()) {
            return Err(format!(
                "the custom role {} must be named projects/ID/roles/NAME or organizations/NUMBER/roles/NAME",
                role.name
            ));
        }
        let role = Role {
            name: role.name.clone(),
            title: if role.title.is_empty() {
                role.name.clone()
            } else {
                role.title.clone()
            },
            description: role.description.clone(),
            permissions: role.included_permissions.clone(),
        };
        custom.insert(role.name.clone(), role);
    }
    Ok(())
}

/// All predefined roles.
pub fn predefined() -> Vec<Role> {
    table().values().map(from_table).collect()
}

fn from_table(row: &Predefined) -> Role {
    Role {
        name: row.name.clone(),
        title: row.title.clone(),
        description: String::new(),
        permissions: row.included_permissions.clone(),
    }
}

/// The role of this name.
pub fn find(custom: &CustomRoles, name: &str) -> Option<Role> {
    table()
        .get(name)
        .map(from_table)
        .or_else(|| custom.get(name).cloned())
}

/// Whether a role contains a permission.
pub fn contains(custom: &CustomRoles, role: &str, permission: &str) -> bool {
    let permissions = match table().get(role) {
        Some(row) => Some(&row.included_permissions),
        None => custom.get(role).map(|role| &role.permissions),
    };
    permissions.is_some_and(|permissions| permissions.iter().any(|own| own == permission))
}

/// Whether a role can be granted on a resource: a predefined one of its kind, a custom one of the resource itself, or of
/// the organization above it.
pub fn is_grantable(
    custom: &CustomRoles,
    hierarchy: &Hierarchy,
    resource: &Resource,
    role: &str,
) -> bool {
    if let Some(row) = table().get(role) {
        return row
            .grantable_on
            .iter()
            .any(|collection| collection == resource.kind.collection());
    }
    let Some((owner, _)) = role.split_once("/roles/") else {
        return false;
    };
    let above = hierarchy.ancestry(&resource.name());
    custom.contains_key(role)
        && (owner == resource.name()
            || above
                .iter()
                .any(|ancestor| ancestor.kind == Kind::Organization && ancestor.name() == owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        assert!(table().len() >= 30);
        for (name, row) in table() {
            assert!(
                name.starts_with("roles/") && !row.grantable_on.is_empty(),
                "{name}"
            );
            assert!(
                row.grantable_on
                    .iter()
                    .all(|collection| Kind::of_collection(collection).is_some()),
                "{name}"
            );
            assert!(
                row.included_permissions
                    .iter()
                    .all(|permission| permission.split('.').count() == 3),
                "{name}"
            );
        }
    }

    #[test]
    fn roles_are_grantable_where_google_grants_them() {
        let world = serde_json::from_value(json!({
            "organizations": [{"id": "1"}],
            "folders": [{"id": "10", "parent": "organizations/1"}],
            "projects": [{"id": "web-prod", "parent": "folders/10"}, {"id": "web-test", "parent": "folders/10"}],
            "roles": [{"name": "projects/web-prod/roles/own"}, {"name": "organizations/1/roles/all"}],
        }));
        let world: crate::World = world.unwrap();
        let (mut hierarchy, mut custom) = (Hierarchy::default(), CustomRoles::new());
        hierarchy.merge(&world, "").unwrap();
        merge(&mut custom, &world.roles).unwrap();
        let on = |resource: &str, role: &str| {
            is_grantable(&custom, &hierarchy, hierarchy.find(resource).unwrap(), role)
        };
        assert!(on("projects/web-prod", "projects/web-prod/roles/own"));
        assert!(!on("projects/web-test", "projects/web-prod/roles/own"));
        assert!(!on("folders/10", "projects/web-prod/roles/own"));
        assert!(
            on("folders/10", "organizations/1/roles/all")
                && on("projects/web-test", "organizations/1/roles/all")
        );
        assert!(on(
            "organizations/1",
            "roles/resourcemanager.organizationAdmin"
        ));
        assert!(!on(
            "projects/web-prod",
            "roles/resourcemanager.organizationAdmin"
        ));
        assert!(!on("projects/web-prod", "roles/no.such"));
    }
}
