//! Style sheet, script and icon: part of the program. Their address changes with their content, so
//! that a browser keeps them and yet never has an old one.

use std::sync::LazyLock;

use crate::fingerprint::fingerprint;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, type and content. The scripts are modules that `app.js` imports from beside itself, so they
/// are always those of one version.
const FILES: [(&str, &str, &str); 10] = [
    ("style.css", CSS, include_str!("../assets/style.css")),
    ("app.js", SCRIPT, include_str!("../assets/app.js")),
    ("ask.js", SCRIPT, include_str!("../assets/ask.js")),
    ("live.js", SCRIPT, include_str!("../assets/live.js")),
    ("page.js", SCRIPT, include_str!("../assets/page.js")),
    ("search.js", SCRIPT, include_str!("../assets/search.js")),
    ("sending.js", SCRIPT, include_str!("../assets/sending.js")),
    ("times.js", SCRIPT, include_str!("../assets/times.js")),
    ("waiting.js", SCRIPT, include_str!("../assets/waiting.js")),
    ("icon.svg", SVG, include_str!("../assets/icon.svg")),
];

/// What all of them are, in a word.
static VERSION: LazyLock<String> =
    LazyLock::new(|| fingerprint(FILES.iter().map(|(_, _, content)| content.as_bytes())));

/// Where a file is.
#[must_use]
pub fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// The type and content of a file.
#[must_use]
pub fn file(name: &str) -> Option<(&'static str, &'static str)> {
    let mut files = FILES.iter();
    let (_, kind, content) = files.find(|(other, _, _)| *other == name)?;
    Some((kind, content))
}

/// Whether this is the version in an address of these files.
#[must_use]
pub fn is_version(version: &str) -> bool {
    version == *VERSION
}
