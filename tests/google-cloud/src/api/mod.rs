//! The simulated APIs: which method a path means, and what it does.

mod asset;
mod asset_query;
mod cloud_identity;
mod group_query;
mod iam_policy;
mod iam_roles;
mod iap;
mod legacy;
mod lint;
mod metadata;
mod pubsub;
mod resource_manager;

use axum::http::Method;

use crate::answer::Answer;
use crate::errors::ApiError;
use crate::request::Request;
use crate::state::State;

/// What a method does; the text is the route's resource.
pub type Run = fn(&mut State, &Request, &str) -> Result<Answer, ApiError>;

/// An API's part of the routing.
type Api = fn(&Method, &Path<'_>, &Request) -> Option<Route>;

/// A method and what it is about.
#[derive(Debug, Clone)]
pub struct Route {
    /// `projects.setIamPolicy`, `groups.memberships.searchTransitiveGroups`, …
    pub method: String,
    /// What it is about, as the caller wrote it: a resource name, a scope, or an e-mail.
    pub resource: String,
    /// What it does.
    pub run: Run,
}

impl Route {
    /// A route.
    pub fn new(method: impl Into<String>, resource: impl Into<String>, run: Run) -> Self {
        Self {
            method: method.into(),
            resource: resource.into(),
            run,
        }
    }

    /// Whether it is the metadata server's, which is near and never slow.
    pub fn is_metadata(&self) -> bool {
        self.method.starts_with("metadata.")
    }
}

/// A path in Google's form: `/v3/projects/x:getIamPolicy`.
#[derive(Debug)]
pub struct Path<'a> {
    /// `v1`, `v2`, `v3`.
    pub version: &'a str,
    /// The segments between version and verb.
    pub segments: Vec<&'a str>,
    /// The custom verb after the last colon.
    pub verb: Option<&'a str>,
}

impl<'a> Path<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (version, rest) = path.trim_start_matches('/').split_once('/')?;
        let (rest, verb) = match rest.rsplit_once(':') {
            Some((rest, verb)) if !verb.contains('/') => (rest, Some(verb)),
            _ => (rest, None),
        };
        Some(Self {
            version,
            segments: rest.split('/').collect(),
            verb,
        })
    }
}

/// The method that a request means.
pub fn route(request: &Request) -> Option<Route> {
    if let Some(path) = request.path.strip_prefix("/computeMetadata/v1") {
        return metadata::route(path);
    }
    if request.path == iap::KEYS {
        return iap::route(&request.method);
    }
    let path = Path::parse(&request.path)?;
    let apis: [Api; 7] = [
        iam_policy::route,
        resource_manager::route,
        legacy::route,
        cloud_identity::route,
        asset::route,
        iam_roles::route,
        pubsub::route,
    ];
    apis.iter()
        .find_map(|api| api(&request.method, &path, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(verb: Method, path: &str) -> Option<(String, String)> {
        let request = Request {
            method: verb,
            ..Request::get(path, "")
        };
        route(&request).map(|route| (route.method, route.resource))
    }

    #[test]
    fn paths_of_all_services_share_one_port() {
        for (verb, path, name, resource) in [
            (
                Method::GET,
                "/v3/projects/web-prod",
                "projects.get",
                "projects/web-prod",
            ),
            (Method::GET, "/v3/folders/10", "folders.get", "folders/10"),
            (
                Method::POST,
                "/v3/folders/10:setIamPolicy",
                "folders.setIamPolicy",
                "folders/10",
            ),
            (
                Method::POST,
                "/v1/projects/1001:getIamPolicy",
                "projects.getIamPolicy",
                "projects/1001",
            ),
            (
                Method::POST,
                "/v2/folders/10:getIamPolicy",
                "folders.getIamPolicy",
                "folders/10",
            ),
            (Method::GET, "/v3/projects:search", "projects.search", ""),
            (Method::GET, "/v3/projects", "projects.list", ""),
            (
                Method::POST,
                "/v1/projects/p:getAncestry",
                "projects.getAncestry",
                "projects/p",
            ),
            (
                Method::GET,
                "/v1/organizations/1:searchAllIamPolicies",
                "searchAllIamPolicies",
                "organizations/1",
            ),
            (
                Method::GET,
                "/v1/organizations/1/effectiveIamPolicies:batchGet",
                "effectiveIamPolicies.batchGet",
                "organizations/1",
            ),
            (
                Method::GET,
                "/v1/roles/compute.admin",
                "roles.get",
                "roles/compute.admin",
            ),
            (
                Method::GET,
                "/v1/projects/p/roles/own",
                "projects.roles.get",
                "projects/p/roles/own",
            ),
            (
                Method::POST,
                "/v1/projects/p/topics/t:publish",
                "projects.topics.publish",
                "projects/p/topics/t",
            ),
            (Method::GET, "/iap/verify/public_key-jwk", "iap.keys", ""),
            (
                Method::GET,
                "/computeMetadata/v1/project/project-id",
                "metadata.project-id",
                "",
            ),
        ] {
            assert_eq!(
                method(verb, path),
                Some((name.to_owned(), resource.to_owned())),
                "{path}"
            );
        }
        assert_eq!(method(Method::POST, "/v3/projects/web-prod"), None);
        assert_eq!(method(Method::GET, "/v9/things"), None);
    }
}
