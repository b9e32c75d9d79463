//! Clients for the few Google Cloud methods that JIT Access uses.
//!
//! | what | method | through |
//! |---|---|---|
//! | [`Google::get_policy`], [`Google::set_policy`] | Resource Manager v3 `getIamPolicy`, `setIamPolicy` | Google's crate |
//! | [`Google::parent`] | Resource Manager v3 `projects.get`, `folders.get` | Google's crate |
//! | [`Google::search_policies`], [`catalogue`] | Cloud Asset v1 `searchAllIamPolicies`, `searchAllResources` | Google's crate |
//! | [`Google::groups_of`] | Cloud Identity v1 `searchTransitiveGroups`, `searchDirectGroups` | reqwest, there is no official crate |
//! | [`Google::members_of`] | Cloud Identity v1 `groups.lookup`, `searchTransitiveMemberships`, `memberships.list` | reqwest |
//! | [`Google::role_title`] | IAM v1 `roles.get` | reqwest |
//!
//! Reads are repeated where a repetition can help ([`Limits`]); a write is sent exactly once, for only the whole
//! read, decision and write may be repeated. Every failure is an [`Error`]: a sentence and a [`Kind`].

pub mod catalogue;
mod clock;
mod cloud_asset;
mod cloud_identity;
mod connection;
mod credentials;
mod error;
mod error_details;
mod foreign_text;
mod group_members;
mod groups;
mod iam_roles;
mod request_reason;
mod resource;
mod resource_manager;
mod rest;
mod sentence;
mod settings;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use jit_access_core::iam_policy::Policy;

use crate::{
    clock::Clock,
    cloud_asset::{CloudAsset, FoundPolicy, FoundResource},
    cloud_identity::CloudIdentity,
    connection::Connection,
    credentials::Account,
    group_members::GroupMembers,
    groups::GroupSearch,
    iam_roles::IamRoles,
    resource::Resource,
    resource_manager::ResourceManager,
};
pub use crate::{
    error::{Error, Kind},
    groups::{Memberships, Source},
    settings::{GroupSource, Limits, Settings},
};

/// Google Cloud as this program's own account sees it. Cheap to clone; clones share connections, credentials and
/// the limit on calls in flight.
#[derive(Debug, Clone)]
pub struct Google {
    resource_manager: Arc<ResourceManager>,
    cloud_asset: Arc<CloudAsset>,
    iam_roles: IamRoles,
    group_members: GroupMembers,
    groups: Arc<GroupSearch>,
    clock: Arc<Clock>,
    names_within: Duration,
}

impl Google {
    /// Builds the clients. Needs a tokio runtime. With [`Settings::endpoint`] nothing is sent; without it, on
    /// Google Cloud, the metadata server is asked for the universe domain.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] for an endpoint that is no base URL; [`Kind::Credentials`] if Application Default
    /// Credentials cannot be loaded.
    pub async fn connect(settings: &Settings) -> Result<Google, Error> {
        install_crypto_provider();
        let account = match &settings.endpoint {
            Some(_) => Account::anonymous(),
            None => Account::application_default(&settings.limits)?,
        };
        Self::with_account(settings, account).await
    }

    async fn with_account(settings: &Settings, account: Account) -> Result<Google, Error> {
        settings.check()?;
        let connection = Connection::new(settings, account);
        let resource_manager = ResourceManager::new(settings, connection.clone()).await?;
        let cloud_asset = CloudAsset::new(settings, connection.clone()).await?;
        let http = connection.http_client()?;
        let iam_roles = IamRoles::new(settings, connection.clone(), http.clone());
        let group_members = GroupMembers::new(settings, connection.clone(), http.clone());
        let clock = Arc::new(Clock::new(settings, connection.clone(), http.clone()));
        let cloud_identity = CloudIdentity::new(settings, connection, http);
        let groups = GroupSearch::new(settings, cloud_identity, Arc::clone(&clock));
        Ok(Google {
            resource_manager: Arc::new(resource_manager),
            cloud_asset: Arc::new(cloud_asset),
            iam_roles,
            group_members,
            groups: Arc::new(groups),
            clock,
            names_within: settings.limits.names_within,
        })
    }

    /// The IAM policy of `projects/ID`, `folders/NUMBER` or `organizations/NUMBER`, conditions included
    /// (`requestedPolicyVersion` 3).
    ///
    /// # Errors
    ///
    /// Any [`Kind`]; [`Kind::Denied`] also for a project that does not exist, which Google answers alike.
    pub async fn get_policy(&self, resource: &str) -> Result<Policy, Error> {
        self.resource_manager
            .get_policy(Resource::parse(resource)?)
            .await
    }

    /// Replaces the IAM policy of `resource`, always as version 3, and gives back what Google stored. `reason` is
    /// any text; it goes into Google's audit log (`x-goog-request-reason`), percent-encoded, cut to 1 KiB.
    ///
    /// Sent once. After an error with [`Error::may_have_been_committed`] only a new read tells whether the policy
    /// was replaced.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] without a call if the policy has no etag: Google would replace whatever is there by then.
    /// [`Kind::Conflict`] if the policy was changed since it was read. Else any [`Kind`].
    pub async fn set_policy(
        &self,
        resource: &str,
        policy: &Policy,
        reason: &str,
    ) -> Result<Policy, Error> {
        self.resource_manager
            .set_policy(Resource::parse(resource)?, policy, reason)
            .await
    }

    /// The folder or organization that `resource` is in; none for an organization (no call is made) and for a
    /// project outside any organization.
    ///
    /// # Errors
    ///
    /// As [`Google::get_policy`].
    pub async fn parent(&self, resource: &str) -> Result<Option<String>, Error> {
        self.resource_manager
            .parent(Resource::parse(resource)?)
            .await
    }

    /// All groups that contain the person with this e-mail address, nested ones too.
    ///
    /// # Errors
    ///
    /// Any [`Kind`]. Never an incomplete answer in place of an error: where the walk up through direct groups
    /// finds more than its bounds, that is an error.
    pub async fn groups_of(&self, email: &str) -> Result<Memberships, Error> {
        self.groups.groups_of(email).await
    }

    /// All policies within `scope` that match a query of Cloud Asset, each only with the bindings that match. What is
    /// found may be some minutes old.
    ///
    /// # Errors
    ///
    /// Any [`Kind`]. Never a part of the answer in place of an error.
    pub async fn search_policies(
        &self,
        scope: &str,
        query: &str,
    ) -> Result<Vec<FoundPolicy>, Error> {
        let mut all = Vec::new();
        self.each_policy(scope, query, |page| all.extend(page))
            .await?;
        Ok(all)
    }

    pub(crate) async fn each_policy(
        &self,
        scope: &str,
        query: &str,
        take: impl FnMut(Vec<FoundPolicy>),
    ) -> Result<(), Error> {
        let scope = Resource::parse(scope)?;
        self.cloud_asset.policies(scope, query, take).await
    }

    pub(crate) async fn each_resource(
        &self,
        scope: &str,
        take: impl FnMut(Vec<FoundResource>),
    ) -> Result<(), Error> {
        let scope = Resource::parse(scope)?;
        self.cloud_asset.resources(scope, take).await
    }

    /// What a predefined or custom role is called; empty if it has no title.
    ///
    /// # Errors
    ///
    /// Any [`Kind`].
    pub async fn role_title(&self, role: &str) -> Result<String, Error> {
        self.iam_roles.title(role).await
    }

    /// The e-mail addresses of all people in a group, through nested ones too, in lower case; nobody with
    /// [`GroupSource::None`]. For suggestions: Google leaves out what our account may not see.
    ///
    /// # Errors
    ///
    /// Any [`Kind`]; [`Kind::Other`] for a group of more than a thousand people. Never a part of them.
    pub async fn members_of(&self, group: &str) -> Result<BTreeSet<String>, Error> {
        self.group_members.people(group).await
    }

    /// Google's clock minus ours, if an answer told it within the last ten minutes.
    #[must_use]
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        self.clock.offset()
    }
}

/// Makes aws-lc-rs the TLS implementation of this process. Google's authentication crate requires one and ends the
/// process without it. May be called any number of times; an already installed one stays.
pub fn install_crypto_provider() {
    // An error means that another part of the program has installed one already.
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[cfg(test)]
mod tests;
