//! Words of Google and of libraries, made fit for our sentences.

use std::error::Error as StdError;

use google_cloud_gax::error::CredentialsError;

/// How much of foreign words goes into a sentence, in characters.
const MAX_QUOTE: usize = 300;

/// The last cause, where the libraries' wrappers end: `Connection refused (os error 111)`. The outer ones repeat
/// the address, which may hold a person's e-mail.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    quote(&last.to_string()).unwrap_or_else(|| "no cause given".to_owned())
}

/// Why there is no token. The outer errors say only that there is none, and whether the object that failed tries on,
/// which is not the whole truth here: it is built anew.
pub(crate) fn token_failure(error: &(dyn StdError + 'static)) -> String {
    let mut inmost = error;
    let mut next = Some(error);
    while let Some(source) = next {
        if source.is::<CredentialsError>() {
            inmost = source;
        }
        next = source.source();
    }
    let text = inmost.to_string();
    let text = text
        .trim_end_matches("and future attempts will not succeed")
        .trim_end_matches("but future attempts may succeed");
    let cause = inmost.source().map(innermost);
    let text = [quote(text), cause]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(": ");
    if text.is_empty() {
        "no cause given".to_owned()
    } else {
        text
    }
}

/// All causes in a line; for errors about credentials, where each level adds something.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = source.source();
    }
    quote(&text).unwrap_or_else(|| "no cause given".to_owned())
}

/// Foreign words made fit for a line of ours: one line, no control or direction characters, no access tokens, at
/// most [`MAX_QUOTE`] characters, no full stop at the end. None if nothing is left.
pub(crate) fn quote(text: &str) -> Option<String> {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    // A bound before the work: an error page may be megabytes.
    let visible: String = text
        .chars()
        .take(10 * MAX_QUOTE)
        .map(|c| if invisible(c) { ' ' } else { c })
        .collect();
    let words: Vec<String> = visible.split_whitespace().map(without_tokens).collect();
    let line = words.join(" ");
    let mut cut: String = line.chars().take(MAX_QUOTE).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    let cut = cut.trim_end_matches('.');
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// Google's access tokens start with `ya29.`, signed ones with `eyJ`; whatever follows is left out.
fn without_tokens(word: &str) -> String {
    match ["ya29.", "eyJ"].iter().find_map(|start| word.find(start)) {
        Some(at) => format!("{}[token]", &word[..at]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_are_one_bounded_line_without_tokens() {
        assert_eq!(
            quote("a\r\nb\u{202e}c\u{0} Bearer ya29.a0AfH6_secret-x, \"eyJhbGciOi.J9.x\" end."),
            Some("a b c Bearer [token] \"[token] end".to_owned())
        );
        assert_eq!(quote(" \n "), None);
        let long = quote(&"ü".repeat(5000)).expect("text");
        assert_eq!(long.chars().count(), MAX_QUOTE + 1);
    }
}
