//! Files of one or several YAML documents, in which other kinds of object may stand too.

use jit_access_crds::GROUP;
use serde_json::Value;

/// The group of kustomize's own files, which change what is applied.
const KUSTOMIZE: &str = "kustomize.config.k8s.io";

/// One object of a file.
#[derive(Debug)]
pub struct Document {
    /// Such as `document 2`, or `document 1, item 3` of a List; empty documents are not counted.
    pub place: String,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    /// An AccessRequest, or what should be one.
    Request(Value),
    /// Another kind: its kind and name.
    Other(String),
    /// Not to be merged: a sentence.
    Bad(String),
}

/// The objects of a file, those in a List too.
pub fn read(text: &str) -> Result<Vec<Document>, String> {
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
    let mut objects = Vec::new();
    for (document, number) in documents.into_iter().zip(1..) {
        collect(document, format!("document {number}"), &mut objects);
    }
    Ok(objects)
}

fn collect(mut document: Value, place: String, objects: &mut Vec<Document>) {
    let kind = document["kind"].as_str().unwrap_or_default().to_owned();
    if kind.ends_with("List") && document["items"].is_array() {
        if let Value::Array(items) = document["items"].take() {
            for (item, number) in items.into_iter().zip(1..) {
                collect(item, format!("{place}, item {number}"), objects);
            }
        }
        return;
    }
    let content = content(document, &kind);
    objects.push(Document { place, content });
}

fn content(document: Value, kind: &str) -> Content {
    if kind.is_empty() {
        return Content::Bad("has no `kind`, and so is no Kubernetes object".to_owned());
    }
    let group = document["apiVersion"].as_str().unwrap_or_default();
    let group = group.split_once('/').map_or("", |(group, _)| group);
    // Of our kind in another group or by a misspelt one: most likely meant, and not applied as meant.
    match (kind == "AccessRequest", group) {
        (true, GROUP) => Content::Request(document),
        (true, _) => Content::Bad(format!(
            "has an AccessRequest whose apiVersion must be {GROUP}/v1alpha1"
        )),
        (false, GROUP) => Content::Bad(format!(
            "has the kind \"{kind}\" of {GROUP}, which must be AccessRequest"
        )),
        (false, KUSTOMIZE) => Content::Bad(format!(
            "is kustomize's {kind}, which changes what is applied: check what comes out of it, with `kubectl kustomize FOLDER | kubectl jit verify-manifests -`"
        )),
        (false, _) => {
            let name = document["metadata"]["name"].as_str().unwrap_or_default();
            Content::Other(format!("{kind} {name}").trim_end().to_owned())
        }
    }
}
