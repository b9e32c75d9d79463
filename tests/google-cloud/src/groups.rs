//! Groups and who is in them, directly and through other groups.

use std::collections::{BTreeMap, BTreeSet};

/// The membership graph. Members and groups are lower case, members with their prefix.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    members: BTreeMap<String, BTreeSet<String>>,
    parents: BTreeMap<String, BTreeSet<String>>,
}

/// How a group relates to a member of it, in Cloud Identity's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// The member is named in the group itself.
    pub direct: bool,
    /// The member is in it through another group.
    pub indirect: bool,
}

impl Relation {
    /// `DIRECT`, `INDIRECT` or `DIRECT_AND_INDIRECT`.
    pub fn word(self) -> &'static str {
        match (self.direct, self.indirect) {
            (true, true) => "DIRECT_AND_INDIRECT",
            (true, false) => "DIRECT",
            _ => "INDIRECT",
        }
    }
}

impl Groups {
    /// Adds a group, or replaces its members.
    pub fn put(&mut self, email: &str, members: &[String]) {
        let email = email.to_ascii_lowercase();
        let group = format!("group:{email}");
        for member in self.members.remove(&email).unwrap_or_default() {
            if let Some(parents) = self.parents.get_mut(&member) {
                parents.remove(&group);
            }
        }
        let members: BTreeSet<String> = members.iter().map(|member| lower_case(member)).collect();
        for member in &members {
            self.parents
                .entry(member.clone())
                .or_default()
                .insert(group.clone());
        }
        self.members.insert(email, members);
    }

    /// Whether a group of this e-mail exists.
    pub fn exists(&self, email: &str) -> bool {
        self.members.contains_key(email)
    }

    /// The e-mails of all groups.
    pub fn emails(&self) -> impl Iterator<Item = &String> {
        self.members.keys()
    }

    /// The members named in a group.
    pub fn direct_members(&self, email: &str) -> impl Iterator<Item = &String> {
        self.members.get(email).into_iter().flatten()
    }

    /// The groups (e-mails) that name this member themselves.
    pub fn direct_groups(&self, member: &str) -> Vec<String> {
        self.parents
            .get(member)
            .into_iter()
            .flatten()
            .map(|group| email_of(group).to_owned())
            .collect()
    }

    /// All groups (e-mails) that contain this member, with how.
    pub fn transitive_groups(&self, member: &str) -> BTreeMap<String, Relation> {
        closure(member, |node| self.parents.get(node))
    }

    /// All members (with prefix) of a group, nested groups and their members too, with how.
    pub fn transitive_members(&self, email: &str) -> BTreeMap<String, Relation> {
        let mut found = BTreeMap::new();
        walk(
            &format!("group:{email}"),
            |node| self.members.get(email_of(node)),
            &mut found,
        );
        found
    }
}

fn closure<'a>(
    start: &str,
    next: impl Fn(&str) -> Option<&'a BTreeSet<String>>,
) -> BTreeMap<String, Relation> {
    let mut found = BTreeMap::new();
    walk(start, next, &mut found);
    found
        .into_iter()
        .map(|(node, relation)| (email_of(&node).to_owned(), relation))
        .collect()
}

/// Breadth first over `next`; a cycle ends at what was already visited.
fn walk<'a>(
    start: &str,
    next: impl Fn(&str) -> Option<&'a BTreeSet<String>>,
    found: &mut BTreeMap<String, Relation>,
) {
    let mut queue = vec![start.to_owned()];
    let mut visited = BTreeSet::from([start.to_owned()]);
    while let Some(node) = queue.pop() {
        for neighbour in next(&node).into_iter().flatten() {
            let relation = found.entry(neighbour.clone()).or_insert(Relation {
                direct: false,
                indirect: false,
            });
            if node == start {
                relation.direct = true;
            } else {
                relation.indirect = true;
            }
            if visited.insert(neighbour.clone()) {
                queue.push(neighbour.clone());
            }
        }
    }
    found.remove(start);
}

/// The e-mail of a member, without its prefix.
pub fn email_of(member: &str) -> &str {
    member.split_once(':').map_or(member, |(_, email)| email)
}

fn lower_case(member: &str) -> String {
    match member.split_once(':') {
        Some((prefix, email)) => format!("{prefix}:{}", email.to_ascii_lowercase()),
        None => member.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Groups {
        let mut groups = Groups::default();
        groups.put(
            "sre@example.com",
            &[
                "user:Alice@example.com".into(),
                "group:core@example.com".into(),
            ],
        );
        groups.put("core@example.com", &["user:alice@example.com".into()]);
        groups.put(
            "all@example.com",
            &[
                "group:sre@example.com".into(),
                "group:all@example.com".into(),
            ],
        );
        groups
    }

    #[test]
    fn nested_groups_tell_how_the_member_got_there() {
        let found = groups().transitive_groups("user:alice@example.com");
        let words: Vec<_> = found
            .iter()
            .map(|(group, relation)| (group.as_str(), relation.word()))
            .collect();
        assert_eq!(
            words,
            [
                ("all@example.com", "INDIRECT"),
                ("core@example.com", "DIRECT"),
                ("sre@example.com", "DIRECT_AND_INDIRECT")
            ]
        );
    }

    #[test]
    fn a_replaced_group_forgets_its_former_members() {
        let mut groups = groups();
        groups.put("sre@example.com", &["user:bob@example.com".into()]);
        assert_eq!(
            groups.direct_groups("user:alice@example.com"),
            ["core@example.com"]
        );
        assert_eq!(groups.transitive_members("all@example.com").len(), 2);
    }
}
