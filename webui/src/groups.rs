//! The groups of who is signed in, looked up at most every two minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jit_access_core::eligibility::Person;
use jit_access_google::Google;
use tokio::sync::OnceCell;

/// How long an answer is used.
const KEPT: Duration = Duration::from_secs(120);
/// How long a failure is.
const FAILURE_KEPT: Duration = Duration::from_secs(15);
/// Beyond so many people those whose answers are old are forgotten.
const MOST: usize = 5_000;

/// Where groups come from.
#[derive(Debug)]
enum Source {
    Google(Box<Google>),
    /// For tests.
    Fixed(HashMap<String, Result<Vec<String>, String>>),
}

/// Looks people up.
#[derive(Debug)]
pub struct Groups {
    source: Source,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    since: Instant,
    /// All who ask for the same person wait for one call.
    answer: Arc<OnceCell<Result<Person, String>>>,
}

impl Known {
    fn is_fresh(&self) -> bool {
        let kept = match self.answer.get() {
            Some(Err(_)) => FAILURE_KEPT,
            _ => KEPT,
        };
        self.since.elapsed() < kept
    }
}

impl Groups {
    /// Asks Google.
    #[must_use]
    pub fn new(google: Google) -> Self {
        Self::of(Source::Google(Box::new(google)))
    }

    /// Knows these people and nobody else; a sentence in place of groups is a look-up that fails.
    #[must_use]
    pub fn fixed(people: HashMap<String, Result<Vec<String>, String>>) -> Self {
        Self::of(Source::Fixed(people))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            known: Mutex::default(),
        }
    }

    /// A person with all groups; if these cannot be looked up, without any, and a sentence that says why.
    pub async fn of_person(&self, email: &str) -> (Person, Option<String>) {
        let known = self.entry(email);
        let answer = known
            .answer
            .get_or_init(async || self.look_up(email).await)
            .await;
        match answer {
            Ok(person) => (person.clone(), None),
            Err(why) => (Person::new(email, Vec::<String>::new()), Some(why.clone())),
        }
    }

    fn entry(&self, email: &str) -> Known {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, entry| entry.is_fresh());
        }
        let entry = known.get(email).filter(|entry| entry.is_fresh()).cloned();
        entry.unwrap_or_else(|| {
            let new = Known {
                since: Instant::now(),
                answer: Arc::default(),
            };
            known.insert(email.to_owned(), new.clone());
            new
        })
    }

    async fn look_up(&self, email: &str) -> Result<Person, String> {
        match &self.source {
            Source::Google(google) => {
                let found = google.groups_of(email).await;
                found
                    .map(|memberships| Person::new(email, &memberships.groups))
                    .map_err(|error| error.to_string())
            }
            Source::Fixed(people) => {
                let groups = people.get(email).cloned().unwrap_or(Ok(Vec::new()));
                groups.map(|groups| Person::new(email, groups))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_cannot_be_looked_up_has_no_groups_and_a_sentence() {
        let people = HashMap::from([
            (
                "alice@example.com".to_owned(),
                Ok(vec!["SRE@example.com".to_owned()]),
            ),
            (
                "bob@example.com".to_owned(),
                Err("Google is away.".to_owned()),
            ),
        ]);
        let groups = Groups::fixed(people);
        let (alice, problem) = groups.of_person("alice@example.com").await;
        assert!(alice.groups.contains("sre@example.com"));
        assert_eq!(problem, None);
        let (bob, problem) = groups.of_person("bob@example.com").await;
        assert!(bob.groups.is_empty());
        assert_eq!(problem.as_deref(), Some("Google is away."));
        let (carol, problem) = groups.of_person("carol@example.com").await;
        assert!(carol.groups.is_empty() && problem.is_none());
    }

    #[tokio::test]
    async fn one_answer_serves_all_who_ask_meanwhile() {
        let groups = Groups::fixed(HashMap::new());
        let first = groups.entry("alice@example.com");
        let second = groups.entry("alice@example.com");
        assert!(Arc::ptr_eq(&first.answer, &second.answer));
        let other = groups.entry("bob@example.com");
        assert!(!Arc::ptr_eq(&first.answer, &other.answer));
    }
}
