//! The two searches of Cloud Asset v1, through Google's crate: which projects, folders and organizations there are,
//! and which of their policies contain something. Its index lags behind by minutes, so nothing is granted or removed
//! on its word.

use google_cloud_asset_v1::{
    client::AssetService,
    model::{IamPolicySearchResult, ResourceSearchResult},
};
use google_cloud_gax::{options::RequestOptionsBuilder, retry_policy::NeverRetry};
use jit_access_core::iam_policy::Policy;

use crate::{
    connection::Connection,
    error::{Error, Kind},
    resource::Resource,
    resource_manager::{cannot_build, host_of, to_core},
    sentence::{Call, Requirement},
    settings::Settings,
};

const OWN_BASE_URL: &str = "https://cloudasset.googleapis.com";
/// What holds policies that count here; everything else that has policies is left out.
const ASSET_TYPES: [&str; 3] = [
    "cloudresourcemanager.googleapis.com/Project",
    "cloudresourcemanager.googleapis.com/Folder",
    "cloudresourcemanager.googleapis.com/Organization",
];
const FULL_NAME_PREFIX: &str = "//cloudresourcemanager.googleapis.com/";
/// The most that Google gives per page.
const PAGE_SIZE: i32 = 500;
/// More pages than this are an error; it also ends a chain of pages that never ends.
const MAX_PAGES: usize = 1_000;

/// A project, folder or organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundResource {
    /// Such as `projects/web-prod`.
    pub name: String,
    /// Of a project by its number, which stands for it in some answers: `projects/123`.
    pub number: Option<String>,
    /// For people; may be empty.
    pub display_name: String,
    /// Such as `folders/1`; may be outside of what was searched.
    pub parent: Option<String>,
    /// It is about to be deleted: nobody can use it.
    pub is_deleted: bool,
}

/// The bindings of one resource that a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundPolicy {
    /// Such as `projects/web-prod`.
    pub resource: String,
    /// Those bindings alone, without an etag: not a policy that can be written.
    pub policy: Policy,
}

#[derive(Debug)]
pub(crate) struct CloudAsset {
    connection: Connection,
    host: String,
    service: AssetService,
}

impl CloudAsset {
    pub(crate) async fn new(settings: &Settings, connection: Connection) -> Result<Self, Error> {
        let base_url = settings.base_url(OWN_BASE_URL);
        // Repetition is ours (`Connection::read`), as for Resource Manager.
        let service = AssetService::builder()
            .with_endpoint(&base_url)
            .with_credentials(connection.account.credentials())
            .with_retry_policy(NeverRetry)
            .build()
            .await
            .map_err(|error| cannot_build(&base_url, &error))?;
        Ok(CloudAsset {
            service,
            host: host_of(&base_url),
            connection,
        })
    }

    /// Hands over all policies within `scope` that match, a page at a time, each only with the bindings that match.
    pub(crate) async fn policies(
        &self,
        scope: Resource<'_>,
        query: &str,
        mut take: impl FnMut(Vec<FoundPolicy>),
    ) -> Result<(), Error> {
        let call = self.searching(scope, "IAM policies", "searchAllIamPolicies");
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let attempt = || async {
                let answer = self
                    .service
                    .search_all_iam_policies()
                    .set_scope(scope.name)
                    .set_query(query)
                    .set_asset_types(ASSET_TYPES)
                    .set_page_size(PAGE_SIZE)
                    .set_page_token(&token)
                    .with_attempt_timeout(self.connection.limits.read_timeout)
                    .with_user_agent(&self.connection.user_agent)
                    .send()
                    .await
                    .map_err(|error| call.failed(&error))?;
                let found: Result<Vec<_>, Error> = answer
                    .results
                    .into_iter()
                    .filter_map(|result| policy(&call, result).transpose())
                    .collect();
                Ok((found?, answer.next_page_token))
            };
            let (found, next) = self.connection.read(attempt).await?;
            take(found);
            if next.is_empty() {
                return Ok(());
            }
            token = next;
        }
        Err(too_many_pages(&call))
    }

    /// Hands over all projects, folders and organizations within `scope`, a page at a time.
    pub(crate) async fn resources(
        &self,
        scope: Resource<'_>,
        mut take: impl FnMut(Vec<FoundResource>),
    ) -> Result<(), Error> {
        let call = self.searching(scope, "projects and folders", "searchAllResources");
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let attempt = || async {
                let answer = self
                    .service
                    .search_all_resources()
                    .set_scope(scope.name)
                    .set_asset_types(ASSET_TYPES)
                    .set_page_size(PAGE_SIZE)
                    .set_page_token(&token)
                    .with_attempt_timeout(self.connection.limits.read_timeout)
                    .with_user_agent(&self.connection.user_agent)
                    .send()
                    .await
                    .map_err(|error| call.failed(&error))?;
                let found: Vec<_> = answer.results.into_iter().filter_map(resource).collect();
                Ok((found, answer.next_page_token))
            };
            let (found, next) = self.connection.read(attempt).await?;
            take(found);
            if next.is_empty() {
                return Ok(());
            }
            token = next;
        }
        Err(too_many_pages(&call))
    }

    fn searching(&self, scope: Resource<'_>, what: &str, method: &str) -> Call {
        Call {
            task: format!("search {} for {what}", scope.name),
            subject: scope.name.to_owned(),
            host: self.host.clone(),
            requires: Requirement::Permission {
                name: format!("cloudasset.assets.{method}"),
                role: "roles/cloudasset.viewer",
            },
            timeout: self.connection.limits.read_timeout,
            writes: false,
        }
    }
}

fn too_many_pages(call: &Call) -> Error {
    Error::new(
        Kind::Other,
        format!(
            "Google was asked to {}, and there are more than fit on {MAX_PAGES} pages of {PAGE_SIZE}; so many are not \
             looked at, and a part of them is not used: choose a smaller scope.",
            call.task
        ),
    )
}

/// None for what is no project, folder or organization, whatever was asked for.
fn policy(call: &Call, found: IamPolicySearchResult) -> Result<Option<FoundPolicy>, Error> {
    let (Some(resource), Some(mut policy)) = (short_name(&found.resource), found.policy) else {
        return Ok(None);
    };
    // Nobody needs them here, and they may be large.
    policy.audit_configs.clear();
    Ok(Some(FoundPolicy {
        resource,
        policy: to_core(call, policy)?,
    }))
}

fn resource(found: ResourceSearchResult) -> Option<FoundResource> {
    let name = short_name(&found.name)?;
    let id = found
        .additional_attributes
        .as_ref()
        .and_then(|attributes| attributes.get("projectId")?.as_str())
        .map(|id| format!("projects/{id}"))
        .filter(|id| Resource::parse(id).is_ok());
    Some(FoundResource {
        // A project may be named by its number.
        name: match id {
            Some(id) if name.starts_with("projects/") => id,
            _ => name,
        },
        number: Some(found.project).filter(|number| !number.is_empty()),
        display_name: found.display_name,
        parent: short_name(&found.parent_full_resource_name),
        is_deleted: found.state.starts_with("DELETE"),
    })
}

/// `projects/web` of `//cloudresourcemanager.googleapis.com/projects/web`.
fn short_name(full: &str) -> Option<String> {
    let name = full.strip_prefix(FULL_NAME_PREFIX)?;
    Resource::parse(name).ok()?;
    Some(name.to_owned())
}
