//! Standard output and standard error. A reader that went away, as `head` does, is no failure.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use jit_access_crds::AccessRequest;
use serde_json::{Value, json};

use crate::text::{is_hidden, visible};

/// Prints lines for people; what would control the terminal is shown instead.
pub fn output(text: &str) -> Result<()> {
    raw(&visible(text))
}

/// Prints lines for programs, as they are.
pub fn raw(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// Says how it goes on, on standard error; what would control the terminal is shown instead.
pub fn note(text: &str) {
    // Nobody is left to tell.
    let _ = writeln!(std::io::stderr(), "{}", visible(text).trim_end());
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
    raw(&escaped(&format!("{value:#}")))
}

/// JSON that means the same, and shows what JSON lets stand as it is: a terminal may be its reader.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_hidden(character) {
            // Only strings have such characters.
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn object(request: &AccessRequest) -> Result<Value> {
    let mut value = serde_json::to_value(request).context("the request is no JSON")?;
    // Longer than all the rest, and for the API server only.
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_17_json_controls_no_terminal_and_means_the_same() {
        let value = json!({"a\u{9b}2J": ["\u{1b}[2J\u{202e}\u{e0001}\n\u{7f}ü"]});
        let text = escaped(&format!("{value:#}"));
        assert!(
            text.chars()
                .all(|character| character == '\n' || !is_hidden(character)),
            "{text}"
        );
        assert!(text.contains('ü'), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
