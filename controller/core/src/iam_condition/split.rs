//! The top-level `&&` terms of an expression, each with its own text.
//!
//! A tree does not know where its parts stand in the source, so the scan cuts at `&&` and the parser judges: every
//! piece, parsed alone, must be exactly its conjunct of the whole.

use cel::common::ast::{IdedExpr, operators};

use super::scan::{Kind, Token, scan};
use super::term::Term;
use super::tree::{conjuncts, operands};

/// The terms of `source`, whose tokens and tree the caller already has.
pub(super) fn split(source: &str, tokens: &[Token], tree: &IdedExpr) -> Result<Vec<Term>, String> {
    let code: Vec<Token> = tokens
        .iter()
        .filter(|t| t.kind != Kind::Comment)
        .cloned()
        .collect();
    // Pieces that are still to be cut, the next one last; each is either a term or an `&&`.
    let mut open: Vec<(&[Token], Term)> = vec![(&code, Term::parse(source, tokens)?)];
    let mut terms = Vec::new();
    while let Some((piece, term)) = open.pop() {
        if operands(term.tree(), operators::LOGICAL_AND).is_none() {
            terms.push(term);
            continue;
        }
        for part in cut(piece).ok_or(DISAGREE)?.into_iter().rev() {
            // The comments between the tokens of `part` are those of `source` in its range.
            open.push((part, Term::parse(source, within(tokens, part))?));
        }
    }
    let trees: Vec<&IdedExpr> = terms.iter().map(Term::tree).collect();
    if trees == conjuncts(tree) {
        Ok(terms)
    } else {
        Err(DISAGREE.into())
    }
}

const DISAGREE: &str =
    "The expression's terms cannot be told apart with certainty; write it as terms joined by &&.";

/// The pieces between the `&&` outside of any bracket; if there is none, those inside of the brackets that
/// enclose the whole.
fn cut(mut piece: &[Token]) -> Option<Vec<&[Token]>> {
    loop {
        let mut depth = 0_usize;
        let parts: Vec<&[Token]> = piece
            .split(|token| {
                match token.kind {
                    Kind::Open => depth += 1,
                    Kind::Close => depth = depth.saturating_sub(1),
                    _ => {}
                }
                token.kind == Kind::And && depth == 0
            })
            .collect();
        if parts.len() > 1 {
            return parts.iter().all(|part| !part.is_empty()).then_some(parts);
        }
        match piece {
            [first, inner @ .., last] if first.kind == Kind::Open && last.kind == Kind::Close => {
                piece = inner;
            }
            _ => return None,
        }
    }
}

/// The tokens of the whole, comments included, from the first to the last token of a piece.
fn within<'t>(tokens: &'t [Token], piece: &[Token]) -> &'t [Token] {
    let (Some(first), Some(last)) = (piece.first(), piece.last()) else {
        return &[];
    };
    let start = tokens.partition_point(|token| token.range.start < first.range.start);
    let end = tokens.partition_point(|token| token.range.end <= last.range.end);
    &tokens[start..end]
}

/// One term that is the `&&` of `terms`, in their order; None if there are none.
pub(super) fn join(terms: &[&Term]) -> Result<Option<Term>, String> {
    if terms.is_empty() {
        return Ok(None);
    }
    let text = terms
        .iter()
        .map(|term| term.text())
        .collect::<Vec<_>>()
        .join(" && ");
    let joined = Term::parse(&text, &scan(&text)?)?;
    let expected: Vec<&IdedExpr> = terms.iter().map(|term| term.tree()).collect();
    if conjuncts(joined.tree()) == expected {
        Ok(Some(joined))
    } else {
        Err(DISAGREE.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        let terms = split(source, &scan(source).unwrap(), &parse(source).unwrap()).unwrap();
        // Whatever was cut, put together it is the whole again.
        let joined = join(&terms.iter().collect::<Vec<_>>()).unwrap().unwrap();
        assert_eq!(
            conjuncts(joined.tree()),
            conjuncts(&parse(source).unwrap()),
            "{source}"
        );
        terms.iter().map(|term| term.text().to_owned()).collect()
    }

    #[test]
    fn terms_are_cut_at_the_top_level_only() {
        for (source, expected) in [
            ("a", &["a"][..]),
            ("a && b", &["a", "b"]),
            ("a&&b&&c&&d&&e", &["a", "b", "c", "d", "e"]),
            ("a || b", &["a || b"]),
            ("a && b || c", &["a && b || c"]),
            ("a && (b || c)", &["a", "(b || c)"]),
            ("a ? b && c : d", &["a ? b && c : d"]),
            ("a && b ? c : d", &["a && b ? c : d"]),
            ("(a && b)", &["a", "b"]),
            ("((a && (b)))", &["a", "(b)"]),
            ("(a && b) && (c && (d && e))", &["a", "b", "c", "d", "e"]),
            ("(a) && (b)", &["(a)", "(b)"]),
            ("!(a && b) && c", &["!(a && b)", "c"]),
            ("f(a && b) && [c && d][0]", &["f(a && b)", "[c && d][0]"]),
            ("{a: b && c}.d && e", &["{a: b && c}.d", "e"]),
            ("l.all(x, x && y) && z", &["l.all(x, x && y)", "z"]),
            ("has(a.b) && c", &["has(a.b)", "c"]),
            ("a in ['&&', 'b'] && c", &["a in ['&&', 'b']", "c"]),
        ] {
            assert_eq!(texts(source), expected, "{source}");
        }
    }

    #[test]
    fn strings_and_comments_are_no_place_to_cut() {
        for (source, expected) in [
            (r#"a == "x && y" && b"#, &[r#"a == "x && y""#, "b"][..]),
            (
                r#"a == r"\" && b == "\"&&""#,
                &[r#"a == r"\""#, r#"b == "\"&&""#],
            ),
            ("a == '''x'&&\ny''' && b", &["a == '''x'&&\ny'''", "b"]),
            ("a == b'&&' && b", &["a == b'&&'", "b"]),
            ("a // && (b\n && c", &["a", "c"]),
            ("a && // x\n b // y", &["a", "b"]),
            ("// x && y\n(a && b) // ) z", &["a", "b"]),
            ("a && (b // )\n || c)", &["a", "(b \n || c)"]),
            ("a == 'größe ✌' && b", &["a == 'größe ✌'", "b"]),
            ("true\r// x\r|| false", &["true"]),
        ] {
            assert_eq!(texts(source), expected, "{source}");
        }
    }
}
