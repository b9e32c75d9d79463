//! The metadata server of a VM or of Workload Identity on GKE. Its account is the simulator's administrator.

use serde_json::json;

use super::{Route, Run};
use crate::answer::Answer;
use crate::errors::ApiError;
use crate::groups::email_of;
use crate::request::{ADMINISTRATOR, Request};
use crate::state::State;

/// Seconds that a token is said to live; clients fetch anew shortly before.
const TOKEN_LIFE: u32 = 3_599;

pub fn route(path: &str) -> Option<Route> {
    let account = path
        .strip_prefix("/instance/service-accounts/")
        .and_then(|rest| rest.split_once('/'));
    let (name, run): (&str, Run) = match (path, account) {
        ("/universe/universe-domain" | "/universe/universe_domain", _) => {
            ("universe-domain", universe)
        }
        ("/project/project-id", _) => ("project-id", project_id),
        ("/project/numeric-project-id", _) => ("numeric-project-id", project_number),
        (_, Some((_, "token"))) => ("token", token),
        (_, Some((_, "email"))) => ("email", email),
        (_, Some((_, "scopes"))) => ("scopes", scopes),
        (_, Some((_, ""))) => ("service-account", service_account),
        ("" | "/" | "/instance" | "/instance/", _) => ("root", root),
        _ => return None,
    };
    Some(Route::new(format!("metadata.{name}"), "", run))
}

/// The server answers nobody who does not show that he means it: a browser cannot set the header.
fn with_flavor(request: &Request, text: &str) -> Result<Answer, ApiError> {
    if request.metadata_flavor {
        Ok(Answer::Text(text.to_owned()))
    } else {
        Err(ApiError::new(403, "Missing Metadata-Flavor:Google header."))
    }
}

fn universe(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "googleapis.com")
}

fn project_id(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "simulated-project")
}

fn project_number(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "100000000001")
}

fn email(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, email_of(ADMINISTRATOR))
}

fn scopes(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "https://www.googleapis.com/auth/cloud-platform\n")
}

fn root(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "instance/\nproject/\nuniverse/\n")
}

fn service_account(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "")?;
    let scope = "https://www.googleapis.com/auth/cloud-platform";
    Ok(json!({"aliases": ["default"], "email": email_of(ADMINISTRATOR), "scopes": [scope]}).into())
}

fn token(_: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    with_flavor(request, "")?;
    Ok(json!({"access_token": email_of(ADMINISTRATOR), "expires_in": TOKEN_LIFE, "token_type": "Bearer"}).into())
}
