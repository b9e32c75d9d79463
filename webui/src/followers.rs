//! A place for each open page that is told of changes: so many in all, and so many for each person, so
//! that nobody takes those of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most pages of all people.
const MOST: usize = 4_000;
/// Most pages of one person.
const MOST_OF_ONE: usize = 20;

/// The places.
#[derive(Debug, Clone, Default)]
pub struct Followers(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_person: HashMap<String, usize>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    followers: Followers,
    person: String,
}

impl Followers {
    /// A place for a page of this person; `None` if there are none left.
    #[must_use]
    pub fn take(&self, person: &str) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_person.get(person).copied().unwrap_or_default();
        if taken.all >= MOST || own >= MOST_OF_ONE {
            return None;
        }
        taken.all += 1;
        taken.by_person.insert(person.to_owned(), own + 1);
        Some(Place {
            followers: self.clone(),
            person: person.to_owned(),
        })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &mut *self
            .followers
            .0
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
        let followers = Followers::default();
        let own: Vec<_> = (0..MOST_OF_ONE)
            .map(|_| followers.take("mallory").unwrap())
            .collect();
        assert!(followers.take("mallory").is_none());
        assert!(followers.take("alice").is_some());
        drop(own);
        assert_eq!(followers.count(), 0);
        assert!(followers.take("mallory").is_some());
        let others: Vec<_> = (0..MOST)
            .map(|number| followers.take(&number.to_string()).unwrap())
            .collect();
        assert!(followers.take("alice").is_none());
        assert_eq!(others.len(), followers.count());
    }
}
