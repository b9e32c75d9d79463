//! Searching for a resource by a part of its name.

use jiff::Timestamp;
use jit_access_core::eligibility::Person;
use memchr::memmem::Finder;

use super::{
    snapshot::{Place, Snapshot},
    world::id_of,
};

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The first of them.
    pub places: Vec<Place>,
    /// How many there are beyond these.
    pub more: usize,
}

/// How well a resource fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Begins,
    Contains,
}

impl Snapshot {
    /// The resources where the person is eligible for something now, by a binding there or above, and whose identifier
    /// or display name contains every word of `text`, in any case: those that begin with it first, each by name. At most `most` are
    /// given, the others are counted.
    #[must_use]
    pub fn find(&self, person: &Person, text: &str, most: usize) -> Found {
        self.find_at(person, text, most, Timestamp::now())
    }

    /// [`Snapshot::find`] at another time.
    #[must_use]
    pub fn find_at(&self, person: &Person, text: &str, most: usize, now: Timestamp) -> Found {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let longest = words.iter().max_by_key(|word| word.len());
        let finder = Finder::new(longest.copied().unwrap_or_default());
        let open = self.world.open_to(person, now);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut all = 0;
        let mut next = 0;
        // From one that is open to the next that has the text, until there is none.
        while let Some(at) = (next..open.len())
            .find(|at| open[*at])
            .and_then(|at| self.world.names.next_with(&finder, at))
        {
            next = at + 1;
            if !open[at] {
                continue;
            }
            let found = match fit(self.world.names.of(at), &text, &words) {
                Some(Fit::Begins) => &mut first,
                Some(Fit::Contains) => &mut second,
                None => continue,
            };
            all += 1;
            if found.len() < most {
                found.push(at);
            }
        }
        let chosen = first.into_iter().chain(second).take(most);
        let places: Vec<Place> = chosen.map(|node| self.place_of(node)).collect();
        Found {
            more: all - places.len(),
            places,
        }
    }
}

fn fit((name, display_name): (&str, &str), text: &str, words: &[&str]) -> Option<Fit> {
    // Identifiers are in lower case. A text with a slash is a whole name, or its beginning.
    let id_for = |text: &str| {
        if text.contains('/') {
            name
        } else {
            id_of(name)
        }
    };
    let has = |word: &&str| id_for(word).contains(*word) || display_name.contains(*word);
    if id_for(text).starts_with(text) || display_name.starts_with(text) {
        Some(Fit::Begins)
    } else if words.iter().all(has) {
        Some(Fit::Contains)
    } else {
        None
    }
}
