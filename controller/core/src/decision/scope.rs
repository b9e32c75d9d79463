//! What a request may name, by where its resource stands.

use jit_access_crds::AccessState;

use crate::request::Refusal;
use crate::resource::ResourceName;

/// Whether the resource is within the installation's scope and within that of its namespace.
/// `ancestors` are those of the resource up to the installation's scope, itself included if it is an
/// ancestor; `None` if the resource is outside.
///
/// # Errors
/// `Ineligible`, with what is covered.
pub fn within(
    resource: &str,
    ancestors: Option<&[String]>,
    installation: &ResourceName,
    namespace: &[ResourceName],
) -> Result<(), Refusal> {
    let refuse = |message| Err(Refusal::new(AccessState::Ineligible, message));
    let Some(ancestors) = ancestors else {
        return refuse(format!(
            "{resource} is not within {installation}, which is all that this installation covers"
        ));
    };
    let covers = |scope: &ResourceName| {
        scope == installation
            || scope.as_str() == resource
            || ancestors.iter().any(|ancestor| ancestor == scope.as_str())
    };
    if namespace.iter().any(covers) {
        return Ok(());
    }
    if namespace.is_empty() {
        return refuse("this namespace is not set up for any resource: ask the administrators of JIT Access which one is".to_owned());
    }
    let scopes: Vec<&str> = namespace.iter().map(ResourceName::as_str).collect();
    refuse(format!(
        "{resource} is not within {}, which is all that may be asked for in this namespace",
        scopes.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ResourceName {
        ResourceName::parse(text).unwrap()
    }

    fn refusal(ancestors: Option<&[&str]>, namespace: &[&str]) -> Option<String> {
        let ancestors: Option<Vec<String>> =
            ancestors.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let namespace: Vec<ResourceName> = namespace.iter().map(|text| name(text)).collect();
        let installation = name("organizations/1");
        within(
            "projects/web-prod",
            ancestors.as_deref(),
            &installation,
            &namespace,
        )
        .err()
        .map(|refusal| {
            assert_eq!(refusal.state, AccessState::Ineligible);
            refusal.message
        })
    }

    #[test]
    fn the_resource_or_an_ancestor_is_named() {
        let ancestors = Some(["folders/7", "organizations/1"].as_slice());
        for scope in ["projects/web-prod", "folders/7", "organizations/1"] {
            assert_eq!(refusal(ancestors, &["folders/9", scope]), None);
        }
        let said = refusal(ancestors, &["folders/9", "projects/web-prod-2"]).unwrap();
        assert!(said.contains("folders/9 or projects/web-prod-2"), "{said}");
    }

    #[test]
    fn attack_8_nothing_is_within_no_scope_at_all() {
        assert!(refusal(Some(&["organizations/1"]), &[]).is_some());
        assert!(refusal(None, &["organizations/1"]).is_some());
    }
}
