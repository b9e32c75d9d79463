//! One CEL expression.

use std::fmt;

use cel::common::ast::IdedExpr;

use super::scan::{Kind, Token};
use super::tree::parse_scanned;

/// One CEL expression that parses alone: its source text without comments, and its tree.
///
/// Equal terms have equal trees, whatever their texts look like.
#[derive(Clone)]
pub struct Term {
    text: String,
    tree: IdedExpr,
}

impl Term {
    /// The source text, without comments and without white space around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn tree(&self) -> &IdedExpr {
        &self.tree
    }

    /// The expression that these tokens of `source` spell.
    pub(super) fn parse(source: &str, tokens: &[Token]) -> Result<Self, String> {
        let text = text_without_comments(source, tokens);
        let tree = parse_scanned(&text)?;
        Ok(Self { text, tree })
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree
    }
}

impl Eq for Term {}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Term").field(&self.text).finish()
    }
}

/// From the first to the last token that is no comment, as in `source` but for the comments. The line feed that
/// ends a comment stays, so the tokens around it stay apart.
fn text_without_comments(source: &str, tokens: &[Token]) -> String {
    let is_code = |token: &Token| token.kind != Kind::Comment;
    let Some((first, last)) = tokens
        .iter()
        .position(is_code)
        .zip(tokens.iter().rposition(is_code))
    else {
        return String::new();
    };
    let mut text = String::new();
    let mut at = tokens[first].range.start;
    for comment in tokens[first..last].iter().filter(|token| !is_code(token)) {
        text.push_str(&source[at..comment.range.start]);
        at = comment.range.end;
    }
    text.push_str(&source[at..tokens[last].range.end]);
    text
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn term(source: &str) -> Term {
        Term::parse(source, &scan(source).unwrap()).unwrap()
    }

    #[test]
    fn the_text_is_the_source_without_comments() {
        for (source, text) in [
            ("  a\t", "a"),
            ("// x\na // y\n// z", "a"),
            ("a//x\n||//y\nb", "a\n||\nb"),
            ("a\r// x\r|| false", "a"),
            (r#" "// \x41" == r'\' "#, r#""// \x41" == r'\'"#),
        ] {
            assert_eq!(term(source).text(), text, "{source}");
        }
    }

    #[test]
    fn equality_is_that_of_trees() {
        assert_eq!(term("a == 'x'"), term("(a)==\"\\x78\" // same"));
        assert_ne!(term("a == 'x'"), term("'x' == a"));
    }
}
