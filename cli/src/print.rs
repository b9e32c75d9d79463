//! Standard output and standard error. A reader that went away, as `head` does, is no failure.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use jit_access_crds::AccessRequest;
use serde_json::{Value, json};

/// Prints lines for people or programs.
pub fn output(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// Says how it goes on, on standard error.
pub fn note(text: &str) {
    // Nobody is left to tell.
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}

/// One request as JSON.
pub fn json(request: &AccessRequest) -> Result<()> {
    pretty(&object(request)?)
}

/// Requests as a JSON list, as kubectl prints it.
pub fn json_list(requests: &[AccessRequest]) -> Result<()> {
    let items: Vec<Value> = requests.iter().map(object).collect::<Result<_>>()?;
    pretty(&json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// Any JSON.
pub fn pretty(value: &Value) -> Result<()> {
    output(&format!("{value:#}"))
}

fn object(request: &AccessRequest) -> Result<Value> {
    let mut value = serde_json::to_value(request).context("the request is no JSON")?;
    // Longer than all the rest, and for the API server only.
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    Ok(value)
}
