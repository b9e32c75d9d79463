//! The names of all resources in one piece, so that a search of thousands reads memory from its beginning to its end.

use jit_access_core::visible_text::is_invisible;
use memchr::memmem::Finder;

use super::world::id_of;

/// Google allows less for what is called here.
const MOST_CHARACTERS: usize = 200;

/// What somebody called a resource or a role, without what would change how the text around it is read.
pub(super) fn readable(name: &str) -> String {
    let visible = name.chars().filter(|c| !is_invisible(*c));
    let spaced = visible.map(|c| if c.is_control() { ' ' } else { c });
    let name: String = spaced.take(MOST_CHARACTERS).collect();
    name.trim().to_owned()
}

/// For each resource a line with its name and a line with its display name, for comparisons.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: Box<str>,
    lines: Box<[Lines]>,
}

/// Where a resource's two lines begin, and where the second ends.
#[derive(Debug)]
struct Lines {
    name: usize,
    /// The name without its kind.
    id: usize,
    display_name: usize,
    end: usize,
}

impl Names {
    /// Of names and display names, in the order of the resources.
    pub(super) fn new<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut text, mut lines) = (String::new(), Vec::new());
        for (name, display_name) in all {
            let start = text.len();
            text.push_str(name);
            text.push('\n');
            let middle = text.len();
            text.push_str(&display_name.to_lowercase().replace('\n', " "));
            text.push('\n');
            lines.push(Lines {
                name: start,
                id: start + name.len() - id_of(name).len(),
                display_name: middle,
                end: text.len(),
            });
        }
        Names {
            text: text.into(),
            lines: lines.into(),
        }
    }

    /// The name of a resource, and its display name for comparisons.
    pub(super) fn of(&self, resource: usize) -> (&str, &str) {
        let lines = self.lines.get(resource);
        let both = lines.and_then(|lines| {
            // Without their ends.
            let name = self.text.get(lines.name..lines.display_name - 1)?;
            let display_name = self.text.get(lines.display_name..lines.end - 1)?;
            Some((name, display_name))
        });
        both.unwrap_or_default()
    }

    /// Whether the identifier or the display name of a resource begins with a text; of one with a slash, the name.
    pub(super) fn begin_with(&self, resource: usize, text: &str) -> bool {
        let Some(lines) = self.lines.get(resource) else {
            return false;
        };
        let name = if text.contains('/') {
            lines.name
        } else {
            lines.id
        };
        let begins = |start: usize| {
            let rest = self.text.as_bytes().get(start..);
            rest.is_some_and(|rest| rest.starts_with(text.as_bytes()))
        };
        begins(name) || begins(lines.display_name)
    }

    /// The first resource from this one on whose lines contain a text.
    pub(super) fn next_with(&self, text: &Finder<'_>, resource: usize) -> Option<usize> {
        let lines = self.lines.get(resource)?;
        let rest = self.text.as_bytes().get(lines.name..)?;
        let at = lines.name + text.find(rest)?;
        // Mostly it is this very one where many have the text, and far away where few have it.
        if at < lines.end {
            return Some(resource);
        }
        let after = self.lines.get(resource + 1..)?;
        Some(resource + 1 + after.partition_point(|lines| lines.end <= at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new([
            ("folders/1", "Größe"),
            ("projects/a", ""),
            ("projects/b", "Two\nLines"),
        ])
    }

    #[test]
    fn what_turns_text_around_is_left_out() {
        assert_eq!(readable("Größe (1)"), "Größe (1)");
        assert_eq!(readable(" Web\u{202e}\u{200b}\n shop\u{7}"), "Web  shop");
        assert_eq!(readable("\u{202e}\n"), "");
        assert_eq!(readable(&"x".repeat(1_000_000)).len(), MOST_CHARACTERS);
    }

    #[test]
    fn each_resource_has_its_own_lines() {
        let names = names();
        assert_eq!(names.of(0), ("folders/1", "größe"));
        assert_eq!(names.of(1), ("projects/a", ""));
        assert_eq!(names.of(2), ("projects/b", "two lines"));
        assert_eq!(names.of(3), ("", ""));
    }

    #[test]
    fn a_text_is_found_in_the_lines_of_its_resource() {
        let names = names();
        for (text, first, found) in [
            ("1", 0, Some(0)),
            ("öß", 0, Some(0)),
            ("öß", 1, None),
            ("projects", 0, Some(1)),
            ("projects", 1, Some(1)),
            ("projects", 2, Some(2)),
            ("lines", 0, Some(2)),
            ("", 1, Some(1)),
            ("", 3, None),
            ("nothing", 0, None),
        ] {
            assert_eq!(names.next_with(&Finder::new(text), first), found, "{text}");
        }
        for (text, resource, begins) in [
            ("", 0, true),
            ("1", 0, true),
            ("grö", 0, true),
            ("folders", 0, false),
            ("folders/", 0, true),
            ("b", 2, true),
            ("two l", 2, true),
            ("lines", 2, false),
            ("", 3, false),
        ] {
            assert_eq!(names.begin_with(resource, text), begins, "{text}");
        }
        assert_eq!(Names::default().next_with(&Finder::new(""), 0), None);
    }
}
