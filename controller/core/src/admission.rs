//! What the admission policy said, taken out of what the API server made of it.

/// The sentence of the admission policy's rule, without the frame that the API server puts around
/// it; `None` for a message that is no policy's refusal.
#[must_use]
pub fn policy_sentence(message: &str) -> Option<&str> {
    message
        .contains("ValidatingAdmissionPolicy")
        .then(|| message.split_once("denied request: "))
        .flatten()
        .map(|(_, sentence)| sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_what_the_rule_says() {
        let frame = "accessrequests.jit-access.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'jit-access-identity' with binding 'jit-access-identity' denied request: you decide: in your own name";
        assert_eq!(policy_sentence(frame), Some("you decide: in your own name"));
        assert_eq!(policy_sentence("User \"eve\" cannot list resource"), None);
    }
}
