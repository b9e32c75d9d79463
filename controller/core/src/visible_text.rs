//! Text that shows what it is.

/// Characters that are not seen, or that change how the text around them is shown: who approves
/// must see what is asked. The schema refuses the same ones.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Longest piece of somebody else's text that is quoted, in characters.
const QUOTE_LENGTH: usize = 120;

/// Somebody else's text as it can be shown in a log, a status or a terminal: cut, on one line, and
/// without control, invisible and direction characters.
#[must_use]
pub fn shown(text: &str) -> String {
    shown_up_to(text, QUOTE_LENGTH)
}

/// As [`shown`], cut after so many characters.
#[must_use]
pub fn shown_up_to(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for character in text.chars().take(most) {
        match character {
            // It quotes nothing here, and stands in addresses.
            '\'' => shown.push(character),
            _ if is_invisible(character) => shown.extend(character.escape_unicode()),
            _ => shown.extend(character.escape_debug()),
        }
    }
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn attack_17_hostile_text_is_cut_and_escaped() {
        let hostile = format!("a\n\u{1b}[31m\u{202e}\u{3164}\"{}", "x".repeat(1_000_000));
        let text = shown(&hostile);
        assert!(
            text.starts_with("a\\n\\u{1b}[31m\\u{202e}\\u{3164}\\\"xxx"),
            "{text}"
        );
        assert!(text.ends_with("x…"), "{text}");
        assert!(text.chars().count() < 160, "{text}");
        assert_eq!(shown("o'brien@example.com"), "o'brien@example.com");
        assert_eq!(shown_up_to("größer", 4), "größ…");
    }

    #[test]
    fn the_schema_refuses_the_same_characters() {
        let crd = jit_access_crds::crd_yaml().unwrap();
        // Escaped for CEL, and again for YAML.
        let classes: Vec<Regex> = crd
            .split("!self.matches('[")
            .skip(1)
            .map(|rule| rule.split_once("]')").unwrap().0.replace(r"\\\\", r"\"))
            .map(|class| Regex::new(&format!("^[{class}]$")).unwrap())
            .collect();
        let [condition, justification] = classes.as_slice() else {
            panic!("{classes:?}");
        };
        for character in '\0'..=char::MAX {
            let mut bytes = [0; 4];
            let text = &*character.encode_utf8(&mut bytes);
            let hidden = character.is_control() || is_invisible(character);
            let code = u32::from(character);
            assert_eq!(condition.is_match(text), hidden, "U+{code:04X}");
            let hidden = hidden && !matches!(character, '\n' | '\t');
            assert_eq!(justification.is_match(text), hidden, "U+{code:04X}");
        }
    }
}
