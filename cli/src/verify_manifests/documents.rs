//! Files of one or several YAML documents, in which other kinds of object may stand too.

use jit_access_crds::GROUP;
use serde_json::Value;

/// The AccessRequests of a file, those in a List too.
pub fn requests(text: &str) -> Result<Vec<Value>, String> {
    // A key that stands twice is an error: two readers could take different ones.
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        // The first line says what and where; a picture of the place follows.
        let error = error.to_string();
        let what = error
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("is no YAML that can be read: {what}")
    })?;
    let mut requests = Vec::new();
    for document in documents {
        collect(document, &mut requests)?;
    }
    Ok(requests)
}

fn collect(mut document: Value, requests: &mut Vec<Value>) -> Result<(), String> {
    let Some(kind) = document["kind"].as_str() else {
        return Err("has a document without `kind`, which is no Kubernetes object".to_owned());
    };
    let group = document["apiVersion"].as_str().unwrap_or_default();
    let group = group.split_once('/').map_or("", |(group, _)| group);
    if kind.ends_with("List") && document["items"].is_array() {
        if let Value::Array(items) = document["items"].take() {
            for item in items {
                collect(item, requests)?;
            }
        }
        return Ok(());
    }
    // Of our kind in another group or by a misspelt one: most likely meant, and not applied as meant.
    match (kind == "AccessRequest", group == GROUP) {
        (false, false) => {}
        (true, false) => {
            return Err(format!(
                "has an AccessRequest whose apiVersion must be {GROUP}/v1alpha1"
            ));
        }
        (false, true) => {
            return Err(format!(
                "has the kind \"{kind}\" of {GROUP}, which must be AccessRequest"
            ));
        }
        (true, true) => requests.push(document),
    }
    Ok(())
}
