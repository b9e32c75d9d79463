//! `getIamPolicy`, `setIamPolicy`, `testIamPermissions`.

mod permissions;
mod refused;
mod versions;
mod writes;

use serde_json::{Value, json};

use crate::served::Served;

fn grant(uid: &str, expression: &str) -> Value {
    json!({
        "role": "roles/storage.admin",
        "members": ["user:bob@example.com"],
        "condition": {"title": format!("jit-access {uid}"), "expression": expression},
    })
}

/// The stored policy with one more binding.
async fn with(google: &Served, resource: &str, binding: Value) -> Value {
    let mut policy = google.policy(resource).await;
    policy["version"] = json!(3);
    match policy["bindings"].as_array_mut() {
        Some(bindings) => bindings.push(binding),
        None => policy["bindings"] = json!([binding]),
    }
    policy
}
