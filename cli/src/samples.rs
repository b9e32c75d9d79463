//! Requests as tests need them.

use jit_access_crds::{AccessRequest, AccessRequestSpec, AccessState};
use serde_json::json;

/// Alice asks bob and carol.
pub fn request() -> AccessRequest {
    let mut request = AccessRequest::new(
        "web-1-disk",
        AccessRequestSpec {
            requester: "alice@example.com".to_owned(),
            resource: "projects/web-prod".to_owned(),
            roles: vec!["roles/compute.instanceAdmin.v1".to_owned()],
            justification: "INC-4711: disk full on web-1".to_owned(),
            duration: Some("30m".to_owned()),
            reviewers: Some(vec![
                "bob@example.com".to_owned(),
                "carol@example.com".to_owned(),
            ]),
            start_time: None,
            condition: None,
        },
    );
    request.metadata.namespace = Some("jit-requests".to_owned());
    request.metadata.uid = Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned());
    request
}

/// The same in this state.
pub fn in_state(state: AccessState, message: &str) -> AccessRequest {
    let mut request = request();
    request.status = serde_json::from_value(json!({"conditions": [{
        "type": "Granted",
        "status": if state == AccessState::Active { "True" } else { "False" },
        "reason": state.as_str(),
        "message": message,
        "lastTransitionTime": "2026-11-23T20:00:00Z",
    }]}))
    .unwrap();
    request
}

/// With this annotation.
pub fn annotated(mut request: AccessRequest, key: &str, value: &str) -> AccessRequest {
    request
        .metadata
        .annotations
        .get_or_insert_default()
        .insert(key.to_owned(), value.to_owned());
    request
}
