//! The groups of who is signed in, looked up every two minutes at most, and never waited for long: a
//! page without them says so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jit_access_core::eligibility::Person;
use jit_access_google::Google;
use tokio::sync::watch;

/// How long an answer is used.
const KEPT: Duration = Duration::from_secs(120);
/// How long a failure is, before Google is asked again.
const FAILURE_KEPT: Duration = Duration::from_secs(15);
/// How long an old answer serves while a new one is looked up.
const SERVED: Duration = Duration::from_secs(600);
/// How long a page waits for a first answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Beyond so many people those whose answers are old are forgotten.
const MOST: usize = 5_000;

/// Looks people up.
#[derive(Debug, Clone)]
pub struct Groups(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    known: Mutex<HashMap<String, Arc<Entry>>>,
}

/// Where groups come from.
#[derive(Debug)]
enum Source {
    Google(Box<Google>),
    /// For tests: how long each answer takes, and the people.
    Fixed(Duration, HashMap<String, Result<Vec<String>, String>>),
}

#[derive(Debug, Default)]
struct Entry {
    answer: watch::Sender<Option<Answer>>,
    is_asking: AtomicBool,
}

#[derive(Debug, Clone)]
struct Answer {
    since: Instant,
    result: Result<Person, String>,
}

impl Answer {
    fn is_fresh(&self) -> bool {
        let kept = if self.result.is_ok() {
            KEPT
        } else {
            FAILURE_KEPT
        };
        self.since.elapsed() < kept
    }

    /// Whether it serves while a new one is looked up.
    fn still_serves(&self) -> bool {
        self.result.is_ok() && self.since.elapsed() < SERVED
    }

    fn told(self, email: &str) -> (Person, Option<String>) {
        match self.result {
            Ok(person) => (person, None),
            Err(why) => (without_groups(email), Some(why)),
        }
    }
}

fn without_groups(email: &str) -> Person {
    Person::new(email, Vec::<String>::new())
}

impl Groups {
    /// Asks Google.
    #[must_use]
    pub fn new(google: Google) -> Self {
        Self::of(Source::Google(Box::new(google)))
    }

    /// Knows these people and nobody else, each after this time; a sentence in place of groups is a
    /// look-up that fails.
    #[must_use]
    pub fn fixed(after: Duration, people: HashMap<String, Result<Vec<String>, String>>) -> Self {
        Self::of(Source::Fixed(after, people))
    }

    fn of(source: Source) -> Self {
        Self(Arc::new(Inner {
            source,
            known: Mutex::default(),
        }))
    }

    /// A person with all groups; if these are not known, without any, and a sentence that says why.
    pub async fn of_person(&self, email: &str) -> (Person, Option<String>) {
        let entry = self.entry(email);
        let mut news = entry.answer.subscribe();
        let known = news.borrow_and_update().clone();
        if let Some(known) = known.clone().filter(Answer::is_fresh) {
            return known.told(email);
        }
        // All who ask for the same person wait for one call.
        if !entry.is_asking.swap(true, Ordering::AcqRel) {
            let (groups, email) = (self.clone(), email.to_owned());
            tokio::spawn(async move {
                let result = groups.0.look_up(&email).await;
                if let Err(error) = &result {
                    tracing::warn!(email, error, "the groups of a person cannot be looked up");
                }
                let since = Instant::now();
                entry.answer.send_replace(Some(Answer { since, result }));
                entry.is_asking.store(false, Ordering::Release);
            });
        }
        if let Some(known) = known.filter(Answer::still_serves) {
            return known.told(email);
        }
        let answered = tokio::time::timeout(PATIENCE, news.changed()).await.is_ok();
        let answer = news.borrow().clone().filter(|_| answered);
        answer.map_or_else(
            || {
                let why = "Google has not answered yet: load the page again in a moment.";
                (without_groups(email), Some(why.to_owned()))
            },
            |answer| answer.told(email),
        )
    }

    fn entry(&self, email: &str) -> Arc<Entry> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(email) {
            known.retain(|_, entry| entry.answer.borrow().as_ref().is_some_and(Answer::is_fresh));
        }
        Arc::clone(known.entry(email.to_owned()).or_default())
    }
}

impl Inner {
    async fn look_up(&self, email: &str) -> Result<Person, String> {
        match &self.source {
            Source::Google(google) => {
                let found = google.groups_of(email).await;
                found
                    .map(|memberships| Person::new(email, &memberships.groups))
                    .map_err(|error| error.to_string())
            }
            Source::Fixed(after, people) => {
                tokio::time::sleep(*after).await;
                let groups = people.get(email).cloned().unwrap_or(Ok(Vec::new()));
                groups.map(|groups| Person::new(email, groups))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> HashMap<String, Result<Vec<String>, String>> {
        HashMap::from([
            (
                "alice@example.com".to_owned(),
                Ok(vec!["SRE@example.com".to_owned()]),
            ),
            (
                "bob@example.com".to_owned(),
                Err("Google is away.".to_owned()),
            ),
        ])
    }

    #[tokio::test]
    async fn who_cannot_be_looked_up_has_no_groups_and_a_sentence() {
        let groups = Groups::fixed(Duration::ZERO, people());
        let (alice, problem) = groups.of_person("alice@example.com").await;
        assert!(alice.groups.contains("sre@example.com"));
        assert_eq!(problem, None);
        let (bob, problem) = groups.of_person("bob@example.com").await;
        assert!(bob.groups.is_empty());
        assert_eq!(problem.as_deref(), Some("Google is away."));
        let (carol, problem) = groups.of_person("carol@example.com").await;
        assert!(carol.groups.is_empty() && problem.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_does_not_wait_for_a_silent_google_and_the_next_has_its_answer() {
        let groups = Groups::fixed(Duration::from_secs(20), people());
        let begun = tokio::time::Instant::now();
        let (alice, problem) = groups.of_person("alice@example.com").await;
        assert!(alice.groups.is_empty());
        assert!(problem.unwrap().contains("load the page again"));
        assert_eq!(begun.elapsed(), PATIENCE);
        tokio::time::sleep(Duration::from_secs(20)).await;
        let (alice, problem) = groups.of_person("alice@example.com").await;
        assert!(alice.groups.contains("sre@example.com") && problem.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_serves_all_who_ask_meanwhile() {
        let groups = Groups::fixed(Duration::from_secs(1), people());
        let begun = tokio::time::Instant::now();
        let asked = futures::future::join_all((0..20).map(|_| groups.of_person("bob@example.com")));
        let answers = asked.await;
        assert!(
            answers
                .iter()
                .all(|(_, why)| why.as_deref() == Some("Google is away."))
        );
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }
}
