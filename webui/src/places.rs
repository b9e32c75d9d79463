//! Places of which everybody has so many, and all people together so many: nobody takes those of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Pages that are told of changes: of all people, and of one.
const FOLLOWERS: (usize, usize) = (4_000, 20);
/// Calls in work, other than for assets. A browser makes a few; whoever makes many at once waits for them.
const CALLS: (usize, usize) = (2_000, 30);

/// The places of one kind.
#[derive(Debug, Clone)]
pub struct Places {
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_person: HashMap<String, usize>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    person: String,
}

impl Places {
    /// For pages that are told of changes.
    #[must_use]
    pub fn for_followers() -> Self {
        Self::new(FOLLOWERS)
    }

    /// For calls in work.
    #[must_use]
    pub fn for_calls() -> Self {
        Self::new(CALLS)
    }

    fn new((most, most_of_one): (usize, usize)) -> Self {
        Self {
            most,
            most_of_one,
            taken: Arc::default(),
        }
    }

    /// A place for this person; `None` if there are none left.
    #[must_use]
    pub fn take(&self, person: &str) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_person.get(person).copied().unwrap_or_default();
        if taken.all >= self.most || own >= self.most_of_one {
            return None;
        }
        taken.all += 1;
        taken.by_person.insert(person.to_owned(), own + 1);
        Some(Place {
            places: self.clone(),
            person: person.to_owned(),
        })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &mut *self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.by_person.get_mut(&self.person) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by_person.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_others() {
        let (most, most_of_one) = (100, 3);
        let places = Places::new((most, most_of_one));
        let own: Vec<_> = (0..most_of_one)
            .map(|_| places.take("mallory").unwrap())
            .collect();
        assert!(places.take("mallory").is_none());
        assert!(places.take("alice").is_some());
        drop(own);
        assert_eq!(places.count(), 0);
        assert!(places.take("mallory").is_some());
        let others: Vec<_> = (0..most)
            .map(|number| places.take(&number.to_string()).unwrap())
            .collect();
        assert!(places.take("alice").is_none());
        assert_eq!(others.len(), places.count());
    }
}
