//! Organizations, folders and projects, and who is above whom.

use std::collections::BTreeMap;

use crate::world::World;

/// What kind of node of the resource hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `projects/ID`.
    Project,
    /// `folders/NUMBER`.
    Folder,
    /// `organizations/NUMBER`.
    Organization,
}

impl Kind {
    /// The collection in resource names: `projects`, `folders`, `organizations`.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Project => "projects",
            Self::Folder => "folders",
            Self::Organization => "organizations",
        }
    }

    /// Resource Manager's singular word, as in permissions' owners and `getAncestry`: `project`, `folder`, `organization`.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Folder => "folder",
            Self::Organization => "organization",
        }
    }

    /// Cloud Asset's type, which is also `resource.type` in conditions.
    pub fn asset_type(self) -> &'static str {
        match self {
            Self::Project => "cloudresourcemanager.googleapis.com/Project",
            Self::Folder => "cloudresourcemanager.googleapis.com/Folder",
            Self::Organization => "cloudresourcemanager.googleapis.com/Organization",
        }
    }

    /// The kind of a collection's members.
    pub fn of_collection(collection: &str) -> Option<Self> {
        [Self::Project, Self::Folder, Self::Organization]
            .into_iter()
            .find(|kind| kind.collection() == collection)
    }
}

/// One organization, folder or project.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// The id in its canonical name: a project's id, the others' number.
    pub id: String,
    /// The number: a project's number, the others' id.
    pub number: String,
    /// The canonical name of what it is in; none for an organization.
    pub parent: Option<String>,
    /// The name for people.
    pub display_name: String,
    /// RFC 3339.
    pub create_time: String,
}

impl Resource {
    /// The canonical name, with a project's id: `projects/web-prod`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind.collection(), self.id)
    }

    /// The name with a project's number, as v3 answers it: `projects/1001`.
    pub fn number_name(&self) -> String {
        format!("{}/{}", self.kind.collection(), self.number)
    }

    /// The full resource name that Cloud Asset uses.
    pub fn full_name(&self) -> String {
        format!("//cloudresourcemanager.googleapis.com/{}", self.name())
    }
}

/// The whole tree, by canonical name.
#[derive(Debug, Clone, Default)]
pub struct Hierarchy {
    resources: BTreeMap<String, Resource>,
    project_ids: BTreeMap<String, String>,
}

impl Hierarchy {
    /// Adds or replaces what `world` names.
    ///
    /// # Errors
    /// A sentence about a parent that does not exist, or a project number used twice; nothing is added then.
    pub fn merge(&mut self, world: &World, create_time: &str) -> Result<(), String> {
        let mut next = self.clone();
        for organization in &world.organizations {
            next.add(
                Kind::Organization,
                &organization.id,
                &organization.id,
                None,
                &organization.display_name,
                create_time,
            );
        }
        for folder in &world.folders {
            next.add(
                Kind::Folder,
                &folder.id,
                &folder.id,
                Some(&folder.parent),
                &folder.display_name,
                create_time,
            );
        }
        for project in &world.projects {
            let number = project
                .number
                .clone()
                .unwrap_or_else(|| derived_number(&project.id));
            if let Some(other) = next.project_ids.insert(number.clone(), project.id.clone())
                && other != project.id
            {
                return Err(format!(
                    "the project number {number} is given to both {other} and {}",
                    project.id
                ));
            }
            next.add(
                Kind::Project,
                &project.id,
                &number,
                project.parent.as_deref(),
                &project.display_name,
                create_time,
            );
        }
        for resource in next.resources.values() {
            if let Some(parent) = &resource.parent
                && next
                    .resources
                    .get(parent)
                    .is_none_or(|parent| parent.kind == Kind::Project)
            {
                return Err(format!(
                    "{} has the parent {parent}, which is no folder or organization of this world",
                    resource.name()
                ));
            }
        }
        *self = next;
        Ok(())
    }

    fn add(
        &mut self,
        kind: Kind,
        id: &str,
        number: &str,
        parent: Option<&str>,
        display_name: &str,
        create_time: &str,
    ) {
        let resource = Resource {
            kind,
            id: id.to_owned(),
            number: number.to_owned(),
            parent: parent.map(str::to_owned),
            display_name: if display_name.is_empty() {
                id.to_owned()
            } else {
                display_name.to_owned()
            },
            create_time: create_time.to_owned(),
        };
        self.resources.insert(resource.name(), resource);
    }

    /// The resource of a name, with a project's id or number.
    pub fn find(&self, name: &str) -> Option<&Resource> {
        self.resources.get(name).or_else(|| {
            let id = self.project_ids.get(name.strip_prefix("projects/")?)?;
            self.resources.get(&format!("projects/{id}"))
        })
    }

    /// The resource of a full name, `//cloudresourcemanager.googleapis.com/projects/web-prod`.
    pub fn find_full(&self, full_name: &str) -> Option<&Resource> {
        self.find(full_name.strip_prefix("//cloudresourcemanager.googleapis.com/")?)
    }

    /// The resource itself and all above it, nearest first.
    pub fn ancestry(&self, name: &str) -> Vec<&Resource> {
        let mut line: Vec<&Resource> = Vec::new();
        let mut next = self.find(name);
        while let Some(resource) = next {
            if line.iter().any(|seen| seen.name() == resource.name()) {
                break;
            }
            line.push(resource);
            next = resource
                .parent
                .as_deref()
                .and_then(|parent| self.find(parent));
        }
        line
    }

    /// All resources, by canonical name.
    pub fn all(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }
}

/// A number for a project that the world gives none.
fn derived_number(id: &str) -> String {
    (100_000_000_000 + crate::paging::fnv1a(id.as_bytes()) % 900_000_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree(world: serde_json::Value) -> Result<Hierarchy, String> {
        let mut tree = Hierarchy::default();
        tree.merge(
            &serde_json::from_value(world).unwrap(),
            "2026-01-01T00:00:00Z",
        )
        .map(|()| tree)
    }

    #[test]
    fn id_and_number_are_one_project_and_ancestors_go_to_the_organization() {
        let tree = tree(json!({
            "organizations": [{"id": "1"}],
            "folders": [{"id": "10", "parent": "organizations/1"}, {"id": "11", "parent": "folders/10"}],
            "projects": [{"id": "web-prod", "number": "1001", "parent": "folders/11"}],
        }))
        .unwrap();
        assert_eq!(
            tree.find("projects/1001").unwrap().name(),
            "projects/web-prod"
        );
        let line: Vec<String> = tree
            .ancestry("projects/1001")
            .iter()
            .map(|r| r.name())
            .collect();
        assert_eq!(
            line,
            [
                "projects/web-prod",
                "folders/11",
                "folders/10",
                "organizations/1"
            ]
        );
    }

    #[test]
    fn a_parent_must_exist_and_numbers_are_unique() {
        assert!(
            tree(json!({"folders": [{"id": "10", "parent": "organizations/1"}]}))
                .unwrap_err()
                .contains("organizations/1")
        );
        let twice = json!({"projects": [{"id": "project-a", "number": "1"}, {"id": "project-b", "number": "1"}]});
        assert!(tree(twice).unwrap_err().contains("number 1"));
    }
}
