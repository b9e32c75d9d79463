//! Whether the admission policy binds every word on a request to the caller who wrote it, and since
//! when: the rules by which the controller tells. Whatever is not exactly as it was built with is
//! no proof.

mod difference;
mod probe;
mod standing;

pub use difference::difference;
pub use probe::{Answer, PROBE, Probed, probe_object, probed};
pub use standing::{Seen, Standing, Version};

/// Name of the ValidatingAdmissionPolicy and of its only binding.
pub const POLICY: &str = "jit-access-identity";

/// Name of the controller's service account.
pub const CONTROLLER: &str = "jit-access-controller";

/// The namespace of the controller by its own user name.
///
/// # Errors
/// A sentence, if it is anybody else than the service account that the admission policy knows.
pub fn controller_namespace(user: &str) -> Result<&str, String> {
    user.strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.strip_suffix(CONTROLLER)?.strip_suffix(':'))
        .filter(|namespace| !namespace.is_empty() && !namespace.contains(':'))
        .ok_or_else(|| {
            format!(
                "the controller must run as system:serviceaccount:<namespace>:{CONTROLLER}, whom the admission policy knows, and runs as {user}"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::controller_namespace;

    #[test]
    fn the_controller_is_its_service_account() {
        assert_eq!(
            controller_namespace("system:serviceaccount:jit-access:jit-access-controller"),
            Ok("jit-access")
        );
        for other in [
            "admin",
            "system:serviceaccount:jit-access:default",
            "system:serviceaccount::jit-access-controller",
            "system:serviceaccount:a:b:jit-access-controller",
            "system:serviceaccount:jit-access:x-jit-access-controller",
            "jit-access-controller",
        ] {
            let why = controller_namespace(other).unwrap_err();
            assert!(why.ends_with(&format!("runs as {other}")), "{why}");
        }
    }
}
