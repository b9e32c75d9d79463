//! Reading the catalogue: two searches for all users together, then what roles are called and who is in which group.

use std::sync::{Arc, Mutex};

use futures::future::{join, try_join};
use jit_access_core::{iam_condition::Readings, resource::ResourceName};

use super::{
    build::Builder, known_groups::KnownGroups, known_titles::KnownTitles, snapshot::Snapshot,
    world::World,
};
use crate::{Error, Google};

/// Both markers, in any case; what contains these words elsewhere is found too, and means nothing.
const QUERY: &str = "policy:(jitAccessConstraint OR multiPartyApprovalConstraint)";

#[derive(Debug)]
pub(super) struct Refresh {
    google: Google,
    scope: String,
    readings: Arc<Mutex<Readings>>,
    world: Arc<World>,
    titles: KnownTitles,
    groups: KnownGroups,
}

impl Refresh {
    pub(super) fn new(google: Google, scope: &ResourceName) -> Self {
        let readings = Arc::new(Mutex::new(Readings::default()));
        Refresh {
            google,
            scope: scope.as_str().to_owned(),
            world: Arc::new(Builder::new(Arc::clone(&readings)).finish()),
            readings,
            titles: KnownTitles::default(),
            groups: KnownGroups::default(),
        }
    }

    /// What has been read.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            world: Arc::clone(&self.world),
            titles: self.titles.titles(),
            groups: self.groups.groups(),
        }
    }

    /// Both searches; on failure all stays as it was.
    pub(super) async fn search(&mut self) -> Result<(), Error> {
        let builder = Mutex::new(Builder::new(Arc::clone(&self.readings)));
        let building = || {
            builder
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        try_join(
            self.google.each_resource(&self.scope, |found| {
                let mut builder = building();
                for resource in found {
                    builder.add_resource(resource);
                }
            }),
            self.google.each_policy(&self.scope, QUERY, |found| {
                let mut builder = building();
                for policy in found {
                    builder.add_policy(&policy);
                }
            }),
        )
        .await?;
        let builder = builder
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.world = Arc::new(builder.finish());
        Ok(())
    }

    /// What people read beside names, as far as it can be had in time; the rest comes with the next refresh.
    pub(super) async fn look_up_names(&mut self) {
        let snapshot = self.snapshot();
        let (roles, groups) = (snapshot.roles(), snapshot.peer_groups());
        let both = join(
            self.titles.look_up(&self.google, &roles),
            self.groups.look_up(&self.google, &groups),
        );
        let within = self.google.names_within;
        if tokio::time::timeout(within, both).await.is_err() {
            tracing::debug!(
                ?within,
                "not all titles of roles and members of groups came in time"
            );
        }
        self.titles.tell();
        self.groups.tell();
    }
}
