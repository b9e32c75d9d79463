//! IAM policies and ancestry, through Google's crate for Resource Manager v3.

use google_cloud_gax::{
    Result as SdkResult, options::RequestOptionsBuilder, retry_policy::NeverRetry,
};
use google_cloud_iam_v1::model::{GetPolicyOptions, Policy as SdkPolicy};
use google_cloud_resourcemanager_v3::client::{Folders, Organizations, Projects};
use http::{HeaderName, HeaderValue};
use jit_access_core::iam_policy::Policy;

use crate::{
    connection::Connection,
    error::{Error, Kind},
    foreign_text::{chain, quote},
    request_reason,
    resource::{Level, Resource},
    sentence::{Call, Requirement},
    settings::Settings,
};

pub(crate) const OWN_BASE_URL: &str = "https://cloudresourcemanager.googleapis.com";
const REQUEST_REASON: HeaderName = HeaderName::from_static("x-goog-request-reason");
/// The only version with conditions; a policy with conditions written as another one loses them.
const POLICY_VERSION: i32 = 3;

#[derive(Debug)]
pub(crate) struct ResourceManager {
    connection: Connection,
    host: String,
    projects: Projects,
    folders: Folders,
    organizations: Organizations,
}

/// The methods that the three clients have in common, each one attempt.
trait PolicyClient {
    async fn get(&self, name: &str, connection: &Connection) -> SdkResult<SdkPolicy>;
    async fn set(
        &self,
        name: &str,
        policy: SdkPolicy,
        reason: Option<HeaderValue>,
        connection: &Connection,
    ) -> SdkResult<SdkPolicy>;
}

macro_rules! policy_client {
    ($client:ty) => {
        impl PolicyClient for $client {
            async fn get(&self, name: &str, connection: &Connection) -> SdkResult<SdkPolicy> {
                self.get_iam_policy()
                    .set_resource(name)
                    .set_options(
                        GetPolicyOptions::new().set_requested_policy_version(POLICY_VERSION),
                    )
                    .with_attempt_timeout(connection.limits.read_timeout)
                    .with_user_agent(&connection.user_agent)
                    .send()
                    .await
            }

            async fn set(
                &self,
                name: &str,
                policy: SdkPolicy,
                reason: Option<HeaderValue>,
                connection: &Connection,
            ) -> SdkResult<SdkPolicy> {
                let mut request = self
                    .set_iam_policy()
                    .set_resource(name)
                    .set_policy(policy)
                    .with_attempt_timeout(connection.limits.write_timeout)
                    .with_user_agent(&connection.user_agent);
                if let Some(reason) = reason {
                    request = request.with_custom_header(REQUEST_REASON, reason);
                }
                request.send().await
            }
        }
    };
}

policy_client!(Projects);
policy_client!(Folders);
policy_client!(Organizations);

impl ResourceManager {
    pub(crate) async fn new(settings: &Settings, connection: Connection) -> Result<Self, Error> {
        let base_url = settings.base_url(OWN_BASE_URL);
        // Repetition is ours (`Connection::read`): the crate's own never repeats a timeout or a 500.
        macro_rules! client {
            ($client:ty) => {
                <$client>::builder()
                    .with_endpoint(&base_url)
                    .with_credentials(connection.account.credentials())
                    .with_retry_policy(NeverRetry)
                    .build()
            };
        }
        let cannot = |error| cannot_build(&base_url, &error);
        Ok(ResourceManager {
            projects: client!(Projects).await.map_err(cannot)?,
            folders: client!(Folders).await.map_err(cannot)?,
            organizations: client!(Organizations).await.map_err(cannot)?,
            host: host_of(&base_url),
            connection,
        })
    }

    pub(crate) async fn get_policy(&self, resource: Resource<'_>) -> Result<Policy, Error> {
        let call = self.reading(
            resource,
            format!("read the IAM policy of {}", resource.name),
            "getIamPolicy",
            "roles/iam.securityReviewer",
        );
        let connection = &self.connection;
        let attempt = || async {
            let result = match resource.level {
                Level::Project => self.projects.get(resource.name, connection).await,
                Level::Folder => self.folders.get(resource.name, connection).await,
                Level::Organization => self.organizations.get(resource.name, connection).await,
            };
            let policy = to_core(&call, result.map_err(|error| call.failed(&error))?)?;
            // Every policy has one; without it the rest may be missing too, and an empty policy
            // would be read as one from which all was removed.
            if policy.etag.as_deref().unwrap_or_default().is_empty() {
                return Err(call.malformed("the policy has no etag"));
            }
            Ok(policy)
        };
        connection.read(attempt).await
    }

    pub(crate) async fn set_policy(
        &self,
        resource: Resource<'_>,
        policy: &Policy,
        reason: &str,
    ) -> Result<Policy, Error> {
        let call = Call {
            timeout: self.connection.limits.write_timeout,
            writes: true,
            ..self.reading(
                resource,
                format!("replace the IAM policy of {}", resource.name),
                "setIamPolicy",
                resource.writers_role(),
            )
        };
        let policy = to_sdk(resource, policy)?;
        let reason = request_reason::header_value(reason);
        let connection = &self.connection;
        let attempt = async {
            let name = resource.name;
            let result = match resource.level {
                Level::Project => self.projects.set(name, policy, reason, connection).await,
                Level::Folder => self.folders.set(name, policy, reason, connection).await,
                Level::Organization => {
                    self.organizations
                        .set(name, policy, reason, connection)
                        .await
                }
            };
            to_core(&call, result.map_err(|error| call.failed(&error))?)
        };
        connection.once(attempt).await
    }

    pub(crate) async fn parent(&self, resource: Resource<'_>) -> Result<Option<String>, Error> {
        let call = self.reading(
            resource,
            format!("look up where {} is in the hierarchy", resource.name),
            "get",
            "roles/browser",
        );
        let Connection {
            limits, user_agent, ..
        } = &self.connection;
        let attempt = || async {
            let parent = match resource.level {
                Level::Organization => return Ok(None),
                Level::Project => self
                    .projects
                    .get_project()
                    .set_name(resource.name)
                    .with_attempt_timeout(limits.read_timeout)
                    .with_user_agent(user_agent)
                    .send()
                    .await
                    .map(|project| project.parent),
                Level::Folder => self
                    .folders
                    .get_folder()
                    .set_name(resource.name)
                    .with_attempt_timeout(limits.read_timeout)
                    .with_user_agent(user_agent)
                    .send()
                    .await
                    .map(|folder| folder.parent),
            };
            let parent = parent.map_err(|error| call.failed(&error))?;
            match Resource::parse(&parent).map(|parent| parent.level) {
                Ok(Level::Folder | Level::Organization) => Ok(Some(parent)),
                // A folder is always in something.
                Err(_) if parent.is_empty() && resource.level == Level::Project => Ok(None),
                _ => {
                    let parent = quote(&parent).unwrap_or_default();
                    Err(call.malformed(&format!(
                        "the parent {parent:?} is neither folder nor organization"
                    )))
                }
            }
        };
        self.connection.read(attempt).await
    }

    fn reading(
        &self,
        resource: Resource<'_>,
        task: String,
        verb: &str,
        role: &'static str,
    ) -> Call {
        Call {
            task,
            subject: resource.name.to_owned(),
            host: self.host.clone(),
            requires: Requirement::Permission {
                name: resource.permission(verb),
                role,
            },
            timeout: self.connection.limits.read_timeout,
            writes: false,
        }
    }
}

pub(crate) fn cannot_build(
    base_url: &str,
    error: &google_cloud_gax::client_builder::Error,
) -> Error {
    let why = chain(error);
    let kind = if error.is_default_credentials() || error.is_universe_domain_mismatch() {
        Kind::Credentials
    } else {
        Kind::Other
    };
    Error::new(
        kind,
        format!("The client for {base_url} cannot be built: {why}."),
    )
}

/// For sentences.
pub(crate) fn host_of(base_url: &str) -> String {
    let host = base_url
        .split_once("://")
        .map_or(base_url, |(_, host)| host);
    host.to_owned()
}

/// Both types hold the whole JSON, fields unknown to them included.
pub(crate) fn to_core(call: &Call, policy: SdkPolicy) -> Result<Policy, Error> {
    serde_json::to_value(policy)
        .and_then(serde_json::from_value)
        .map_err(|error| call.malformed(&error.to_string()))
}

fn to_sdk(resource: Resource<'_>, policy: &Policy) -> Result<SdkPolicy, Error> {
    let refused = |why: &str| {
        let message = format!("The IAM policy for {} was not sent: {why}.", resource.name);
        Error::new(Kind::Invalid, message)
    };
    if policy.etag.as_deref().unwrap_or_default().is_empty() {
        return Err(refused(
            "it has no etag, and Google would replace whatever is there by then; it must be read first",
        ));
    }
    let json = serde_json::to_value(policy).map_err(|error| refused(&error.to_string()))?;
    let policy: SdkPolicy =
        serde_json::from_value(json).map_err(|error| refused(&error.to_string()))?;
    Ok(policy.set_version(POLICY_VERSION))
}
