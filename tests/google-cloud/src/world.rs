//! The fixture: which organizations, folders, projects, accounts, groups, roles and policies exist.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A world as tests and the demo write it; every part may be absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct World {
    /// The organizations.
    pub organizations: Vec<Organization>,
    /// The folders, in any order.
    pub folders: Vec<Folder>,
    /// The projects.
    pub projects: Vec<Project>,
    /// E-mail addresses of accounts that exist, without a prefix.
    pub users: Vec<String>,
    /// Group e-mail to members, each with its prefix: `user:`, `group:` or `serviceAccount:`.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Custom roles of projects and organizations.
    pub roles: Vec<CustomRole>,
    /// Resource name to allow policy; stored exactly as written here, unchecked.
    pub policies: BTreeMap<String, Map<String, Value>>,
    /// Whether the edition has the transitive group searches; true when absent from a whole world.
    pub premium_groups: Option<bool>,
    /// Pub/Sub topics that exist: `projects/p/topics/t`.
    pub topics: Vec<String>,
    /// E-mail address of an account to the device that its person uses, which Identity-Aware Proxy asserts.
    pub devices: BTreeMap<String, Device>,
    /// How a policy with conditions is read with `requestedPolicyVersion` below 3.
    pub low_version_reads: Option<LowVersionReads>,
}

/// An organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// Its number.
    pub id: String,
    /// Its domain.
    #[serde(default)]
    pub display_name: String,
}

/// A folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Folder {
    /// Its number.
    pub id: String,
    /// `organizations/N` or `folders/N`.
    pub parent: String,
    /// Its name for people.
    #[serde(default)]
    pub display_name: String,
}

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its number; derived from the id when absent.
    pub number: Option<String>,
    /// `organizations/N` or `folders/N`; a project without one stands alone.
    pub parent: Option<String>,
    /// Its name for people.
    #[serde(default)]
    pub display_name: String,
}

/// A custom role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomRole {
    /// `projects/ID/roles/x` or `organizations/N/roles/x`.
    pub name: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// Its permissions.
    #[serde(default)]
    pub included_permissions: Vec<String>,
}

/// A device that endpoint verification knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Device {
    /// Its id; none when empty.
    pub id: String,
    /// The access levels that it fulfils: `accessPolicies/N/accessLevels/x`.
    pub access_levels: Vec<String>,
}

/// The two answers seen in the wild to a read of a conditional policy with a version below 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LowVersionReads {
    /// As documented: the condition is dropped and the role is named `roles/x_withcond_<20 hex digits>`.
    #[default]
    Withcond,
    /// As reported: 400, "Requested policy version (1) cannot be less than …".
    Refuse,
}
