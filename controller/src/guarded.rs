//! Objects of our kind as they come from the API server, readable or not. One that cannot be read
//! must stop neither the list that it stands in nor its own deletion.

use std::borrow::Cow;

use jit_access_crds::AccessRequest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An AccessRequest, or what is known of an object that is none.
#[derive(Debug, Clone)]
pub struct Guarded(pub Result<AccessRequest, Box<Unreadable>>);

/// An object that cannot be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Why not.
    pub error: String,
    /// As much of it as can be read.
    pub metadata: ObjectMeta,
    /// All of it, but for `metadata.managedFields`.
    pub object: Value,
}

impl<'de> Deserialize<'de> for Guarded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        // Everybody may write these, times that our reader refuses too, and nothing of ours reads
        // them.
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        match AccessRequest::deserialize(&object) {
            Ok(request) => Ok(Self(Ok(request))),
            Err(error) => Ok(Self(Err(Box::new(Unreadable {
                error: error.to_string(),
                metadata: metadata(&object).ok_or_else(|| D::Error::custom(&error))?,
                object,
            })))),
        }
    }
}

/// The metadata, or what our own work needs of it; `None` if the object has none.
fn metadata(object: &Value) -> Option<ObjectMeta> {
    let metadata = object.get("metadata")?;
    Some(ObjectMeta::deserialize(metadata).unwrap_or_else(|_| {
        let text = |name: &str| metadata[name].as_str().map(str::to_owned);
        ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            generation: metadata["generation"].as_i64(),
            ..ObjectMeta::default()
        }
    }))
}

impl Serialize for Guarded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(request) => request.serialize(serializer),
            Err(unreadable) => Err(S::Error::custom(&unreadable.error)),
        }
    }
}

impl Resource for Guarded {
    type DynamicType = ();
    type Scope = <AccessRequest as Resource>::Scope;

    fn kind(kind: &()) -> Cow<'_, str> {
        AccessRequest::kind(kind)
    }

    fn group(kind: &()) -> Cow<'_, str> {
        AccessRequest::group(kind)
    }

    fn version(kind: &()) -> Cow<'_, str> {
        AccessRequest::version(kind)
    }

    fn plural(kind: &()) -> Cow<'_, str> {
        AccessRequest::plural(kind)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(request) => &request.metadata,
            Err(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(request) => &mut request.metadata,
            Err(unreadable) => &mut unreadable.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "apiVersion": "jit-access.dev/v1alpha1",
            "kind": "AccessRequest",
            "metadata": {"name": "disk", "namespace": "jit-requests", "uid": "u"},
            "spec": {"requester": "a@b.c", "resource": "projects/web-prod", "roles": ["roles/x"], "justification": "j"},
        })
    }

    fn read(object: &Value) -> Guarded {
        serde_json::from_str(&object.to_string()).unwrap()
    }

    #[test]
    fn managed_fields_cannot_make_an_object_unreadable() {
        let mut object = object();
        object["metadata"]["managedFields"] = json!([{"time": "9999-12-31T23:59:59Z"}]);
        let request = read(&object).0.unwrap();
        assert_eq!(request.metadata.managed_fields, None);
    }

    #[test]
    fn an_unreadable_object_stops_no_list_and_keeps_its_name() {
        let mut odd = object();
        odd["metadata"]["creationTimestamp"] = json!("9999-12-31T23:59:59Z");
        let list: Vec<Guarded> = serde_json::from_value(json!([odd, object()])).unwrap();
        assert!(list[0].0.is_err() && list[1].0.is_ok());
        assert_eq!(list[0].meta().name.as_deref(), Some("disk"));
        assert_eq!(list[0].meta().uid.as_deref(), Some("u"));
    }
}
