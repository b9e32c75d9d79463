//! `kubectl jit list`.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use jit_access_core::approval::waits_for;
use jit_access_core::request::parse_time;
use jit_access_core::review::is_reviewer;
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};
use kube::ResourceExt;

use crate::arguments::ListCommand;
use crate::connection::Connection;
use crate::print;
use crate::text::{WIDTH, cut, on_one_line, rough};

const HEADINGS: [&str; 7] = [
    "NAME",
    "REQUESTER",
    "RESOURCE",
    "ROLES",
    "STATUS",
    "EXPIRES",
    "AGE",
];
/// The columns that are cut, and not below this width.
const CUT: std::ops::Range<usize> = 1..4;
const LEAST_WIDTH: usize = 8;
/// A longer name has a line of its own.
const MOST_NAME_WIDTH: usize = 36;
const GAP: usize = 2;

/// Prints the requests that are asked for, the newest first.
pub async fn run(connection: &Connection, command: &ListCommand, json: bool) -> Result<ExitCode> {
    let mut requests = if command.all {
        connection.list(None).await?
    } else {
        let me = connection.person().await?;
        let fields = command.mine.then(|| format!("spec.requester={me}"));
        let mut requests = connection.list(fields.as_deref()).await?;
        requests.retain(|request| {
            if command.waiting {
                waits_for(request, &me, &[])
            } else {
                request.spec.requester == me || is_reviewer(request, &me)
            }
        });
        requests
    };
    if json {
        print::json_list(&requests)?;
    } else if requests.is_empty() {
        print::note(&nothing(command, connection.namespace()));
    } else {
        let rows = requests
            .drain(..)
            .map(|request| row(&request, Timestamp::now()));
        // What is no terminal has no width, and its reader wants all of it.
        let width = std::io::stdout().is_terminal().then_some(WIDTH);
        print::output(&table(rows.collect(), width))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What to tell where there is nothing to show.
fn nothing(command: &ListCommand, namespace: &str) -> String {
    if command.waiting {
        format!("no request in namespace {namespace} waits for your decision")
    } else if command.all {
        format!("no requests in namespace {namespace}")
    } else {
        let whose = if command.mine {
            "are yours"
        } else {
            "concern you"
        };
        format!("no requests in namespace {namespace} {whose}; --all shows everybody's")
    }
}

fn row(request: &AccessRequest, now: Timestamp) -> [String; 7] {
    let state = state(request);
    let expires = request
        .status
        .as_ref()
        .and_then(|status| status.grant.as_ref());
    let expires = expires
        .filter(|_| state == Some(AccessState::Active))
        .and_then(|grant| parse_time(&grant.expire_time).ok())
        .map_or_else(
            || "-".to_owned(),
            |end| format!("in {}", rough(end.duration_since(now))),
        );
    let age = request.creation_timestamp().map_or_else(
        || "-".to_owned(),
        |created| rough(now.duration_since(created.0)),
    );
    let roles: Vec<&str> = request
        .spec
        .roles
        .iter()
        .map(|role| role.strip_prefix("roles/").unwrap_or(role))
        .collect();
    [
        request.name_any(),
        request.spec.requester.clone(),
        request.spec.resource.clone(),
        roles.join(","),
        state.map_or_else(|| "-".to_owned(), |state| state.to_string()),
        expires,
        age,
    ]
}

/// Lines that fit this width, if there is one. A name is never cut, since commands need it.
fn table(rows: Vec<[String; 7]>, width: Option<usize>) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(
        rows.into_iter()
            .map(|row| row.map(|cell| on_one_line(&cell))),
    );
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    if let Some(most) = width {
        fit(&mut widths, most);
    }
    let mut text = String::new();
    for mut line in lines {
        if line[0].chars().count() > widths[0] {
            text.push_str(&std::mem::take(&mut line[0]));
            text.push('\n');
        }
        let cells = line
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                let cell = if CUT.contains(&column) {
                    cut(cell, width)
                } else {
                    cell.clone()
                };
                format!("{cell:<width$}")
            });
        let cells: Vec<String> = cells.collect();
        text.push_str(cells.join(&" ".repeat(GAP)).trim_end());
        text.push('\n');
    }
    text
}

/// Takes from the widest columns what is too much.
fn fit(widths: &mut [usize; 7], most: usize) {
    widths[0] = widths[0].min(MOST_NAME_WIDTH);
    while widths.iter().sum::<usize>() + GAP * (HEADINGS.len() - 1) > most {
        let widest = CUT
            .max_by_key(|column| widths[*column])
            .unwrap_or(CUT.start);
        if widths[widest] <= LEAST_WIDTH {
            break;
        }
        widths[widest] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jit_access_crds::GrantStatus;

    use super::*;
    use crate::arguments::{Arguments, Command};
    use crate::samples::{annotated, in_state, request};

    const BOB: &str = "bob@example.com";

    #[test]
    fn a_request_waits_for_reviewers_who_said_nothing() {
        let waiting = in_state(AccessState::AwaitingApproval, "");
        assert!(waits_for(&waiting, BOB, &[]));
        assert!(!waits_for(&waiting, "alice@example.com", &[]));
        assert!(!waits_for(&in_state(AccessState::Denied, ""), BOB, &[]));
        assert!(!waits_for(&request(), BOB, &[]));
        let key = "approved-by.jit-access.dev/7c9e6679-bob";
        let approved = annotated(waiting, key, BOB);
        assert!(!waits_for(&approved, BOB, &[]));
        assert!(waits_for(&approved, "carol@example.com", &[]));
    }

    #[test]
    fn only_running_access_expires() {
        let now: Timestamp = "2026-11-23T20:10:00Z".parse().unwrap();
        let grant = GrantStatus {
            start_time: "2026-11-23T20:00:00Z".to_owned(),
            expire_time: "2026-11-23T20:30:00Z".to_owned(),
            bindings: Vec::new(),
        };
        for (state, expires) in [(AccessState::Active, "in 20m"), (AccessState::Revoked, "-")] {
            let mut request = in_state(state, "");
            if let Some(status) = &mut request.status {
                status.grant = Some(grant.clone());
            }
            assert_eq!(row(&request, now)[5], expires);
        }
    }

    #[test]
    fn lines_fit_and_names_are_whole() {
        for (length, lines) in [(MOST_NAME_WIDTH, 3), (WIDTH, 4)] {
            let mut long = in_state(AccessState::AwaitingApproval, "");
            long.metadata.name = Some("n".repeat(length));
            long.spec.requester = format!("{}@example.com", "r".repeat(60));
            long.spec.roles = vec!["roles/compute.instanceAdmin.v1".to_owned(); 10];
            let now = Timestamp::UNIX_EPOCH;
            let rows = vec![row(&long, now), row(&request(), now)];
            let table = table(rows, Some(WIDTH));
            for line in table.lines() {
                assert!(line.chars().count() <= WIDTH, "{table}");
            }
            assert!(table.contains(&"n".repeat(length)), "{table}");
            assert_eq!(table.lines().count(), lines, "{table}");
            assert!(table.starts_with("NAME "), "{table}");
        }
    }

    #[test]
    fn what_goes_to_a_program_is_not_cut() {
        let mut long = in_state(AccessState::AwaitingApproval, "");
        long.metadata.name = Some("n".repeat(WIDTH));
        long.spec.requester = format!("{}@example.com\u{1b}", "r".repeat(60));
        long.spec.resource = format!("projects/{}", "p".repeat(30));
        long.spec.roles = vec!["roles/compute.instanceAdmin.v1".to_owned(); 10];
        let table = table(vec![row(&long, Timestamp::UNIX_EPOCH)], None);
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(!table.contains(['…', '\u{1b}']), "{table}");
        let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells[0], "n".repeat(WIDTH));
        assert_eq!(cells[1], format!("{}@example.com\\u{{1b}}", "r".repeat(60)));
        assert_eq!(cells[2], long.spec.resource);
        assert_eq!(cells[3].split(',').count(), 10);
    }

    #[test]
    fn where_there_is_nothing_it_says_nothing_of_what() {
        for (flag, told) in [
            (
                "--waiting",
                "no request in namespace jit waits for your decision",
            ),
            ("--all", "no requests in namespace jit"),
            (
                "--mine",
                "no requests in namespace jit are yours; --all shows everybody's",
            ),
            (
                "-njit",
                "no requests in namespace jit concern you; --all shows everybody's",
            ),
        ] {
            let words = ["kubectl-jit", "list", flag];
            match Arguments::try_parse_from(words).unwrap().command {
                Command::List(command) => assert_eq!(nothing(&command, "jit"), told),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_fits_is_not_cut() {
        let table = table(vec![row(&request(), Timestamp::UNIX_EPOCH)], Some(WIDTH));
        let line = table.lines().nth(1).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            [
                "web-1-disk",
                "alice@example.com",
                "projects/web-prod",
                "compute.instanceAdmin.v1",
                "-",
                "-",
                "-"
            ]
        );
    }
}
