//! The policy and the binding that the controller was built with: the file that the chart installs.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::Value;

const SOURCE: &str = include_str!("../../../charts/jit-access/files/identity-policy.yaml");

/// Stands in the file where the controller's namespace is put in.
const NAMESPACE: &str = "CONTROLLER_NAMESPACE";

/// What must stand in the cluster, exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// `spec` of the ValidatingAdmissionPolicy.
    pub policy: Value,
    /// `spec` of the ValidatingAdmissionPolicyBinding.
    pub binding: Value,
}

#[derive(Deserialize)]
struct Document {
    kind: String,
    spec: Value,
}

impl Expected {
    /// For a controller in this namespace.
    ///
    /// # Errors
    /// When the file is not what it should be, which a test rules out.
    pub fn in_namespace(namespace: &str) -> anyhow::Result<Self> {
        let text = SOURCE.replace(NAMESPACE, namespace);
        let documents: Vec<Document> =
            serde_saphyr::from_multiple(&text).map_err(|error| anyhow!("{error}"))?;
        let mut specs: BTreeMap<String, Value> = documents
            .into_iter()
            .map(|document| (document.kind, document.spec))
            .collect();
        let mut take = |kind: &str| {
            specs
                .remove(kind)
                .with_context(|| format!("the file has no {kind}"))
        };
        Ok(Self {
            policy: take("ValidatingAdmissionPolicy")?,
            binding: take("ValidatingAdmissionPolicyBinding")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use jit_access_core::guard::POLICY;
    use jit_access_core::namespaces::CONFIG_MAP;

    use super::*;

    #[test]
    fn the_file_is_about_our_names() {
        let expected = Expected::in_namespace("security").unwrap();
        assert_eq!(expected.binding["policyName"], POLICY);
        assert_eq!(expected.binding["paramRef"]["name"], CONFIG_MAP);
        assert_eq!(expected.binding["paramRef"]["namespace"], "security");
        assert!(!SOURCE.replace(NAMESPACE, "security").contains(NAMESPACE));
        let first = &expected.policy["validations"][0]["messageExpression"];
        assert!(
            first
                .as_str()
                .unwrap()
                .starts_with("'spec.requester must be you, ' + variables.me"),
            "the probe waits for these words"
        );
    }

    #[test]
    fn every_refusal_is_forbidden() {
        // Programs that apply manifests read Invalid as "immutable", and delete and create again.
        let expected = Expected::in_namespace("jit-access").unwrap();
        let validations = expected.policy["validations"].as_array().unwrap();
        assert!(validations.len() > 15);
        for validation in validations {
            assert_eq!(validation["reason"], "Forbidden", "{validation}");
        }
    }

    #[test]
    fn attack_30_a_decision_is_refused_the_characters_that_a_condition_is() {
        let schema = include_str!("../../../crds/accessrequests.yaml");
        let expected = Expected::in_namespace("jit-access").unwrap();
        // Both are escaped for the format that they stand in.
        let class = |text: &str| {
            let text = text.replace('\\', "");
            let from = text.find("[x00-x1f").unwrap();
            text[from..=from + text[from..].find(']').unwrap()].to_owned()
        };
        let policy = expected.policy["validations"].to_string();
        assert_eq!(class(&policy), class(schema));
    }
}
