//! The probe: a request in another's name, which the API server must refuse, and by our policy.

use serde_json::{Value, json};

use super::POLICY;

/// Name of the object that the probe would make.
pub const PROBE: &str = "identity-probe";

/// What the probe sends, as a dry run, in the controller's own namespace. It is valid in every
/// field but the one that it lies in, so that only the policy can refuse it.
#[must_use]
pub fn probe_object(namespace: &str) -> Value {
    json!({
        "apiVersion": "jit-access.dev/v1alpha1",
        "kind": "AccessRequest",
        "metadata": {"name": PROBE, "namespace": namespace},
        "spec": {
            "requester": "somebody-else@example.com",
            "resource": "projects/identity-probe",
            "roles": ["roles/viewer"],
            "justification": "Shows that nobody can ask in another's name; it is never made.",
        },
    })
}

/// What the API server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It would have made the object.
    Admitted,
    /// It refused.
    Refused {
        /// HTTP status.
        code: u16,
        /// The message of the `Status`.
        message: &'a str,
    },
}

/// What an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// The policy is in force.
    Proof,
    /// Whoever may create requests can ask in another's name at this moment.
    Admitted,
    /// Somebody else refused, which shows nothing: a sentence.
    NoProof(String),
}

/// Reads the answer to the probe of this user. Only the words of our own policy and binding, about
/// this very lie, are proof; those of RBAC, a schema, a webhook or another policy are none.
#[must_use]
pub fn probed(user: &str, answer: Answer<'_>) -> Probed {
    let (code, message) = match answer {
        Answer::Admitted => return Probed::Admitted,
        Answer::Refused { code, message } => (code, message),
    };
    // k8s.io/apiserver, plugin/policy/validating: how a denied request is answered.
    let expected = format!(
        "accessrequests.jit-access.dev \"{PROBE}\" is forbidden: ValidatingAdmissionPolicy '{POLICY}' with binding '{POLICY}' denied request: spec.requester must be you, {}",
        user.to_ascii_lowercase()
    );
    let rest = message.strip_prefix(&expected);
    if code == 403 && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
        return Probed::Proof;
    }
    Probed::NoProof(format!(
        "a request in another's name was not refused by the admission policy {POLICY} but otherwise: {message}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "system:serviceaccount:jit-access:jit-access-controller";

    fn refused(code: u16, message: &str) -> Probed {
        probed(USER, Answer::Refused { code, message })
    }

    fn denial(policy: &str, binding: &str, why: &str) -> String {
        format!(
            "accessrequests.jit-access.dev \"identity-probe\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {why}"
        )
    }

    #[test]
    fn the_policys_own_words_are_proof() {
        for why in [
            "spec.requester must be you, system:serviceaccount:jit-access:jit-access-controller",
            "spec.requester must be you, system:serviceaccount:jit-access:jit-access-controller: it is no delegate",
        ] {
            assert_eq!(refused(403, &denial(POLICY, POLICY, why)), Probed::Proof);
        }
    }

    #[test]
    fn attack_25_nothing_else_is_proof() {
        let why = format!("spec.requester must be you, {USER}");
        let proof = denial(POLICY, POLICY, &why);
        for (code, message) in [
            (422, proof.clone()),
            (403, denial("another", POLICY, &why)),
            (403, denial(POLICY, "another", &why)),
            (403, denial(POLICY, POLICY, "the status is written by the controller alone")),
            (403, denial(POLICY, POLICY, &format!("{why}-2"))),
            (403, denial("another", "another", &proof)),
            (
                403,
                format!("admission webhook \"x\" denied the request: {proof}"),
            ),
            (
                403,
                format!("accessrequests.jit-access.dev is forbidden: User \"{USER}\" cannot create resource"),
            ),
            (
                422,
                "AccessRequest.jit-access.dev \"identity-probe\" is invalid: spec.requester: Invalid value".to_owned(),
            ),
        ] {
            match refused(code, &message) {
                Probed::NoProof(said) => assert!(said.ends_with(&message), "{said}"),
                other => panic!("{other:?}: {message}"),
            }
        }
        assert_eq!(probed(USER, Answer::Admitted), Probed::Admitted);
    }
}
