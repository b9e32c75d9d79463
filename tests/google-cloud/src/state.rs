//! All that the simulator knows, behind one short lock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::access::{Wanted, attributes_of, granting};
use crate::clock::Clock;
use crate::errors::ApiError;
use crate::faults::Faults;
use crate::groups::Groups;
use crate::held::Held;
use crate::hierarchy::{Hierarchy, Resource};
use crate::iap::Iap;
use crate::policy::rules::Surroundings;
use crate::policy::store::Policies;
use crate::policy::{bindings, members_of};
use crate::request::Request;
use crate::request_log::RequestLog;
use crate::roles::{self, CustomRoles};
use crate::world::{Device, LowVersionReads, World};

/// The simulated Google Cloud.
#[derive(Debug, Default)]
pub struct State {
    /// The simulated time.
    pub clock: Clock,
    /// How long each Google call takes.
    pub latency: Duration,
    /// Organizations, folders, projects.
    pub hierarchy: Hierarchy,
    /// Accounts that exist: members with prefix, lower case.
    pub accounts: BTreeSet<String>,
    /// Accounts that a person can sign in to: those that the world lists as users, in lower case.
    pub users: BTreeSet<String>,
    /// The device of each account that has one, by its e-mail address in lower case.
    pub devices: BTreeMap<String, Device>,
    /// Groups and memberships.
    pub groups: Groups,
    /// Custom roles.
    pub custom_roles: CustomRoles,
    /// Allow policies.
    pub policies: Policies,
    /// Pub/Sub topics with the messages published to them.
    pub topics: BTreeMap<String, Vec<Value>>,
    /// Whether transitive group searches are refused for want of a premium edition.
    pub basic_edition: bool,
    /// How conditional policies are read with a low version.
    pub low_version_reads: LowVersionReads,
    /// Identity-Aware Proxy.
    pub iap: Iap,
    /// Faults to be injected.
    pub faults: Faults,
    /// Calls that were stopped and wait for their release.
    pub held: Held,
    /// What was called.
    pub log: RequestLog,
}

impl State {
    /// Forgets the former world and takes this one. Clock, latency, faults, log and what
    /// Identity-Aware Proxy has stay.
    ///
    /// # Errors
    /// A sentence about what does not fit together; the world is then as it was.
    pub fn replace_world(&mut self, world: &World) -> Result<(), String> {
        Hierarchy::default().merge(world, "")?;
        roles::merge(&mut CustomRoles::new(), &world.roles)?;
        check_policy_names(&Hierarchy::default(), world)?;
        self.hierarchy = Hierarchy::default();
        self.accounts.clear();
        self.users.clear();
        self.devices.clear();
        self.groups = Groups::default();
        self.custom_roles.clear();
        self.policies.clear();
        self.topics.clear();
        self.basic_edition = false;
        self.low_version_reads = LowVersionReads::default();
        self.merge_world(world)
    }

    /// Adds what this world names to what exists; what exists by that name is replaced.
    ///
    /// # Errors
    /// A sentence about what does not fit together; the world is then as it was.
    pub fn merge_world(&mut self, world: &World) -> Result<(), String> {
        check_policy_names(&self.hierarchy, world)?;
        let mut custom_roles = self.custom_roles.clone();
        roles::merge(&mut custom_roles, &world.roles)?;
        self.hierarchy.merge(world, &self.clock.now_text())?;
        self.custom_roles = custom_roles;
        let users = world.users.iter().map(|user| user.to_ascii_lowercase());
        self.accounts
            .extend(users.clone().map(|user| format!("user:{user}")));
        self.users.extend(users);
        for (email, device) in &world.devices {
            self.devices
                .insert(email.to_ascii_lowercase(), device.clone());
        }
        for (email, members) in &world.groups {
            self.groups.put(email, members);
            self.accounts
                .extend(members.iter().map(|member| known(member)));
        }
        let now = self.clock.now();
        for (name, policy) in &world.policies {
            self.accounts
                .extend(bindings(policy).iter().flat_map(members_of).map(known));
            let name = self.canonical(name);
            self.policies.put(&name, policy.clone(), now);
        }
        for topic in &world.topics {
            self.topics.entry(topic.clone()).or_default();
        }
        if let Some(premium) = world.premium_groups {
            self.basic_edition = !premium;
        }
        if let Some(reads) = world.low_version_reads {
            self.low_version_reads = reads;
        }
        Ok(())
    }

    /// The canonical form of a resource name; the name itself where nothing is known by it.
    pub fn canonical(&self, name: &str) -> String {
        self.hierarchy
            .find(name)
            .map_or_else(|| name.to_owned(), Resource::name)
    }

    /// The accounts that a person can sign in to.
    pub fn people(&self) -> Vec<String> {
        self.users.iter().cloned().collect()
    }

    /// The resource, if it exists and the caller has the permission on it.
    ///
    /// # Errors
    /// 403 for both, as Google does not tell the two apart.
    pub fn permitted(
        &self,
        request: &Request,
        name: &str,
        permission: &str,
    ) -> Result<&Resource, ApiError> {
        let resource = self.hierarchy.find(name).ok_or_else(ApiError::denied)?;
        if self.may(
            &request.principal,
            request.is_administrator(),
            resource,
            permission,
        ) {
            Ok(resource)
        } else {
            Err(ApiError::denied())
        }
    }

    /// Whether a caller has a permission on a resource now.
    pub fn may(
        &self,
        principal: &str,
        administrator: bool,
        resource: &Resource,
        permission: &str,
    ) -> bool {
        let attributes = attributes_of(resource, self.clock.now());
        administrator
            || !granting(
                self,
                principal,
                &resource.name(),
                Wanted::Permission(permission),
                &attributes,
            )
            .is_empty()
    }

    /// The rules' view of what surrounds a resource.
    pub fn around<'a>(&'a self, resource: &'a Resource) -> Around<'a> {
        Around {
            state: self,
            resource,
        }
    }
}

/// What the rules for a policy ask about the world around its resource.
#[derive(Debug)]
pub struct Around<'a> {
    state: &'a State,
    resource: &'a Resource,
}

impl Surroundings for Around<'_> {
    fn is_grantable(&self, role: &str) -> bool {
        roles::is_grantable(
            &self.state.custom_roles,
            &self.state.hierarchy,
            self.resource,
            role,
        )
    }

    /// Service accounts, domains and federated identities are taken on trust: the world does not list them.
    fn exists(&self, member: &str) -> bool {
        match member.split_once(':') {
            Some(("user", _)) => self.state.accounts.contains(member),
            Some(("group", email)) => {
                self.state.groups.exists(email) || self.state.accounts.contains(member)
            }
            _ => true,
        }
    }
}

fn known(member: &str) -> String {
    match member.split_once(':') {
        Some((kind, email)) => format!("{kind}:{}", email.to_ascii_lowercase()),
        None => member.to_owned(),
    }
}

/// A policy for a resource that does not exist is a slip of the fixture's author.
fn check_policy_names(existing: &Hierarchy, world: &World) -> Result<(), String> {
    let mut hierarchy = existing.clone();
    hierarchy.merge(world, "")?;
    match world
        .policies
        .keys()
        .find(|name| hierarchy.find(name).is_none())
    {
        Some(name) => Err(format!(
            "there is a policy for {name}, which is no organization, folder or project of this world"
        )),
        None => Ok(()),
    }
}
