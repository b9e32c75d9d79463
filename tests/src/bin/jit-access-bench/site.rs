//! Projects, people and their requests on a bench, and a watch that sees requests become access.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_tests::bench::{Bench, ORGANIZATION};
use jit_access_tests::case::{SELF, condition, state};
use jit_access_tests::install;
use jit_access_tests::request::Request;
use jit_access_tests::simulator::Call;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The chart sets it up.
const NAMESPACE: &str = "jit-requests";

/// How long requests that were made together may take: much more than they need.
const PATIENCE: Duration = Duration::from_secs(300);

/// Someone who asks, over a connection of their own that is open already.
#[derive(Debug)]
pub struct Person {
    /// The account.
    pub email: String,
    requests: Api<AccessRequest>,
}

impl Person {
    /// The requests, as this person.
    pub fn requests(&self) -> &Api<AccessRequest> {
        &self.requests
    }
}

/// What requests that were made together came to.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// From before the call that creates a request until the watch says that it is granted.
    pub times: Vec<Duration>,
    /// Why the others were not.
    pub refusals: Vec<String>,
}

/// A request that was decided, as the watch saw it first.
#[derive(Debug)]
struct Decided {
    at: Instant,
    refusal: Option<String>,
}

type Seen = HashMap<String, Decided>;

/// A bench with a watch on all requests.
#[derive(Debug)]
pub struct Site<'a> {
    /// What it is on.
    pub bench: &'a Bench,
    seen: watch::Receiver<Seen>,
    _watching: JoinSet<()>,
}

impl<'a> Site<'a> {
    /// Begins to watch.
    pub async fn new(bench: &'a Bench) -> Result<Self> {
        let requests = Api::namespaced(bench.control_plane.admin().await?, NAMESPACE);
        let (sender, seen) = watch::channel(Seen::new());
        let mut watching = JoinSet::new();
        watching.spawn(see(requests, sender));
        Ok(Self {
            bench,
            seen,
            _watching: watching,
        })
    }

    /// A new project right below the organization, where these people may have these roles by
    /// self-approval.
    pub async fn project(&self, people: &[Person], roles: &[&str]) -> Result<String> {
        self.project_for(people, roles, SELF).await
    }

    /// As [`Self::project`], with this marker.
    pub async fn project_for(
        &self,
        people: &[Person],
        roles: &[&str],
        marker: &str,
    ) -> Result<String> {
        let id = format!("bench-{}", unique());
        let world = json!({"projects": [{"id": id, "parent": ORGANIZATION, "displayName": id}]});
        self.bench.simulator.add(&world).await?;
        let members: Vec<String> = people
            .iter()
            .map(|person| format!("user:{}", person.email))
            .collect();
        let bindings: Vec<_> = roles
            .iter()
            .map(|role| {
                let eligible = json!({"title": "eligible", "expression": marker});
                json!({"role": role, "members": members, "condition": eligible})
            })
            .collect();
        let project = format!("projects/{id}");
        let mut policy = self.bench.simulator.policy(&project).await?;
        policy["bindings"] = json!(bindings);
        policy["version"] = json!(3);
        self.bench.simulator.set_policy(&project, &policy).await?;
        Ok(project)
    }

    /// New people, whom nobody looked up yet.
    pub async fn people(&self, count: usize) -> Result<Vec<Person>> {
        let group = unique();
        let emails: Vec<String> = (0..count)
            .map(|number| format!("person-{number}-{group}@example.com"))
            .collect();
        let world = json!({"users": emails});
        self.bench.simulator.add(&world).await?;
        let connected = emails.into_iter().map(|email| async move {
            let control_plane = &self.bench.control_plane;
            let client = control_plane
                .client_as(&email, Some(install::PEOPLE))
                .await?;
            let requests: Api<AccessRequest> = Api::namespaced(client, NAMESPACE);
            // Opens the connection.
            requests.get_opt("none").await?;
            Ok::<_, anyhow::Error>(Person { email, requests })
        });
        try_join_all(connected).await
    }

    /// Makes these requests, at most so many at the same time, and waits until all are decided.
    pub async fn ask(&self, requests: &[(&Person, Request)], at_a_time: usize) -> Result<Outcomes> {
        let begun: HashMap<&str, Instant> = stream::iter(requests)
            .map(|(person, request)| async move {
                let object = serde_json::from_value(request.manifest())?;
                let begun = Instant::now();
                person
                    .requests
                    .create(&PostParams::default(), &object)
                    .await?;
                Ok::<_, anyhow::Error>((request.name(), begun))
            })
            .buffer_unordered(at_a_time.max(1))
            .try_collect()
            .await
            .context("a request cannot be made")?;
        let mut seen = self.seen.clone();
        let all_decided = |seen: &Seen| begun.keys().all(|name| seen.contains_key(*name));
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(all_decided)).await;
        if let Ok(Err(_)) = waited {
            anyhow::bail!("the watch on requests ended");
        }
        drop(waited);
        let seen = seen.borrow();
        let mut outcomes = Outcomes::default();
        for (name, begun) in &begun {
            match seen.get(*name) {
                Some(Decided { at, refusal: None }) => outcomes.times.push(*at - *begun),
                Some(Decided {
                    refusal: Some(refusal),
                    ..
                }) => outcomes.refusals.push(refusal.clone()),
                None => outcomes
                    .refusals
                    .push(format!("{name} was not decided in time")),
            }
        }
        Ok(outcomes)
    }

    /// When the watch saw that a request is granted.
    pub async fn granted(&self, name: &str) -> Result<Instant> {
        let mut seen = self.seen.clone();
        let is_decided = |seen: &Seen| seen.contains_key(name);
        let seen = tokio::time::timeout(PATIENCE, seen.wait_for(is_decided)).await??;
        match seen.get(name) {
            Some(Decided { at, refusal: None }) => Ok(*at),
            other => anyhow::bail!("{name} was not granted: {other:?}"),
        }
    }

    /// One request of each person, all at the same time.
    pub async fn ask_at_once(
        &self,
        people: &[Person],
        project: &str,
        roles: &[&str],
    ) -> Result<Outcomes> {
        let requests: Vec<_> = people
            .iter()
            .map(|person| (person, request(person, project, roles)))
            .collect();
        self.ask(&requests, requests.len()).await
    }

    /// The position of the last call of Google.
    pub async fn position(&self) -> Result<u64> {
        let (_, last) = self.bench.simulator.calls_after(u64::MAX >> 1).await?;
        Ok(last)
    }

    /// The calls of Google after a position.
    pub async fn calls_after(&self, position: u64) -> Result<Vec<Call>> {
        let (calls, _) = self.bench.simulator.calls_after(position).await?;
        Ok(calls)
    }
}

/// A request for these roles, for an hour, under a name of its own.
pub fn request(person: &Person, project: &str, roles: &[&str]) -> Request {
    let name = format!("request-{}", uuid::Uuid::new_v4().simple());
    Request::new(&name, &person.email, project, "")
        .field("roles", roles)
        .duration("1h")
}

/// Notes when each request was first seen to be granted, or to be over without.
async fn see(requests: Api<AccessRequest>, sender: watch::Sender<Seen>) {
    let changes = watcher(requests, watcher::Config::default())
        .default_backoff()
        .applied_objects();
    let mut changes = std::pin::pin!(changes);
    while let Some(change) = changes.next().await {
        let at = Instant::now();
        // The watcher begins anew by itself.
        let Ok(request) = change else { continue };
        let refusal = match state(&request) {
            Some(AccessState::Active) => None,
            Some(state) if state.is_final() => Some(refusal(&request)),
            _ => continue,
        };
        sender.send_modify(|seen| {
            seen.entry(request.name_any())
                .or_insert(Decided { at, refusal });
        });
    }
}

fn refusal(request: &AccessRequest) -> String {
    let message = condition(request, "Granted").map(|granted| granted.message.clone());
    message.unwrap_or_else(|error| error.to_string())
}

fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}
