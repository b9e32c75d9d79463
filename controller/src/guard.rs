//! Proves, over and over, that nobody can speak for another: the admission policy and its binding
//! are those that the controller was built with, and the API server refuses a lie by them. Without
//! proof nothing is decided.

mod cluster;
mod expected;
mod news;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use futures::future::try_join4;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use jit_access_core::decision::Identity;
use jit_access_core::guard::{Probed, Standing, controller_namespace, difference};
use jit_access_core::namespaces::{Namespace, Namespaces};
use kube::Client;
use kube::api::DynamicObject;
use tokio::sync::watch;

use crate::lock::lock;
use crate::metrics::Metrics;
use cluster::{Cluster, NoProof, seen};
use expected::Expected;

/// How often it is proven anew.
const EVERY: Duration = Duration::from_secs(60);
/// How soon it is tried again where there is no proof.
const SOON: Duration = Duration::from_secs(2);
/// An API server that does not answer takes the proof away only after this; any answer of it that
/// is no proof does so at once.
const LASTS: Duration = Duration::from_secs(150);

/// What is known now.
struct State {
    proof: Result<Proof, Problem>,
    namespaces: Arc<Namespaces>,
    /// When the reading of the namespaces began; `None` before the first.
    namespaces_begun: Option<Instant>,
}

struct Proof {
    standing: Standing,
    at: Instant,
}

struct Problem {
    /// The last cause.
    why: String,
    /// What requests are told. It changes once a minute at most: a cause may be in foreign words,
    /// others each time.
    told: String,
    /// `None` for what is only said until it was looked.
    told_at: Option<Instant>,
}

impl Problem {
    fn provisional(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            told: why.to_owned(),
            told_at: None,
        }
    }
}

/// The guard.
pub struct Guard {
    client: Client,
    cluster: Cluster,
    margin: SignedDuration,
    metrics: Arc<Metrics>,
    /// The controller's own, once it is known.
    namespace: OnceLock<String>,
    state: Mutex<State>,
    /// One reading of the namespaces at a time: who waits for it needs none of his own.
    reading: tokio::sync::Mutex<()>,
    changes: watch::Sender<()>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard that has proven nothing yet. Requests made before `margin` after the policy was first
    /// in force do not count: another API server may not have loaded it by then.
    #[must_use]
    pub fn new(client: Client, margin: SignedDuration, metrics: Arc<Metrics>) -> Self {
        Self {
            cluster: Cluster::new(client.clone()),
            client,
            margin,
            metrics,
            namespace: OnceLock::new(),
            state: Mutex::new(State {
                proof: Err(Problem::provisional(
                    "the admission policy was not looked at yet",
                )),
                namespaces: Arc::default(),
                namespaces_begun: None,
            }),
            reading: tokio::sync::Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Whether who asks and who approves is proven now.
    #[must_use]
    pub fn identity(&self) -> Identity {
        match &lock(&self.state).proof {
            Ok(proof) => Identity::Proven {
                since: proof.standing.since + self.margin,
            },
            Err(problem) => Identity::Unproven(format!(
                "who asks and who approves is not proven for now, so nothing is decided: {}",
                problem.told
            )),
        }
    }

    /// Why there is no proof; `None` if there is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let state = lock(&self.state);
        state
            .proof
            .as_ref()
            .err()
            .map(|problem| problem.why.clone())
    }

    /// What the installation says of a namespace, as last read; `None` if it is not set up.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Namespace> {
        lock(&self.state).namespaces.get(name).cloned()
    }

    /// Sees to it that the namespaces were read at or after this time: a request may be younger than
    /// what is known of its namespace.
    ///
    /// # Errors
    /// A sentence, when they cannot be read.
    pub async fn namespaces_as_of(&self, time: Instant) -> Result<(), String> {
        let is_known = || {
            lock(&self.state)
                .namespaces_begun
                .is_some_and(|begun| begun >= time)
        };
        if is_known() {
            return Ok(());
        }
        let _turn = self.reading.lock().await;
        if is_known() {
            return Ok(());
        }
        let Some(namespace) = self.namespace.get() else {
            return Err("the controller does not know its own namespace yet".to_owned());
        };
        let begun = Instant::now();
        match self.cluster.namespaces(namespace).await {
            Ok(data) => {
                self.know(Namespaces::read(&data), begun);
                Ok(())
            }
            Err(NoProof::Answer(why) | NoProof::Silence(why)) => Err(why),
        }
    }

    /// Tells of every change that undecided requests may depend on.
    pub fn changes(&self) -> BoxStream<'static, ()> {
        stream::unfold(self.changes.subscribe(), |mut changes| async {
            changes.changed().await.ok()?;
            Some(((), changes))
        })
        .boxed()
    }

    /// Looks once. Returns when to look again.
    pub async fn examine(&self) -> tokio::time::Instant {
        let proof = self.prove().await;
        let pause = if proof.is_ok() { EVERY } else { SOON };
        match proof {
            Ok(standing) => self.proven(&standing),
            Err(NoProof::Answer(why)) => self.unproven(&why),
            Err(NoProof::Silence(why)) => {
                let lasts = lock(&self.state)
                    .proof
                    .as_ref()
                    .is_ok_and(|proof| proof.at.elapsed() < LASTS);
                if lasts {
                    tracing::warn!(
                        problem = why,
                        "the admission policy was not proven this time"
                    );
                } else {
                    self.unproven(&why);
                }
            }
        }
        tokio::time::Instant::now() + pause
    }

    /// Looks again and again, and whenever something changes, for ever.
    pub async fn keep_proving(&self) {
        let namespace = loop {
            match self.namespace.get() {
                Some(namespace) => break namespace.clone(),
                None => {
                    let due = self.examine().await;
                    tokio::time::sleep_until(due).await;
                }
            }
        };
        let mut news = news::from(&self.client, &namespace);
        let mut due = tokio::time::Instant::now() + SOON;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                Some(item) = news.next() => {
                    // What is no news does not put off the next look.
                    if !self.heard(&item) {
                        continue;
                    }
                }
            }
            due = self.examine().await;
        }
    }

    async fn prove(&self) -> Result<Standing, NoProof> {
        let myself = self.cluster.myself().await?;
        let namespace = controller_namespace(&myself.user).map_err(NoProof::Answer)?;
        let namespace = self.namespace.get_or_init(|| namespace.to_owned());
        let expected = Expected::in_namespace(namespace)
            .map_err(|error| NoProof::Answer(error.to_string()))?;
        let begun = Instant::now();
        let (policy, binding, data, (lease, record)) = try_join4(
            self.cluster.policy(),
            self.cluster.binding(),
            self.cluster.namespaces(namespace),
            self.cluster.record(namespace),
        )
        .await?;
        self.know(Namespaces::read(&data), begun);
        compare("ValidatingAdmissionPolicy", &expected.policy, &policy)?;
        compare(
            "ValidatingAdmissionPolicyBinding",
            &expected.binding,
            &binding,
        )?;
        let (policy, binding) = (seen(&policy)?, seen(&binding)?);
        let probed = self.cluster.probe(namespace, &myself.user).await?;
        let standing_at = |now| match probed {
            Probed::Admitted => Standing::broken(record.as_ref(), &policy, &binding, now),
            Probed::Proof | Probed::NoProof(_) => {
                Standing::proven(record.as_ref(), &policy, &binding, now)
            }
        };
        let mut standing = standing_at(myself.now);
        if record.as_ref() != Some(&standing) {
            // Something begins: not before the probe was answered.
            standing = standing_at(self.cluster.myself().await?.now);
            if !matches!(probed, Probed::NoProof(_)) {
                // What is not on record is forgotten by the next start, and a gap would be none.
                self.cluster.keep(namespace, lease, &standing).await?;
            }
        }
        match probed {
            Probed::Proof => Ok(standing),
            Probed::Admitted => Err(NoProof::Answer(
                "the API server admits a request in another's name: the admission policy is not in force".to_owned(),
            )),
            Probed::NoProof(why) => Err(NoProof::Answer(why)),
        }
    }

    fn proven(&self, standing: &Standing) {
        let at = Instant::now();
        let before = std::mem::replace(
            &mut lock(&self.state).proof,
            Ok(Proof {
                standing: standing.clone(),
                at,
            }),
        );
        self.metrics.guard_proven.set(1);
        if before.is_ok_and(|before| before.standing == *standing) {
            return;
        }
        tracing::info!(
            since = %standing.since,
            "the admission policy is in force: nobody can speak for another"
        );
        self.changes.send_replace(());
    }

    fn unproven(&self, why: &str) {
        self.metrics.guard_proven.set(0);
        {
            let mut state = lock(&self.state);
            if let Err(problem) = &mut state.proof {
                why.clone_into(&mut problem.why);
                let is_recent = |told: Instant| problem.told == why || told.elapsed() < EVERY;
                if problem.told_at.is_some_and(is_recent) {
                    return;
                }
            }
            state.proof = Err(Problem {
                told_at: Some(Instant::now()),
                ..Problem::provisional(why)
            });
        }
        tracing::error!(
            problem = why,
            "it is not proven who asks and who approves, so nothing is decided"
        );
        self.changes.send_replace(());
    }

    /// Takes the proof away until it was looked again.
    fn doubt(&self, why: &str) {
        let mut state = lock(&self.state);
        if state.proof.is_ok() {
            state.proof = Err(Problem::provisional(why));
            self.metrics.guard_proven.set(0);
        }
    }

    fn know(&self, namespaces: Namespaces, begun: Instant) {
        let mut state = lock(&self.state);
        if state.namespaces_begun.is_some_and(|known| known > begun) {
            return;
        }
        state.namespaces_begun = Some(begun);
        if *state.namespaces == namespaces {
            return;
        }
        for problem in namespaces.problems() {
            tracing::warn!(
                problem,
                "the ConfigMap of namespaces says something that does not count"
            );
        }
        state.namespaces = Arc::new(namespaces);
        drop(state);
        self.changes.send_replace(());
    }
}

fn compare(kind: &str, expected: &serde_json::Value, found: &DynamicObject) -> Result<(), NoProof> {
    let Some(difference) = difference("spec", expected, &found.data["spec"]) else {
        return Ok(());
    };
    let name = found.metadata.name.as_deref().unwrap_or_default();
    Err(NoProof::Answer(format!(
        "the {kind} {name} is not the one that this controller was built with ({difference}): delete it, and install the chart of the same version again"
    )))
}
