//! Where the Google Cloud console shows a resource.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The address of a resource's page in the Google Cloud console.
#[must_use]
pub fn address(resource: &str) -> String {
    let (kind, id) = resource.split_once('/').unwrap_or((resource, ""));
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let site = "https://console.cloud.google.com";
    match kind {
        "projects" => format!("{site}/home/dashboard?project={id}"),
        "folders" => format!("{site}/cloud-resource-manager?folder={id}"),
        _ => format!("{site}/cloud-resource-manager?organizationId={id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_page() {
        for (resource, end) in [
            (
                "projects/example.com:web",
                "/home/dashboard?project=example%2Ecom%3Aweb",
            ),
            ("folders/10", "/cloud-resource-manager?folder=10"),
            (
                "organizations/1",
                "/cloud-resource-manager?organizationId=1",
            ),
        ] {
            assert!(address(resource).ends_with(end), "{resource}");
        }
    }
}
