//! Asking: where, what, why; the preview; and what is written.

mod form;
mod preview;
mod sending;

/// A form that asks for a role that alice activates herself.
const OWN: [(&str, &str); 4] = [
    ("resource", "projects/web-prod"),
    ("role", "roles/compute.admin"),
    ("justification", "INC-4711: disk full"),
    ("duration", "30m"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let kept = fields.iter().filter(|(name, _)| !replaced(name)).copied();
    kept.chain(more.iter().copied()).collect()
}
