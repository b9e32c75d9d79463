//! What is known at one moment of who may ask for what.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use jit_access_core::{
    eligibility::{Attached, Kind, Lookup, Person, look_up},
    iam_condition::Readings,
    iam_policy::{Binding, Policy, group_of},
};

use super::{
    build::Builder,
    world::{MarkedBinding, Node, World},
};
use crate::cloud_asset::{FoundPolicy, FoundResource};

/// Titles of roles by their names.
pub type Titles = BTreeMap<String, String>;

/// People by the groups that contain them, nested ones too; a group that could not be listed is absent. All addresses
/// are in lower case.
pub type Groups = BTreeMap<String, Arc<BTreeSet<String>>>;

/// Who may ask for what, at one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) world: Arc<World>,
    pub(super) titles: Arc<Titles>,
    pub(super) groups: Arc<Groups>,
}

/// A project, folder or organization, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Such as `projects/web-prod`.
    pub name: String,
    /// The name that people gave it; the identifier if it has none.
    pub display_name: String,
    /// Display names of the ancestors within the scope, the highest first.
    pub path: Vec<String>,
}

impl Snapshot {
    /// Nothing is known.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new(), Vec::new(), Titles::new(), Groups::new())
    }

    /// What was found. A resource with a policy is there even if it is not among `resources`.
    #[must_use]
    pub fn new(
        resources: Vec<FoundResource>,
        policies: Vec<FoundPolicy>,
        titles: Titles,
        groups: Groups,
    ) -> Self {
        let mut builder = Builder::new(Arc::new(Mutex::new(Readings::default())));
        for resource in resources {
            builder.add_resource(resource);
        }
        // Each is dropped before the next.
        for policy in policies {
            builder.add_policy(&policy);
        }
        Snapshot {
            world: Arc::new(builder.finish()),
            titles: Arc::new(titles),
            groups: Arc::new(groups),
        }
    }

    /// A resource by its name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        self.world.node(name).map(|node| self.place_of(node))
    }

    /// Whether a resource is another one or lies below it, as far as is known here.
    #[must_use]
    pub fn is_within(&self, resource: &str, above: &str) -> bool {
        let line = self.world.node(resource).into_iter();
        resource == above
            || line
                .flat_map(|node| self.world.line(node))
                .any(|node| *node.name == *above)
    }

    pub(super) fn place_of(&self, node: usize) -> Place {
        let mut line = self.world.line(node);
        let own = line.next();
        let mut path: Vec<String> = line.map(|above| above.display_name.to_string()).collect();
        path.reverse();
        Place {
            name: own.map_or_else(String::new, |node| node.name.to_string()),
            display_name: own.map_or_else(String::new, |node| node.display_name.to_string()),
            path,
        }
    }

    /// What the person may ask for on a resource; `None` if it is not known here. Of the bindings there and above only
    /// those with a marker are known, so it does not tell what the person holds permanently.
    #[must_use]
    pub fn look_up(&self, person: &Person, resource: &str, now: Timestamp) -> Option<Lookup> {
        let node = self.world.node(resource)?;
        let policies = self.policies(node, |_| true);
        let mut readings = self.readings(&policies);
        Some(look_up_in(person, &policies, now, &mut readings))
    }

    /// The policies of a resource and its ancestors, nearest first, with those bindings that are wanted.
    pub(super) fn policies(
        &self,
        node: usize,
        is_wanted: impl Fn(&MarkedBinding) -> bool,
    ) -> Vec<(&Node, Policy)> {
        let line = self.world.line(node);
        line.map(|node| (node, self.world.policy(node, &is_wanted)))
            .collect()
    }

    /// What the conditions in these policies say. Others wait for no more than the reading of those that are new.
    pub(super) fn readings(&self, policies: &[(&Node, Policy)]) -> Readings {
        let readings = &self.world.readings;
        let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
        let bindings = policies.iter().flat_map(|(_, policy)| policy.bindings());
        readings.part(bindings.map(Binding::expression))
    }

    /// What a role is called, where that is known.
    #[must_use]
    pub fn title(&self, role: &str) -> Option<&str> {
        let title = self.titles.get(role).map(String::as_str);
        title.filter(|title| !title.is_empty())
    }

    /// How many resources there are, and bindings that make somebody eligible.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let eligible = self.world.bindings.iter().filter(|it| it.kind.is_some());
        (self.world.nodes.len(), eligible.count())
    }

    /// All roles that somebody is eligible for.
    pub(super) fn roles(&self) -> BTreeSet<String> {
        let eligible = self.world.bindings.iter().filter(|it| it.kind.is_some());
        eligible
            .map(|binding| self.world.interner.text(binding.role).to_owned())
            .collect()
    }

    /// All groups whose members may approve something.
    pub(super) fn peer_groups(&self) -> BTreeSet<String> {
        let bindings = self.world.bindings.iter();
        bindings
            .filter(|binding| binding.kind == Some(Kind::PeerApproval))
            .flat_map(|binding| self.world.members_of(binding))
            .filter_map(group_of)
            .collect()
    }
}

/// By core's rules.
pub(super) fn look_up_in(
    person: &Person,
    policies: &[(&Node, Policy)],
    now: Timestamp,
    readings: &mut Readings,
) -> Lookup {
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|(node, policy)| Attached {
            resource: &node.name,
            policy,
        })
        .collect();
    look_up(person, &attached, now, readings)
}
