//! Resources and marked bindings in memory, lean: an organization has 10,000 projects and 100,000 such bindings.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use jit_access_core::{
    eligibility::{Kind, Person},
    iam_condition::Readings,
    iam_policy::{Binding, Condition, Policy},
};

use super::{
    interner::{Id, Interner},
    names::{Names, readable},
};

#[derive(Debug)]
pub(super) struct World {
    /// By name.
    pub(super) nodes: Box<[Node]>,
    /// Of the nodes.
    pub(super) names: Names,
    /// Parents before their children.
    pub(super) by_depth: Box<[usize]>,
    /// By resource.
    pub(super) bindings: Box<[MarkedBinding]>,
    pub(super) members: Box<[Id]>,
    /// By member, then resource.
    pub(super) openings: Box<[Opening]>,
    pub(super) interner: Interner,
    pub(super) readings: Arc<Mutex<Readings>>,
}

/// A resource.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: Box<str>,
    pub(super) display_name: Box<str>,
    pub(super) parent: Option<usize>,
    pub(super) bindings: Range<usize>,
}

/// A binding that names a marker. What it says is core's to read.
#[derive(Debug)]
pub(super) struct MarkedBinding {
    pub(super) role: Id,
    pub(super) title: Id,
    pub(super) expression: Id,
    /// Those that are people or groups.
    pub(super) members: Range<usize>,
    /// None if it makes nobody eligible.
    pub(super) kind: Option<Kind>,
    pub(super) end: Timestamp,
}

/// A member is eligible for something on a resource, until then.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) member: Id,
    pub(super) node: usize,
    pub(super) end: Timestamp,
}

impl Node {
    pub(super) fn new(
        name: &str,
        display_name: &str,
        parent: Option<usize>,
        bindings: Range<usize>,
    ) -> Self {
        let readable = readable(display_name);
        let display_name = if readable.is_empty() {
            id_of(name)
        } else {
            &readable
        };
        Node {
            name: name.into(),
            display_name: display_name.into(),
            parent,
            bindings,
        }
    }
}

/// A resource's name without its kind.
pub(super) fn id_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, id)| id)
}

impl World {
    pub(super) fn node(&self, name: &str) -> Option<usize> {
        self.nodes
            .binary_search_by(|node| (*node.name).cmp(name))
            .ok()
    }

    /// The resource itself, then its ancestors, nearest first.
    pub(super) fn line(&self, node: usize) -> impl Iterator<Item = &Node> {
        let mut next = self.nodes.get(node);
        std::iter::from_fn(move || {
            let node = next?;
            next = node.parent.and_then(|parent| self.nodes.get(parent));
            Some(node)
        })
    }

    pub(super) fn bindings_of(&self, node: &Node) -> &[MarkedBinding] {
        self.bindings.get(node.bindings.clone()).unwrap_or_default()
    }

    pub(super) fn members_of(&self, binding: &MarkedBinding) -> impl Iterator<Item = &str> {
        let members = self
            .members
            .get(binding.members.clone())
            .unwrap_or_default();
        members.iter().map(|id| self.interner.text(*id))
    }

    /// The marked bindings of a resource's own policy that `is_wanted`, as core reads them.
    pub(super) fn policy(&self, node: &Node, is_wanted: impl Fn(&MarkedBinding) -> bool) -> Policy {
        let wanted = self.bindings_of(node).iter().filter(|it| is_wanted(it));
        let bindings = wanted.map(|binding| Binding {
            role: self.interner.text(binding.role).to_owned(),
            members: self.members_of(binding).map(str::to_owned).collect(),
            condition: Some(Condition {
                title: self.interner.text(binding.title).to_owned(),
                expression: self.interner.text(binding.expression).to_owned(),
                ..Condition::default()
            }),
            ..Binding::default()
        });
        Policy {
            entries: bindings.map(Into::into).collect(),
            ..Policy::default()
        }
    }

    /// For each resource whether the person is eligible for something there, by a binding on it or above.
    pub(super) fn open_to(&self, person: &Person, now: Timestamp) -> Vec<bool> {
        let mut open = vec![false; self.nodes.len()];
        let names = person.groups.iter().map(|group| format!("group:{group}"));
        for name in names.chain([format!("user:{}", person.email)]) {
            let Some(member) = self.interner.find(&name) else {
                continue;
            };
            let start = self.openings.partition_point(|it| it.member < member);
            let theirs = self.openings.iter().skip(start);
            for opening in theirs.take_while(|it| it.member == member) {
                if opening.end > now {
                    open[opening.node] = true;
                }
            }
        }
        for &node in &self.by_depth {
            open[node] = open[node] || self.nodes[node].parent.is_some_and(|parent| open[parent]);
        }
        open
    }
}
