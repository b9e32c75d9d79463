//! What the pages work with.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jit_access_core::approval::waits_for;
use jit_access_core::limits::Limits;
use jit_access_crds::AccessRequest;
use jit_access_google::catalogue::Catalogue;

use crate::cluster::{Cluster, Fault};
use crate::groups::Groups;
use crate::metrics::{Levels, Metrics};
use crate::places::Places;
use crate::requests::Requests;
use crate::view::concerns;

/// What the pages work with. It holds no state of its own: any number of replicas answer alike.
#[derive(Debug)]
pub struct App {
    /// What the installation allows.
    pub limits: Limits,
    /// The requests of the namespace.
    pub requests: Requests,
    /// Where requests and decisions are written.
    pub cluster: Cluster,
    /// Who may ask for what.
    pub catalogue: Catalogue,
    /// The groups of who is signed in.
    pub groups: Groups,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// A place for each page that is told of changes.
    pub followers: Places,
    /// A place for each call in work.
    pub calls: Places,
}

/// What handlers share.
pub type Shared = State<Arc<App>>;

impl App {
    /// How many requests wait for a person.
    #[must_use]
    pub fn waiting_for(&self, person: &str) -> usize {
        let delegates = self.delegates();
        self.requests
            .count(|request| waits_for(request, person, &delegates))
    }

    /// Whose signatures count here: as far as this program knows, its own.
    #[must_use]
    pub fn delegates(&self) -> Vec<String> {
        vec![self.cluster.me().to_owned()]
    }

    /// How much there is of what is counted when somebody looks.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let (resources, bindings) = self.catalogue.current().size();
        Levels {
            resources,
            bindings,
            catalogue_read: self.catalogue.freshness().read,
            requests: self.requests.count(|_| true),
            followers: self.followers.count(),
            watch_interrupted: self.requests.interrupted().is_some(),
        }
    }

    /// A request that a person may see, by name. What was made a moment ago may not be known here
    /// yet, so the API server is asked before it is said that there is none; also where another's is
    /// known, so that the time it takes tells nobody of it.
    ///
    /// # Errors
    /// When there is none that concerns the person: whether another's exists is not told.
    pub async fn request_for(&self, name: &str, person: &str) -> Result<AccessRequest, Fault> {
        let none = || {
            Fault::new(
                StatusCode::NOT_FOUND,
                "There is no request of this name that you made or that names you as reviewer. It may have been deleted: finished requests are kept for a while only.",
            )
        };
        if !is_name(name) {
            return Err(none());
        }
        let known = self.requests.get(name);
        if let Some(known) = known.filter(|known| concerns(known, person)) {
            return Ok(known);
        }
        match self.cluster.get(name).await {
            Ok(request) if concerns(&request, person) => Ok(request),
            Ok(_) => Err(none()),
            Err(fault) if fault.status == StatusCode::NOT_FOUND => Err(none()),
            Err(fault) => Err(fault),
        }
    }
}

/// Whether it may be the name of an object: nothing else goes into the address of a call.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && !text.starts_with(['-', '.'])
        && !text.ends_with(['-', '.'])
}
