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

/// As [`visible`], on one line.
pub fn on_one_line(text: &str) -> String {
    visible(text).replace('\n', " ")
}

/// As [`on_one_line`], and cut to this many characters.
pub fn cut(text: &str, width: usize) -> String {
    let line = on_one_line(text);
    if line.chars().count() <= width {
        return line;
    }
    let mut start: String = line.chars().take(width.saturating_sub(1)).collect();
    start.push('…');
    start
}

/// As [`visible`], in lines of at most this many characters: broken at spaces, a longer word
/// wherever it must be. For what others wrote: none of it leaves its place.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    lines(text, width, |_| 1)
}

/// As [`wrap`], but a command stays on one line, however long it is: somebody pastes it.
pub fn wrap_told(text: &str, width: usize) -> Vec<String> {
    lines(text, width, command)
}

/// `whole` says of the words that are still to come how many of them stay together.
fn lines(text: &str, width: usize, whole: fn(&[&str]) -> usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in visible(text).split('\n') {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        let mut words = words.as_slice();
        let mut line = String::new();
        while !words.is_empty() {
            let (part, others) = words.split_at(whole(words));
            words = others;
            let mut rest = part.join(" ");
            let mut size = rest.chars().count();
            let room = width.saturating_sub(line.chars().count() + 1);
            if !line.is_empty() && size > room {
                lines.push(std::mem::take(&mut line));
            }
            while part.len() == 1 && size > width {
                let others = rest.chars().skip(width).collect();
                lines.push(rest.chars().take(width).collect());
                rest = others;
                size -= width;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&rest);
        }
        lines.push(line);
    }
    while lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// How many words the command has that these begin with; 1 if it is none. It goes on to the closing
/// backquote, or to a sign that ends part of a sentence, outside its own quotes.
fn command(words: &[&str]) -> usize {
    let first = words.first().copied().unwrap_or_default();
    let first = first.trim_start_matches('(');
    let marked = first.starts_with('`');
    if first.trim_start_matches('`') != "kubectl" {
        return 1;
    }
    let mut quoted = false;
    for (index, word) in words.iter().enumerate().skip(1) {
        quoted ^= word.matches('"').count() % 2 == 1;
        let ends = if marked {
            word.contains('`')
        } else {
            word.ends_with([';', ',', ':', '.', ')'])
        };
        if ends && !quoted {
            return index + 1;
        }
    }
    if quoted { 1 } else { words.len() }
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
    use jit_access_core::review::approval_command;

    use super::*;
    use crate::samples::request;

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
        assert_eq!(wrap("kubectl jit list", 8), ["kubectl", "jit list"]);
    }

    #[test]
    fn the_command_for_a_reviewer_is_never_broken() {
        let request = request();
        let command = approval_command(&request, "bob@example.com");
        let message = format!(
            "waits for the approval of bob@example.com or carol@example.com; bob@example.com approves with: {command}; the others do so with their own address"
        );
        for width in 1..200 {
            let lines = wrap_told(&message, width);
            assert!(
                lines.iter().any(|line| line.contains(&command)),
                "{lines:#?}"
            );
            for line in lines {
                assert!(
                    line.contains(&command) || line.chars().count() <= width,
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_command_ends_where_its_sentence_goes_on() {
        for (text, lines) in [
            (
                "see `kubectl jit list --all` or so",
                ["see", "`kubectl jit list --all`", "or so"].as_slice(),
            ),
            (
                "with: kubectl annotate areq x a=\"b: <c>\", or the same",
                &[
                    "with:",
                    "kubectl annotate areq x a=\"b: <c>\",",
                    "or the",
                    "same",
                ],
            ),
            ("type kubectl get areq", &["type", "kubectl get areq"]),
            ("(`kubectl jit x`) a b", &["(`kubectl jit x`)", "a b"]),
            // Not a command: its quote has no end.
            ("kubectl a=\"b c d e", &["kubectl", "a=\"b c d", "e"]),
        ] {
            assert_eq!(wrap_told(text, 8), lines);
        }
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
