//! Who is in a group, through Cloud Identity v1: for suggesting reviewers, never for deciding.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jit_access_core::request::person;
use serde::Deserialize;

use crate::{
    cloud_identity::OWN_BASE_URL,
    connection::Connection,
    error::{Error, Kind},
    rest::Rest,
    sentence::{Call, Requirement},
    settings::{GroupSource, Settings},
};

/// A group of more people is not listed: nobody chooses a reviewer from so long a list.
const MAX_PEOPLE: usize = 1_000;
/// The most that Google gives per page of the transitive search.
const TRANSITIVE_PAGE_SIZE: &str = "1000";
/// The most that Google gives per page of memberships in full view.
const DIRECT_PAGE_SIZE: &str = "500";
/// More pages than this for one group are an error; it also ends a chain of pages that never ends.
const MAX_PAGES: usize = 5;
/// A walk down that finds more nested groups than this is an error.
const MAX_WALKED_GROUPS: usize = 50;
/// A walk down that finds groups nested deeper than this is an error.
const MAX_WALKED_DEPTH: usize = 10;
/// How many groups of one level are listed at once.
const WALK_IN_PARALLEL: usize = 8;

#[derive(Debug, Clone)]
pub(crate) struct GroupMembers {
    source: GroupSource,
    rest: Rest,
}

#[derive(Deserialize)]
struct Group {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Page<T> {
    #[serde(default)]
    memberships: Vec<T>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relation {
    #[serde(default)]
    member: String,
    #[serde(default)]
    preferred_member_key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Membership {
    #[serde(default)]
    preferred_member_key: Key,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
struct Key {
    #[serde(default)]
    id: String,
}

/// What one group lists itself.
#[derive(Default)]
struct Listed {
    people: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl GroupMembers {
    pub(crate) fn new(settings: &Settings, connection: Connection, http: reqwest::Client) -> Self {
        GroupMembers {
            source: settings.groups,
            rest: Rest::new(settings, OWN_BASE_URL, connection, http),
        }
    }

    /// The people in a group, through nested ones too; e-mail addresses in lower case.
    pub(crate) async fn people(&self, group: &str) -> Result<BTreeSet<String>, Error> {
        if self.source == GroupSource::None {
            return Ok(BTreeSet::new());
        }
        let group = group.to_ascii_lowercase();
        let call = self.listing(&group);
        let name = self.name(&call, &group).await?;
        match self.transitive(&call, &name).await {
            // The edition has no such search, or one of the groups may not be seen: the walk tells.
            Err(error) if error.kind == Kind::Denied => self.walk(&group, name).await,
            people => people,
        }
    }

    fn listing(&self, group: &str) -> Call {
        Call {
            task: format!("list the members of {group}"),
            subject: group.to_owned(),
            host: self.rest.host.clone(),
            requires: Requirement::GroupsReader,
            timeout: self.rest.connection.limits.read_timeout,
            writes: false,
        }
    }

    /// Cloud Identity's own name of the group, such as `groups/01x`.
    async fn name(&self, call: &Call, group: &str) -> Result<String, Error> {
        let query = [("groupKey.id", group)];
        let found: Group = self.rest.read(call, "/v1/groups:lookup", &query).await?;
        let is_safe = found.name.strip_prefix("groups/").is_some_and(|id| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        });
        if is_safe {
            Ok(found.name)
        } else {
            Err(call.malformed("the group has no name that could be asked for"))
        }
    }

    async fn transitive(&self, call: &Call, name: &str) -> Result<BTreeSet<String>, Error> {
        let path = format!("/v1/{name}/memberships:searchTransitiveMemberships");
        let mut people = BTreeSet::new();
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let query = [
                ("pageSize", TRANSITIVE_PAGE_SIZE),
                ("pageToken", token.as_str()),
            ];
            let page: Page<Relation> = self.rest.read(call, &path, &query).await?;
            let users = page
                .memberships
                .into_iter()
                .filter(|relation| relation.member.starts_with("users/"));
            people.extend(
                users
                    .filter_map(|user| user.preferred_member_key.into_iter().next())
                    .filter_map(|key| address(&key)),
            );
            if page.next_page_token.is_empty() && people.len() <= MAX_PEOPLE {
                return Ok(people);
            }
            if people.len() > MAX_PEOPLE {
                break;
            }
            token = page.next_page_token;
        }
        Err(too_many(&call.subject))
    }

    /// Breadth first, each group once, so that a cycle ends.
    async fn walk(&self, group: &str, name: String) -> Result<BTreeSet<String>, Error> {
        let mut seen = BTreeSet::from([group.to_owned()]);
        let mut first = self.direct(&self.listing(group), &name).await?;
        let mut people = std::mem::take(&mut first.people);
        let mut level = first.groups;
        for _ in 0..MAX_WALKED_DEPTH {
            level.retain(|nested| seen.insert(nested.clone()));
            if people.len() > MAX_PEOPLE || seen.len() > MAX_WALKED_GROUPS {
                break;
            }
            if level.is_empty() {
                return Ok(people);
            }
            let listed: Vec<Listed> = stream::iter(level)
                .map(|nested| async move {
                    let call = self.listing(&nested);
                    let name = self.name(&call, &nested).await?;
                    self.direct(&call, &name).await
                })
                .buffer_unordered(WALK_IN_PARALLEL)
                .try_collect()
                .await?;
            level = BTreeSet::new();
            for mut nested in listed {
                people.append(&mut nested.people);
                level.append(&mut nested.groups);
            }
        }
        Err(too_many(group))
    }

    async fn direct(&self, call: &Call, name: &str) -> Result<Listed, Error> {
        let path = format!("/v1/{name}/memberships");
        let mut listed = Listed::default();
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let query = [
                // With the kinds of members.
                ("view", "FULL"),
                ("pageSize", DIRECT_PAGE_SIZE),
                ("pageToken", token.as_str()),
            ];
            let page: Page<Membership> = self.rest.read(call, &path, &query).await?;
            for member in page.memberships {
                match member.kind.as_str() {
                    "USER" => listed.people.extend(address(&member.preferred_member_key)),
                    "GROUP" => {
                        let key = member.preferred_member_key.id.to_ascii_lowercase();
                        listed.groups.insert(key);
                    }
                    _ => {}
                }
            }
            if page.next_page_token.is_empty() {
                return Ok(listed);
            }
            token = page.next_page_token;
        }
        Err(too_many(&call.subject))
    }
}

/// None for what a request could not name as a reviewer, such as a service account.
fn address(key: &Key) -> Option<String> {
    let email = key.id.to_ascii_lowercase();
    person(&email).is_ok().then_some(email)
}

fn too_many(group: &str) -> Error {
    Error::new(
        Kind::Other,
        format!(
            "{group} has more members than are listed ({MAX_PEOPLE} people, {MAX_WALKED_GROUPS} nested groups, \
             {MAX_WALKED_DEPTH} levels); a part of them is not used."
        ),
    )
}
