//! Text that others wrote, made to fit a terminal and to show what it is.

use jiff::SignedDuration;
use jit_access_core::visible_text::is_invisible;

/// No line is longer, in characters.
pub const WIDTH: usize = 100;

/// Whether a character is not seen, or would control the terminal.
pub fn is_hidden(character: char) -> bool {
    character.is_control() || is_invisible(character)
}

/// The text with escapes for what is not seen or would control the terminal; line ends stay.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => visible.push('\n'),
            '\t' => visible.push(' '),
            hidden if is_hidden(hidden) => {
                visible.extend(hidden.escape_unicode());
            }
            plain => visible.push(plain),
        }
    }
    visible
}

/// As [`visible`], on one line and cut to this many characters.
pub fn cut(text: &str, width: usize) -> String {
    let line = visible(text).replace('\n', " ");
    if line.chars().count() <= width {
        return line;
    }
    let mut start: String = line.chars().take(width.saturating_sub(1)).collect();
    start.push('…');
    start
}

/// As [`visible`], in lines of at most this many characters: broken at spaces, a longer word
/// wherever it must be.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in visible(text).split('\n') {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let mut rest = word;
            loop {
                let size = rest.chars().count();
                let gap = usize::from(length > 0);
                if length + gap + size <= width {
                    line.push_str(&" ".repeat(gap));
                    line.push_str(rest);
                    length += gap + size;
                    break;
                }
                if length > 0 {
                    lines.push(std::mem::take(&mut line));
                    length = 0;
                    continue;
                }
                let (at, _) = rest
                    .char_indices()
                    .nth(width.max(1))
                    .unwrap_or((rest.len(), ' '));
                let (start, end) = rest.split_at(at);
                lines.push(start.to_owned());
                rest = end;
            }
        }
        lines.push(line);
    }
    while lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// A length of time in its largest unit, such as `5m`.
pub fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{202e}c\nd\te"),
            "a\\u{1b}[2Jb\\u{202e}c\nd e"
        );
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(cut("instanceAdmin", 13), "instanceAdmin");
        assert_eq!(cut("instanceAdmin", 8), "instanc…");
        assert_eq!(cut("zwei\nZeilen", 20), "zwei Zeilen");
        assert_eq!(cut("äöüäöü", 3), "äö…");
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrap("one\n\ntwo\n", 10), ["one", "", "two"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("äöüß", 2), ["äö", "üß"]);
    }

    #[test]
    fn times_are_told_roughly() {
        for (seconds, text) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_199, "119m"),
            (7_200, "2h"),
            (172_800, "2d"),
        ] {
            assert_eq!(rough(SignedDuration::from_secs(seconds)), text);
        }
    }
}
