//! Searching for a resource by a part of its name.

use jiff::Timestamp;
use jit_access_core::eligibility::Person;
use memchr::memmem::Finder;

use super::{
    names::Names,
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
    /// or display name contains every word of `text`, in any case: those that begin with it first, each by name. At
    /// most `most` are given, the others are counted.
    #[must_use]
    pub fn find(&self, person: &Person, text: &str, most: usize) -> Found {
        self.find_at(person, text, most, Timestamp::now())
    }

    /// [`Snapshot::find`] at another time.
    #[must_use]
    pub fn find_at(&self, person: &Person, text: &str, most: usize, now: Timestamp) -> Found {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let query = Query::new(&words);
        let open = self.world.open_to(person, now);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut all = 0;
        let mut next = 0;
        // From one that is open to the next that has the text, until there is none.
        while let Some(at) = (next..open.len())
            .find(|at| open[*at])
            .and_then(|at| query.next(&self.world.names, at))
        {
            next = at + 1;
            if !open[at] {
                continue;
            }
            let found = match query.fit(&self.world.names, at) {
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

/// What is looked for, prepared for thousands of names.
struct Query<'a> {
    /// The longest first.
    words: Vec<Finder<'a>>,
    /// All words.
    text: String,
}

impl<'a> Query<'a> {
    fn new(words: &[&'a str]) -> Self {
        let mut longest_first = words.to_vec();
        longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Query {
            words: longest_first.into_iter().map(Finder::new).collect(),
            text: words.join(" "),
        }
    }

    /// The first resource from this one on that can fit. Where many do, it mostly is this one, which is seen without
    /// a search.
    fn next(&self, names: &Names, resource: usize) -> Option<usize> {
        if names.begin_with(resource, &self.text) {
            Some(resource)
        } else {
            // Without words everything begins with the text.
            names.next_with(self.words.first()?, resource)
        }
    }

    /// How well a resource fits.
    fn fit(&self, names: &Names, resource: usize) -> Option<Fit> {
        if names.begin_with(resource, &self.text) {
            return Some(Fit::Begins);
        }
        let (name, display_name) = names.of(resource);
        let has = |word: &Finder<'_>| {
            // Identifiers are in lower case. A word with a slash is a whole name, or its beginning.
            let is_name = word.needle().contains(&b'/');
            let id = if is_name { name } else { id_of(name) };
            word.find(id.as_bytes()).is_some() || word.find(display_name.as_bytes()).is_some()
        };
        self.words.iter().all(has).then_some(Fit::Contains)
    }
}
