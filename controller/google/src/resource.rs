//! The names of projects, folders and organizations, and what reading and writing their policies requires.

use crate::error::{Error, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Project,
    Folder,
    Organization,
}

/// A name that is safe to put into a path: without the check, `projects/..` would reach another method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource<'a> {
    pub(crate) level: Level,
    pub(crate) name: &'a str,
}

impl<'a> Resource<'a> {
    pub(crate) fn parse(name: &'a str) -> Result<Self, Error> {
        let level = match name.split_once('/') {
            Some(("projects", id)) if is_project_id(id) => Some(Level::Project),
            Some(("folders", id)) if is_number(id) => Some(Level::Folder),
            Some(("organizations", id)) if is_number(id) => Some(Level::Organization),
            _ => None,
        };
        match level {
            Some(level) => Ok(Resource { level, name }),
            None => Err(Error::new(
                Kind::Invalid,
                format!(
                    "{name:?} names no Google Cloud resource; right would be projects/PROJECT_ID, folders/NUMBER or \
                     organizations/NUMBER."
                ),
            )),
        }
    }

    /// The permission for a method of this kind of resource, such as `resourcemanager.projects.getIamPolicy`.
    pub(crate) fn permission(self, verb: &str) -> String {
        let plural = match self.level {
            Level::Project => "projects",
            Level::Folder => "folders",
            Level::Organization => "organizations",
        };
        format!("resourcemanager.{plural}.{verb}")
    }

    /// A predefined role with the permission to set the policy.
    pub(crate) fn writers_role(self) -> &'static str {
        match self.level {
            Level::Project => "roles/resourcemanager.projectIamAdmin",
            Level::Folder => "roles/resourcemanager.folderIamAdmin",
            Level::Organization => "roles/resourcemanager.organizationAdmin",
        }
    }
}

fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// Project identifiers, with the domain that old ones have in front (`example.com:web`), and project numbers.
fn is_project_id(id: &str) -> bool {
    id.len() <= 100
        && id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, level) in [
            ("projects/web-prod", Level::Project),
            ("projects/example.com:web-prod", Level::Project),
            ("projects/1234567890", Level::Project),
            ("folders/1", Level::Folder),
            ("organizations/12345678901234567890", Level::Organization),
        ] {
            assert_eq!(Resource::parse(name), Ok(Resource { level, name }));
        }
        for name in [
            "",
            "web-prod",
            "projects/",
            "projects/..",
            "projects/../folders/1",
            "projects/a/b",
            "projects/a?x=y",
            "projects/a%2f",
            "projects/Web",
            "folders/x",
            "folders/-1",
            "organizations/",
            "organizations/123456789012345678901",
            "tenants/1",
        ] {
            let error = Resource::parse(name).expect_err(name);
            assert_eq!(error.kind, Kind::Invalid);
            assert!(error.message.contains("right would be projects/PROJECT_ID"));
        }
    }

    #[test]
    fn permissions() {
        let folder = Resource::parse("folders/1").expect("a folder");
        assert_eq!(
            folder.permission("setIamPolicy"),
            "resourcemanager.folders.setIamPolicy"
        );
    }
}
