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

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

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
