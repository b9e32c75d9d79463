//! The two searches of Cloud Identity v1 that say which groups an address is in. There is no official crate.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use google_cloud_gax::error::rpc::Status;
use serde::Deserialize;

use crate::{
    clock::ServerClock,
    connection::Connection,
    error::{Error, Kind},
    error_details::reason,
    rest::{Refused, Rest},
    sentence::{Call, Requirement},
    settings::Settings,
};

pub(crate) const OWN_BASE_URL: &str = "https://cloudidentity.googleapis.com";
/// The most that Google gives per page.
const PAGE_SIZE: &str = "1000";
/// More pages than this for one address are an error; it also ends a chain of pages that never ends.
const MAX_PAGES: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// All groups, nested ones too; not in every edition.
    Transitive,
    /// The groups that list the address itself.
    Direct,
}

#[derive(Debug, Default)]
pub(crate) struct Found {
    /// E-mail addresses in lower case.
    pub(crate) groups: BTreeSet<String>,
    /// At the last answer.
    pub(crate) clock: Option<ServerClock>,
}

/// Why a search failed; the edition is told apart, since another search can do.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// 403: the edition of Google Workspace or Cloud Identity has no transitive search.
    Edition,
    /// Another 403 about the groups themselves.
    Groups,
    Other,
}

#[derive(Debug, Clone)]
pub(crate) struct CloudIdentity {
    rest: Rest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    memberships: Vec<Relation>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relation {
    group_key: GroupKey,
}

#[derive(Deserialize)]
struct GroupKey {
    id: String,
    /// Given for groups of other systems, whose identifier is no e-mail address.
    #[serde(default)]
    namespace: String,
}

impl CloudIdentity {
    pub(crate) fn new(settings: &Settings, connection: Connection, http: reqwest::Client) -> Self {
        CloudIdentity {
            rest: Rest::new(settings, OWN_BASE_URL, connection, http),
        }
    }

    /// All pages of one search.
    pub(crate) async fn search(&self, search: Search, member: &str) -> Result<Found, Refusal> {
        let call = Call {
            task: format!("look up the groups of {member}"),
            subject: member.to_owned(),
            host: self.rest.host.clone(),
            requires: Requirement::GroupsReader,
            timeout: self.rest.connection.limits.read_timeout,
            writes: false,
        };
        let mut found = Found::default();
        let mut page_token = String::new();
        for _ in 0..MAX_PAGES {
            // Kept beside the error, which is all that the repetition sees.
            let cause = Mutex::new(Cause::Other);
            let attempt = || async {
                let (result, why) = match self.page(&call, search, member, &page_token).await {
                    Ok(page) => (Ok(page), Cause::Other),
                    Err(Refusal { error, cause }) => (Err(error), cause),
                };
                *cause.lock().unwrap_or_else(PoisonError::into_inner) = why;
                result
            };
            let result = self.rest.connection.read(attempt).await;
            let (page, clock) = result.map_err(|error| Refusal {
                error,
                cause: *cause.lock().unwrap_or_else(PoisonError::into_inner),
            })?;
            found.clock = clock.or(found.clock);
            let keys = page
                .memberships
                .into_iter()
                .map(|relation| relation.group_key);
            found.groups.extend(
                keys.filter(|key| key.namespace.is_empty())
                    .map(|key| key.id.to_ascii_lowercase()),
            );
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            page_token = page.next_page_token;
        }
        Err(Refusal {
            error: Error::new(
                Kind::Other,
                format!(
                    "{member} is in more groups than fit on {MAX_PAGES} pages of {PAGE_SIZE}; so many are not looked \
                     at, and nothing is decided on a part of them."
                ),
            ),
            cause: Cause::Other,
        })
    }

    async fn page(
        &self,
        call: &Call,
        search: Search,
        member: &str,
        page_token: &str,
    ) -> Result<(Page, Option<ServerClock>), Refusal> {
        let method = match search {
            Search::Transitive => "searchTransitiveGroups",
            Search::Direct => "searchDirectGroups",
        };
        let path = format!("/v1/groups/-/memberships:{method}");
        let query = [
            ("query", &*query(member)),
            ("pageSize", PAGE_SIZE),
            ("pageToken", page_token),
        ];
        match self.rest.get(call, &path, &query).await {
            Ok((page, headers)) => Ok((page, ServerClock::of(&headers))),
            Err(Refused {
                mut error,
                http,
                status,
            }) => {
                if search == Search::Direct && http == Some(500) {
                    error.message.push_str(
                        " Google answers so also to an address that it does not know, and to one of another organization.",
                    );
                }
                let cause = match error.kind {
                    Kind::Denied => denial(status.as_ref()),
                    _ => Cause::Other,
                };
                Err(Refusal { error, cause })
            }
        }
    }
}

fn denial(status: Option<&Status>) -> Cause {
    if matches!(
        reason(status),
        Some("SERVICE_DISABLED" | "accessNotConfigured" | "USER_PROJECT_DENIED")
    ) {
        return Cause::Other;
    }
    // The only sign of it: these numbers in the message (Google's own JIT Access looks for them too).
    match status {
        Some(status)
            if ["3005", "3006"]
                .iter()
                .any(|code| status.message.contains(code)) =>
        {
            Cause::Edition
        }
        _ => Cause::Groups,
    }
}

/// Google wants the label named. Every Google group has it; groups of other systems do not.
fn query(member: &str) -> String {
    let escaped = member.replace('\\', r"\\").replace('\'', r"\'");
    format!(
        "member_key_id == '{escaped}' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_leave_its_string() {
        assert_eq!(
            query(r"o'brien\@example.com"),
            r"member_key_id == 'o\'brien\\@example.com' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels"
        );
    }
}
