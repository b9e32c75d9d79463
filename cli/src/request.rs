//! `kubectl jit request`.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use jit_access_core::request::{format_time, name_beginning};
use jit_access_crds::{AccessRequest, AccessRequestSpec};
use kube::ResourceExt;
use kube::api::PostParams;

use crate::arguments::RequestCommand;
use crate::connection::Connection;
use crate::{print, wait};

/// Makes the request, and waits for its outcome if that is asked for.
pub async fn run(
    connection: &Connection,
    command: &RequestCommand,
    json: bool,
) -> Result<ExitCode> {
    let requester = connection.person().await?;
    let earlier = match &command.like {
        Some(name) => Some(connection.get(name).await?.spec),
        None => None,
    };
    let request = compose(command, requester, earlier.as_ref());
    let created = connection
        .requests()
        .create(&PostParams::default(), &request)
        .await
        .map_err(|error| connection.place().explain(&error))?;
    let name = created.name_any();
    print::note(&format!(
        "{name} is made in namespace {}",
        connection.namespace()
    ));
    if command.wait {
        return wait::until_decided(connection, created, None, json).await;
    }
    if json {
        print::json(&created)?;
    } else {
        print::output(&name)?;
        print::note(&format!(
            "see what comes of it: kubectl jit wait {name} -n {}",
            connection.namespace()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The object to create. The API server judges its fields: it has the sentences.
fn compose(
    command: &RequestCommand,
    requester: String,
    earlier: Option<&AccessRequestSpec>,
) -> AccessRequest {
    let like = |field: fn(&AccessRequestSpec) -> Option<String>| earlier.and_then(field);
    let resource = command.resource.clone();
    let justification = command.justification.clone();
    let duration = command.duration.clone();
    let condition = command.condition.clone();
    let roles = match (command.roles.as_slice(), earlier) {
        ([], Some(earlier)) => earlier.roles.clone(),
        (roles, _) => roles.to_vec(),
    };
    let reviewers = match (command.reviewers.as_slice(), earlier) {
        // Whoever reviewed it once and asks for the same now cannot review it now.
        ([], Some(earlier)) => earlier.reviewers.as_ref().map(|reviewers| {
            let others = reviewers.iter().filter(|reviewer| **reviewer != requester);
            others.cloned().collect()
        }),
        ([], None) => None,
        (reviewers, _) => Some(
            reviewers
                .iter()
                .map(|one| one.to_ascii_lowercase())
                .collect(),
        ),
    };
    let spec = AccessRequestSpec {
        requester,
        resource: resource
            .or_else(|| like(|spec| Some(spec.resource.clone())))
            .unwrap_or_default(),
        justification: justification
            .or_else(|| like(|spec| Some(spec.justification.clone())))
            .unwrap_or_default(),
        duration: duration.or_else(|| like(|spec| spec.duration.clone())),
        condition: condition.or_else(|| like(|spec| spec.condition.clone())),
        roles,
        reviewers,
        start_time: command.start.as_deref().map(in_utc),
    };
    let mut request = AccessRequest::new("", spec);
    match &command.name {
        Some(name) => request.metadata.name = Some(name.clone()),
        None => {
            request.metadata.name = None;
            request.metadata.generate_name = Some(name_beginning(&request.spec.roles));
        }
    }
    request
}

/// A time with an offset is turned into the form that the schema wants; the schema judges the rest.
fn in_utc(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) if time.subsec_nanosecond() == 0 => format_time(time),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};
    use crate::samples::request;

    fn composed(line: &str, earlier: Option<&AccessRequestSpec>) -> AccessRequest {
        let words = ["kubectl-jit", "request"]
            .into_iter()
            .chain(line.split(' '));
        match Arguments::try_parse_from(words).unwrap().command {
            Command::Request(command) => compose(&command, "dave@example.com".to_owned(), earlier),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_made_from_roles() {
        for (role, name) in [
            (
                "roles/compute.instanceAdmin.v1",
                "compute-instanceadmin-v1-",
            ),
            ("projects/web/roles/_odd_", "odd-"),
            ("organizations/1/roles/...", "request-"),
            ("", "request-"),
        ] {
            assert_eq!(name_beginning(&[role.to_owned()]), name);
        }
        let long = name_beginning(&[format!("roles/{}", "a".repeat(100))]);
        assert_eq!(long.len(), 30 + 1);
    }

    #[test]
    fn an_earlier_request_fills_in_what_is_not_given_but_not_when_it_began() {
        let mut earlier = request().spec;
        earlier.start_time = Some("2026-11-23T20:00:00Z".to_owned());
        earlier.condition = Some("true".to_owned());
        let mut same = earlier.clone();
        same.requester = "dave@example.com".to_owned();
        same.start_time = None;
        assert_eq!(composed("--like x", Some(&earlier)).spec, same);

        let given = "--like x --role roles/viewer --reviewer Eve@Example.com --duration 5m --resource folders/1 --justification y --condition false";
        let spec = composed(given, Some(&earlier)).spec;
        assert_eq!(spec.roles, ["roles/viewer"]);
        assert_eq!(spec.reviewers.unwrap(), ["eve@example.com"]);
        assert_eq!(spec.duration.unwrap(), "5m");
        assert_eq!(spec.resource, "folders/1");
        assert_eq!(spec.justification, "y");
        assert_eq!(spec.condition.unwrap(), "false");
    }

    #[test]
    fn who_reviewed_an_earlier_request_does_not_review_the_own_one() {
        let mut earlier = request().spec;
        earlier.reviewers = Some(vec![
            "dave@example.com".to_owned(),
            "bob@example.com".to_owned(),
        ]);
        let spec = composed("--like x", Some(&earlier)).spec;
        assert_eq!(spec.reviewers.unwrap(), ["bob@example.com"]);
        // Nobody is left: the schema refuses the empty list. It does not become self-approval.
        earlier.reviewers = Some(vec!["dave@example.com".to_owned()]);
        let spec = composed("--like x", Some(&earlier)).spec;
        assert_eq!(spec.reviewers, Some(Vec::new()));
    }

    #[test]
    fn a_start_is_written_in_utc_and_what_is_none_is_left_to_the_schema() {
        assert_eq!(in_utc("2026-11-23T21:00:00+01:00"), "2026-11-23T20:00:00Z");
        for other in ["2026-11-23T20:00:00.5Z", "tomorrow", "2026-11-23"] {
            assert_eq!(in_utc(other), other);
        }
    }
}
