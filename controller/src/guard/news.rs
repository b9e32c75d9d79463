//! What changes in the cluster between two looks.

use futures::StreamExt;
use futures::stream::{BoxStream, select_all};
use jit_access_core::guard::{POLICY, Standing, Version};
use jit_access_core::namespaces::CONFIG_MAP;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};

use super::Guard;
use super::cluster::{bindings, policies};
use crate::lock::lock;
use jit_access_program::WatchBackoff;

/// Something that was there at the beginning, or changed.
#[derive(Debug)]
pub(super) enum News {
    /// The policy stands like this; `None` if it is gone.
    Policy(Option<Version>),
    /// A binding of the policy stands like this; `None` if one is gone.
    Binding(Option<Version>),
    /// The ConfigMap of namespaces was changed, or is gone.
    Namespaces,
}

/// All that is to be heard of.
pub(super) fn from(client: &Client, namespace: &str) -> BoxStream<'static, News> {
    let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
    let policy = objects(watcher(policies(client.clone()), named(POLICY)))
        .map(|(object, gone)| News::Policy(version(&object, gone)));
    let binding = objects(watcher(
        bindings(client.clone()),
        watcher::Config::default(),
    ))
    .filter(|(object, _)| {
        let ours = object.data["spec"]["policyName"] == POLICY || object.name_any() == POLICY;
        std::future::ready(ours)
    })
    .map(|(object, gone)| News::Binding(version(&object, gone)));
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let namespaces = objects(watcher(maps, named(CONFIG_MAP))).map(|_| News::Namespaces);
    select_all([policy.boxed(), binding.boxed(), namespaces.boxed()]).boxed()
}

/// Objects that are there, came, changed, or went (`true`).
fn objects<K: Send + 'static>(
    events: impl futures::Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
) -> BoxStream<'static, (K, bool)> {
    use kube::runtime::WatchStreamExt;
    events
        .backoff(WatchBackoff::default())
        .filter_map(|event| async {
            match event {
                Ok(Event::Apply(object) | Event::InitApply(object)) => Some((object, false)),
                Ok(Event::Delete(object)) => Some((object, true)),
                Ok(Event::Init | Event::InitDone) => None,
                Err(error) => {
                    tracing::debug!(%error, "a watch of the guard is interrupted");
                    None
                }
            }
        })
        .boxed()
}

fn version(object: &DynamicObject, gone: bool) -> Option<Version> {
    if gone {
        return None;
    }
    Some(Version {
        uid: object.metadata.uid.clone()?,
        generation: object.metadata.generation?,
    })
}

impl Guard {
    /// Takes the proof away if something else stands there than what was proven. Returns whether it
    /// is to be looked at.
    pub(super) fn heard(&self, news: &News) -> bool {
        let is_proven = |version: &Option<Version>, of: fn(&Standing) -> &Version| {
            let state = lock(&self.state);
            let proof = state.proof.as_ref().ok();
            proof.is_some_and(|proof| version.as_ref() == Some(of(&proof.standing)))
        };
        let changed = match news {
            News::Policy(version) => !is_proven(version, |standing| &standing.policy),
            News::Binding(version) => !is_proven(version, |standing| &standing.binding),
            News::Namespaces => return true,
        };
        if changed {
            self.doubt("the admission policy or its binding was changed, and is looked at again");
        }
        changed
    }
}
