//! What roles are called, through IAM v1 `roles.get`.

use serde::Deserialize;

use crate::{
    connection::Connection,
    error::{Error, Kind},
    rest::Rest,
    sentence::{Call, Requirement},
    settings::Settings,
};

const OWN_BASE_URL: &str = "https://iam.googleapis.com";

#[derive(Debug, Clone)]
pub(crate) struct IamRoles {
    rest: Rest,
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    title: String,
}

impl IamRoles {
    pub(crate) fn new(settings: &Settings, connection: Connection, http: reqwest::Client) -> Self {
        IamRoles {
            rest: Rest::new(settings, OWN_BASE_URL, connection, http),
        }
    }

    /// The title of a predefined or custom role; empty if it has none.
    pub(crate) async fn title(&self, role: &str) -> Result<String, Error> {
        if !is_role(role) {
            return Err(Error::new(
                Kind::Invalid,
                format!(
                    "{role:?} names no role; right would be roles/NAME, projects/PROJECT_ID/roles/NAME or \
                     organizations/NUMBER/roles/NAME."
                ),
            ));
        }
        let call = Call {
            task: format!("look up the title of {role}"),
            subject: role.to_owned(),
            host: self.rest.host.clone(),
            requires: Requirement::Permission {
                name: "iam.roles.get".to_owned(),
                role: "roles/iam.roleViewer",
            },
            timeout: self.rest.connection.limits.read_timeout,
            writes: false,
        };
        let role: Role = self.rest.read(&call, &format!("/v1/{role}"), &[]).await?;
        Ok(role.title)
    }
}

/// A name that is safe to put into a path.
fn is_role(name: &str) -> bool {
    let is_word = |word: &str| {
        (1..=100).contains(&word.len())
            && word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
    };
    match name.split('/').collect::<Vec<_>>()[..] {
        ["roles", id] => is_word(id),
        ["projects" | "organizations", owner, "roles", id] => is_word(owner) && is_word(id),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_go_into_a_path() {
        for role in [
            "roles/compute.instanceAdmin.v1",
            "projects/web-prod/roles/webDeployer",
            "projects/example.com:web/roles/web_deployer",
            "organizations/1/roles/incidentReader",
        ] {
            assert!(is_role(role), "{role}");
        }
        for other in [
            "",
            "roles/",
            "roles/..",
            "roles/a/b",
            "roles/a?x",
            "roles/a%2f",
            "folders/1/roles/a",
            "projects/../roles/a",
            "/roles/a",
        ] {
            assert!(!is_role(other), "{other}");
        }
    }
}
