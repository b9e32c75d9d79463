//! Readings by text: an organization has 100,000 bindings and few distinct conditions.

use std::collections::HashMap;

use super::marker::may_name_marker;
use super::reading::{Reading, read};
use super::scan::MAX_EXPRESSION_BYTES;

/// A cache of [`read`], bounded in memory.
#[derive(Debug, Default)]
pub struct Readings {
    by_text: HashMap<String, Reading>,
    /// The last reading of a text that is too long to be kept.
    too_long: Option<Reading>,
}

/// Beyond this many distinct conditions with a marker's name all are forgotten.
const MAX_TEXTS: usize = 10_000;

impl Readings {
    /// As [`read`], parsing each text once.
    pub fn read(&mut self, expression: &str) -> &Reading {
        if !may_name_marker(expression) {
            return &Reading::Plain;
        }
        if expression.len() > MAX_EXPRESSION_BYTES {
            return self.too_long.insert(read(expression));
        }
        if self.by_text.len() >= MAX_TEXTS && !self.by_text.contains_key(expression) {
            self.by_text.clear();
        }
        self.by_text
            .entry(expression.to_owned())
            .or_insert_with(|| read(expression))
    }

    /// A copy with no more than what these texts need, for somebody who reads them many times while others use
    /// this.
    #[must_use]
    pub fn part<'a>(&mut self, expressions: impl IntoIterator<Item = &'a str>) -> Self {
        let mut part = Self::default();
        for expression in expressions {
            if may_name_marker(expression)
                && expression.len() <= MAX_EXPRESSION_BYTES
                && !part.by_text.contains_key(expression)
            {
                let reading = self.read(expression).clone();
                part.by_text.insert(expression.to_owned(), reading);
            }
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_as_the_whole_and_has_each_text_once() {
        let long = format!(
            "has({{}}.jitAccessConstraint) && {}",
            "a".repeat(MAX_EXPRESSION_BYTES)
        );
        let texts = [
            "",
            "has({}.jitAccessConstraint)",
            "has({}.jitAccessConstraint)",
            "has({}.jitAccessConstraint) && (",
            &long,
        ];
        let mut part = Readings::default().part(texts);
        assert_eq!(part.by_text.len(), 2);
        for text in texts {
            assert_eq!(*part.read(text), read(text), "{text}");
        }
    }

    #[test]
    fn a_cached_reading_is_the_reading() {
        let mut readings = Readings::default();
        let long = format!(
            "has({{}}.jitAccessConstraint) && {}",
            "a".repeat(MAX_EXPRESSION_BYTES)
        );
        for text in [
            "",
            "a",
            "has({}.jitAccessConstraint) && a",
            "!has({}.jitAccessConstraint)",
            &long,
        ] {
            for _ in 0..2 {
                assert_eq!(*readings.read(text), read(text), "{text:.80}");
            }
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut readings = Readings::default();
        // Comments alone: read without a parse.
        for i in 0..=MAX_TEXTS {
            readings.read(&format!("// jitAccessConstraint {i}"));
        }
        assert_eq!(readings.by_text.len(), 1);
    }
}
