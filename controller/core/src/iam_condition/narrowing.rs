//! `spec.condition`: a term that narrows a grant.

use super::marker::names_marker;
use super::scan::{Kind, scan};
use super::term::Term;

/// The longest `spec.condition`, in characters.
pub const MAX_NARROWING_CHARACTERS: usize = 1000;

/// Reads a `spec.condition`: one line without comments, one expression that parses alone, without a marker's name
/// (else the grant would make its holder eligible). The error is a sentence.
pub fn narrowing(text: &str) -> Result<Term, String> {
    let characters = text.chars().count();
    if !(1..=MAX_NARROWING_CHARACTERS).contains(&characters) {
        return Err(format!(
            "The condition has {characters} characters; it must have 1 to {MAX_NARROWING_CHARACTERS}."
        ));
    }
    if let Some(hidden) = text.chars().find(|c| misleads(*c)) {
        return Err(format!(
            "The condition contains the character U+{:04X}; it must be one line of visible text.",
            u32::from(hidden)
        ));
    }
    let tokens = scan(text)?;
    if tokens.iter().any(|token| token.kind == Kind::Comment) {
        return Err("The condition contains a comment (//), which it must not.".into());
    }
    let term = Term::parse(text, &tokens)?;
    if names_marker(term.tree()) {
        return Err(
            "The condition names a marker of eligibility (jitAccessConstraint or \
                    multiPartyApprovalConstraint), which it must not."
                .into(),
        );
    }
    Ok(term)
}

/// Line ends, other control characters, and what changes how the text around it is shown or is not shown itself:
/// an approver must see what is granted.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_is_kept_as_written() {
        for text in [
            r#"resource.name.startsWith("projects/web-prod/zones/europe-west1-b")"#,
            "a || b",
            "a == '//' || b",
            "a == 'jitAccessConstraint'",
            "a == 'größe'",
        ] {
            assert_eq!(narrowing(text).unwrap().text(), text);
        }
        assert_eq!(narrowing(" a ").unwrap().text(), "a");
    }

    #[test]
    fn everything_else_is_refused_with_a_sentence() {
        let long = format!("a == '{}'", "é".repeat(994));
        for (text, why) in [
            ("", "0 characters"),
            (&*long, "1001 characters"),
            (" ", "no valid CEL"),
            ("a\n&& b", "U+000A"),
            ("a\r// x\r|| true", "U+000D"),
            ("a\t&& b", "U+0009"),
            ("a == '\u{202e}'", "U+202E"),
            ("a == '\u{2028}'", "U+2028"),
            ("a // b", "comment"),
            ("// b", "comment"),
            ("a) || (true", "no valid CEL"),
            ("a && b) || (c", "no valid CEL"),
            ("a, b", "no valid CEL"),
            ("a; b", "no valid CEL"),
            ("'a", "not closed"),
            ("has({}.jitAccessConstraint)", "marker"),
            ("a && !has({}.JITACCESSCONSTRAINT)", "marker"),
            (
                "[1].exists(x, has({}.multiPartyApprovalConstraint))",
                "marker",
            ),
            ("resource.jitAccessConstraint", "marker"),
        ] {
            let refusal = narrowing(text).unwrap_err();
            assert!(refusal.contains(why), "{text:.80}: {refusal}");
        }
        assert!(narrowing(&"a".repeat(1000)).is_ok());
    }
}
