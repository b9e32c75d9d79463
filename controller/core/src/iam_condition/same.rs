//! Whether two sources spell the same expression.

use super::tree::parse;

/// Whether both expressions can be read, and their trees are equal. White space, comments,
/// parentheses that change nothing and spellings of one literal make no difference.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    matches!((parse(one), parse(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_makes_no_difference_and_meaning_does() {
        assert!(same("a && (b || c)", "(a)&&\n( b||c ) // d"));
        assert!(same("a == 'x'", "a == \"\\x78\""));
        for other in [
            "a",
            "(a && b) || c",
            "a && (c || b)",
            "a && (b || c) && true",
            "a && (b || c",
            "",
        ] {
            assert!(!same("a && (b || c)", other), "{other}");
        }
        assert!(
            !same("a &&", "a &&"),
            "what cannot be read is the same as nothing"
        );
    }
}
