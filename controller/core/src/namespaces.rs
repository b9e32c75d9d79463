//! What the installation says of the namespaces in which requests are made: what they may name, and
//! which programs speak for persons there. The admission policy reads the same ConfigMap.

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::ResourceName;

/// Name of the ConfigMap, in the controller's namespace.
pub const CONFIG_MAP: &str = "jit-access-namespaces";

const SCOPE: &str = ".scope";
const DELEGATES: &str = ".delegates";

/// One namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its requests may name these resources and what is below them.
    pub scope: Vec<ResourceName>,
    /// The user names of the programs that may sign for persons.
    pub delegates: Vec<String>,
}

/// All namespaces that are set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    by_name: BTreeMap<String, Namespace>,
    problems: Vec<String>,
}

impl Namespaces {
    /// Reads `<namespace>.scope` and `<namespace>.delegates`, comma separated. What cannot be read
    /// allows nothing and is a problem.
    #[must_use]
    pub fn read(data: &BTreeMap<String, String>) -> Self {
        let mut this = Self::default();
        let of_requests: BTreeSet<&str> = data
            .keys()
            .filter_map(|key| key.strip_suffix(SCOPE))
            .collect();
        for (key, value) in data {
            if let Some(name) = key.strip_suffix(SCOPE) {
                let (scope, problems) = scope(name, value);
                this.problems.extend(problems);
                let delegates = data
                    .get(&format!("{name}{DELEGATES}"))
                    .map(|value| delegates(&of_requests, value))
                    .unwrap_or_default();
                this.by_name
                    .insert(name.to_owned(), Namespace { scope, delegates });
            } else if let Some(name) = key.strip_suffix(DELEGATES) {
                if !data.contains_key(&format!("{name}{SCOPE}")) {
                    this.problems.push(format!(
                        "{key} has no {name}{SCOPE} beside it, so nothing can be asked for there"
                    ));
                }
            } else {
                this.problems.push(format!(
                    "{key} is neither <namespace>{SCOPE} nor <namespace>{DELEGATES}"
                ));
            }
        }
        this
    }

    /// A namespace; `None` if it is not set up for requests.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Namespace> {
        self.by_name.get(name)
    }

    /// Sentences for administrators about what cannot be read.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

fn entries(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

fn scope(namespace: &str, value: &str) -> (Vec<ResourceName>, Vec<String>) {
    let mut scope = Vec::new();
    let mut problems = Vec::new();
    for entry in entries(value) {
        match ResourceName::parse(entry) {
            Ok(resource) => scope.push(resource),
            Err(why) => problems.push(format!("{namespace}{SCOPE}: {why}")),
        }
    }
    (scope, problems)
}

/// By the words of the admission policy: a service account that lives in no namespace of requests,
/// for whoever may edit there makes its tokens.
fn delegates(of_requests: &BTreeSet<&str>, value: &str) -> Vec<String> {
    let lives_among_requests = |user: &str| {
        user.strip_prefix("system:serviceaccount:")
            .and_then(|account| account.split(':').next())
            .is_some_and(|namespace| of_requests.contains(namespace))
    };
    let delegates: BTreeSet<&str> = entries(value)
        .filter(|entry| {
            let user = entry.to_ascii_lowercase();
            (user.starts_with("system:serviceaccount:") || user.ends_with("gserviceaccount.com"))
                && !lives_among_requests(&user)
        })
        .collect();
    delegates.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[(&str, &str)]) -> Namespaces {
        Namespaces::read(
            &data
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn scope_and_delegates_are_lists() {
        let namespaces = read(&[
            ("gitops.scope", "folders/7, projects/web-prod"),
            (
                "gitops.delegates",
                "system:serviceaccount:flux-system:flux , flux@infra.iam.gserviceaccount.com,",
            ),
            ("jit-requests.scope", "organizations/1"),
        ]);
        let gitops = namespaces.get("gitops").unwrap();
        let scope: Vec<&str> = gitops.scope.iter().map(ResourceName::as_str).collect();
        assert_eq!(scope, ["folders/7", "projects/web-prod"]);
        assert_eq!(
            gitops.delegates,
            [
                "flux@infra.iam.gserviceaccount.com",
                "system:serviceaccount:flux-system:flux",
            ]
        );
        assert!(namespaces.get("jit-requests").unwrap().delegates.is_empty());
        assert_eq!(namespaces.get("default"), None);
        assert!(namespaces.problems().is_empty());
    }

    #[test]
    fn attack_8_a_person_or_a_neighbour_of_any_requests_is_no_delegate() {
        let namespaces = read(&[
            ("jit-requests.scope", "organizations/1"),
            ("gitops.scope", "organizations/1"),
            (
                "gitops.delegates",
                "alice@example.com,system:serviceaccount:jit-requests:agent,system:serviceaccount:gitops:agent,SYSTEM:serviceaccount:gitops:agent,system:admin,system:serviceaccount:gitops-2:agent",
            ),
        ]);
        assert_eq!(
            namespaces.get("gitops").unwrap().delegates,
            ["system:serviceaccount:gitops-2:agent"]
        );
    }

    #[test]
    fn what_cannot_be_read_allows_nothing_and_is_said() {
        let namespaces = read(&[
            ("a.scope", "everything, folders/7"),
            ("b.delegates", "system:serviceaccount:flux-system:flux"),
            ("c.owners", "x"),
        ]);
        assert_eq!(
            namespaces.get("a").unwrap().scope,
            [ResourceName::parse("folders/7").unwrap()]
        );
        assert_eq!(namespaces.get("b"), None);
        assert_eq!(
            namespaces.problems(),
            [
                "a.scope: \"everything\" must be projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER",
                "b.delegates has no b.scope beside it, so nothing can be asked for there",
                "c.owners is neither <namespace>.scope nor <namespace>.delegates",
            ]
        );
    }
}
