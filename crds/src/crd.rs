//! The CustomResourceDefinition as an object and as the YAML file that is checked in.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::{Schema, SchemaGenerator, json_schema};

use crate::AccessRequest;

/// The CustomResourceDefinition generated from the types.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = AccessRequest::crd();
    for version in &mut crd.spec.versions {
        if let Some(root) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        {
            // Without it two patches, one that removes /spec and one that adds another, would swap the whole spec.
            root.required = Some(vec!["spec".to_owned()]);
        }
    }
    crd
}

/// The CustomResourceDefinition as YAML, the content of `crds/accessrequests.yaml`.
///
/// # Errors
/// When the object cannot be written as YAML, which would be a fault of the serializer.
pub fn crd_yaml() -> Result<String, String> {
    let body = serde_saphyr::to_string(&crd()).map_err(|error| error.to_string())?;
    Ok(format!(
        "# Generated from crds/src by `cargo xtask crds`; do not edit.\n{}\n",
        body.trim_end()
    ))
}

/// `metav1.Condition` with the limits of its own Go type (k8s.io/apimachinery meta/v1 types.go),
/// which the generated schema leaves out.
pub(crate) fn condition_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "description": "Eligible, Approved and Granted, plus Reconciling or Stalled. The reason of Granted is the request's state.",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the request's state.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316, "description": "Which aspect: Eligible, Approved, Granted, Reconciling or Stalled."},
                "status": {"type": "string", "maxLength": 10, "enum": ["True", "False", "Unknown"], "description": "True, False or Unknown."},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0, "description": "The generation of the object that the condition speaks of."},
                "lastTransitionTime": {"type": "string", "format": "date-time", "maxLength": 64, "description": "When status or reason last changed."},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024, "description": "One word for programs."},
                "message": {"type": "string", "maxLength": 32768, "description": "A sentence for people."}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Every string has a maximum length and every list a maximum size, so that no object can be
    /// made that costs its readers more than a known amount.
    fn unbounded(path: &str, schema: &Value, found: &mut Vec<String>) {
        match schema["type"].as_str() {
            Some("string") if schema["maxLength"].is_null() => found.push(path.to_owned()),
            Some("array") => {
                if schema["maxItems"].is_null() {
                    found.push(path.to_owned());
                }
                unbounded(&format!("{path}[]"), &schema["items"], found);
            }
            _ => {}
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            unbounded(&format!("{path}.{name}"), property, found);
        }
    }

    #[test]
    fn every_string_and_list_is_bounded() {
        let crd = serde_json::to_value(crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut found = Vec::new();
        unbounded("", schema, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_field_of_the_spec_has_a_description() {
        let crd = serde_json::to_value(crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let spec = schema["properties"]["spec"]["properties"]
            .as_object()
            .unwrap();
        assert_eq!(spec.len(), 8);
        for (name, property) in spec {
            assert!(
                property["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 20),
                "{name}"
            );
        }
        assert_eq!(schema["required"], serde_json::json!(["spec"]));
    }
}
