//! From what the searches found, page by page, to a [`World`]: only bindings with a marker stay, each text once.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use jit_access_core::{
    eligibility::{Kind, reading},
    iam_condition::{Reading, Readings},
    iam_policy::{Binding, group_of, user_of},
};

use super::{
    interner::{Id, Interner},
    names::Names,
    world::{MarkedBinding, Node, Opening, World},
};
use crate::cloud_asset::{FoundPolicy, FoundResource};

/// Nothing is nested deeper at Google; it also ends a circle.
const DEEPEST: usize = 20;

#[derive(Debug)]
pub(super) struct Builder {
    interner: Interner,
    /// Condition readings, which outlive this world: most conditions stay the same.
    readings: Arc<Mutex<Readings>>,
    resources: HashMap<Id, Resource>,
    /// Projects by number.
    aliases: HashMap<Id, Id>,
    bindings: Vec<(Id, MarkedBinding)>,
    members: Vec<Id>,
}

#[derive(Debug)]
struct Resource {
    display_name: String,
    parent: Option<Id>,
    is_deleted: bool,
}

impl Builder {
    pub(super) fn new(readings: Arc<Mutex<Readings>>) -> Self {
        Builder {
            interner: Interner::default(),
            readings,
            resources: HashMap::new(),
            aliases: HashMap::new(),
            bindings: Vec::new(),
            members: Vec::new(),
        }
    }

    pub(super) fn add_resource(&mut self, found: FoundResource) {
        let id = self.interner.id(&found.name);
        if let Some(number) = found.number.filter(|number| *number != found.name) {
            let number = self.interner.id(&number);
            self.aliases.insert(number, id);
        }
        let parent = found.parent.map(|parent| self.interner.id(&parent));
        self.resources.insert(
            id,
            Resource {
                display_name: found.display_name,
                parent,
                is_deleted: found.is_deleted,
            },
        );
    }

    pub(super) fn add_policy(&mut self, found: &FoundPolicy) {
        let resource = self.interner.id(&found.resource);
        let readings = Arc::clone(&self.readings);
        let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
        for binding in found.policy.bindings() {
            let marked = match reading(binding, &mut readings) {
                Reading::Plain => continue,
                Reading::Eligible(condition) => self.marked(
                    binding,
                    Kind::of(condition),
                    condition.end.unwrap_or(Timestamp::MAX),
                ),
                // Makes nobody eligible; kept, for a look-up says why.
                Reading::MarkerNotTopLevel | Reading::Unreadable(_) => {
                    self.marked(binding, None, Timestamp::MAX)
                }
            };
            self.bindings.push((resource, marked));
        }
    }

    fn marked(&mut self, binding: &Binding, kind: Option<Kind>, end: Timestamp) -> MarkedBinding {
        let start = self.members.len();
        for member in &binding.members {
            let known = match (user_of(member), group_of(member)) {
                (Some(email), _) => format!("user:{email}"),
                (None, Some(group)) => format!("group:{group}"),
                // No person is meant.
                (None, None) => continue,
            };
            self.members.push(self.interner.id(&known));
        }
        MarkedBinding {
            role: self.interner.id(&binding.role),
            title: self.interner.id(binding.title()),
            expression: self.interner.id(binding.expression()),
            kind,
            end,
            members: start..self.members.len(),
        }
    }

    pub(super) fn finish(mut self) -> World {
        let mut bindings = mem::take(&mut self.bindings);
        for (resource, _) in &mut bindings {
            *resource = *self.aliases.get(resource).unwrap_or(resource);
            // A policy belongs to a resource, found by the other search or not.
            self.resources.entry(*resource).or_insert(Resource {
                display_name: String::new(),
                parent: None,
                is_deleted: false,
            });
        }
        self.resources.retain(|_, resource| !resource.is_deleted);

        let mut names: Vec<Id> = self.resources.keys().copied().collect();
        names.sort_unstable_by_key(|id| self.interner.text(*id));
        let places: HashMap<Id, usize> = names.iter().copied().zip(0..).collect();
        bindings.retain(|(resource, _)| places.contains_key(resource));
        bindings.sort_by_key(|(resource, _)| places.get(resource).copied());

        let mut nodes = Vec::with_capacity(names.len());
        let mut of_node = bindings.iter().map(|(resource, _)| resource).peekable();
        let mut start = 0;
        for id in names {
            let name = self.interner.text(id);
            let resource = self.resources.remove(&id);
            let (display_name, parent) =
                resource.map_or((String::new(), None), |r| (r.display_name, r.parent));
            let mut end = start;
            while of_node.next_if(|resource| **resource == id).is_some() {
                end += 1;
            }
            let parent = parent.map(|parent| self.aliases.get(&parent).copied().unwrap_or(parent));
            let parent = parent.and_then(|parent| places.get(&parent).copied());
            nodes.push(Node::new(name, &display_name, parent, start..end));
            start = end;
        }
        let by_depth = parents_first(&mut nodes);
        let bindings: Box<[MarkedBinding]> =
            bindings.into_iter().map(|(_, binding)| binding).collect();
        self.interner.shrink();
        World {
            names: Names::new(nodes.iter().map(|node| (&*node.name, &*node.display_name))),
            openings: openings(&nodes, &bindings, &self.members),
            nodes: nodes.into(),
            by_depth,
            bindings,
            members: self.members.into(),
            interner: self.interner,
            readings: self.readings,
        }
    }
}

/// The nodes in an order in which parents stand before their children. Where parents go in a circle, which Google
/// never says, it is cut.
fn parents_first(nodes: &mut [Node]) -> Box<[usize]> {
    let mut depths = vec![0; nodes.len()];
    for node in 0..nodes.len() {
        let mut depth = 0;
        let mut above = nodes[node].parent;
        while let Some(parent) = above {
            depth += 1;
            if depth > DEEPEST {
                nodes[node].parent = None;
                depth = 0;
                break;
            }
            above = nodes[parent].parent;
        }
        depths[node] = depth;
    }
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|node| depths[*node]);
    order.into()
}

/// Who is eligible where, by member.
fn openings(nodes: &[Node], bindings: &[MarkedBinding], members: &[Id]) -> Box<[Opening]> {
    let mut all: Vec<Opening> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        for binding in bindings.get(node.bindings.clone()).unwrap_or_default() {
            if binding.kind.is_none() {
                continue;
            }
            for member in members.get(binding.members.clone()).unwrap_or_default() {
                all.push(Opening {
                    member: *member,
                    node: at,
                    end: binding.end,
                });
            }
        }
    }
    // Of several for the same member and resource the last to end is first, and stays.
    all.sort_unstable_by(|a, b| (a.member, a.node, b.end).cmp(&(b.member, b.node, a.end)));
    all.dedup_by_key(|opening| (opening.member, opening.node));
    all.into()
}
