//! Completion: kubectl runs `kubectl_complete-jit` with the words so far, the last of which is to be
//! completed, and reads one proposal a line, then a directive for the shell.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};
use jit_access_core::approval::waits_for;
use jit_access_core::review::{decisions, is_reviewer};
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};
use kube::ResourceExt;
use kube::config::Kubeconfig;

use crate::arguments::{Arguments, Global};
use crate::connection::Connection;
use crate::{print, text};

/// The name of the same program under which kubectl asks for completions.
const NAME: &str = "kubectl_complete-jit";
/// Somebody waits at the keyboard.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the shell does after the proposals, as cobra numbers it.
const FILES: &str = ":0";
const NO_FILES: &str = ":4";

/// Whether this process is to complete a command line.
pub fn is_asked() -> bool {
    std::env::args_os().next().is_some_and(|program| {
        Path::new(&program)
            .file_stem()
            .is_some_and(|name| name == NAME)
    })
}

/// Prints the proposals. What goes wrong is no proposal: nobody wants to read errors here.
pub async fn answer() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut root = Arguments::command();
    root.build();
    let asked = Asked::read(&root, &words);
    let mut lines = match asked.wanted {
        Wanted::Words(words) => words,
        Wanted::Files => Vec::new(),
        Wanted::Contexts => contexts(&asked.before),
        Wanted::Objects(subject) => {
            let proposals = objects(&asked.before, subject);
            tokio::time::timeout(PATIENCE, proposals)
                .await
                .ok()
                .flatten()
                .unwrap_or_default()
        }
    };
    lines.retain(|line| line.starts_with(&asked.start));
    let mut seen = std::collections::HashSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines.push(if asked.files { FILES } else { NO_FILES }.to_owned());
    // The shell's own marks, a tab and a line's end, are the only ones that may be in it.
    lines.retain(|line| line.chars().all(|one| one == '\t' || !text::is_hidden(one)));
    match print::raw(&lines.join("\n")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What is looked up in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Approvable,
    Deniable,
    Revocable,
    Undecided,
    Any,
    Resources,
    Roles,
    Reviewers,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Words(Vec<String>),
    Files,
    Contexts,
    Objects(Subject),
}

/// The command line so far.
#[derive(Debug)]
struct Asked {
    /// What stands before the word that is completed.
    before: Vec<String>,
    /// The beginning of that word.
    start: String,
    wanted: Wanted,
    files: bool,
}

impl Asked {
    fn read(root: &Command, words: &[String]) -> Self {
        let (start, before) = match words.split_last() {
            Some((start, before)) => (start.clone(), before.to_vec()),
            None => (String::new(), Vec::new()),
        };
        let mut command = root;
        let mut positionals = 0;
        let mut open: Option<&Arg> = None;
        for word in &before {
            if open.take().is_some() {
                continue;
            }
            if word.starts_with('-') {
                open = flag(command, word).filter(|arg| takes_value(arg));
            } else if let Some(sub) = root
                .find_subcommand(word)
                .filter(|_| std::ptr::eq(command, root))
            {
                command = sub;
            } else {
                positionals += 1;
            }
        }
        let wanted = if let Some(arg) = open {
            values(arg)
        } else if start.starts_with('-') {
            Wanted::Words(flags(command))
        } else if command.get_name() == root.get_name() {
            Wanted::Words(
                root.get_subcommands()
                    .filter(|sub| sub.get_name() != "help")
                    .map(|sub| described(sub.get_name(), sub.get_about()))
                    .collect(),
            )
        } else {
            positional(command.get_name(), positionals)
        };
        let files = wanted == Wanted::Files;
        Self {
            before,
            start,
            wanted,
            files,
        }
    }
}

/// The flag that a word names and gives no value to.
fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        arg.get_long()
            .is_some_and(|long| word.strip_prefix("--") == Some(long))
            || arg
                .get_short()
                .is_some_and(|short| word.strip_prefix('-') == Some(&short.to_string()))
    })
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn flags(command: &Command) -> Vec<String> {
    command
        .get_arguments()
        .filter_map(|arg| Some(described(&format!("--{}", arg.get_long()?), arg.get_help())))
        .collect()
}

fn described(word: &str, about: Option<&clap::builder::StyledStr>) -> String {
    about.map_or_else(|| word.to_owned(), |about| format!("{word}\t{about}"))
}

fn values(arg: &Arg) -> Wanted {
    match arg.get_id().as_str() {
        "output" => Wanted::Words(vec!["json".to_owned()]),
        "kubeconfig" => Wanted::Files,
        "context" => Wanted::Contexts,
        "resource" => Wanted::Objects(Subject::Resources),
        "roles" => Wanted::Objects(Subject::Roles),
        "reviewers" => Wanted::Objects(Subject::Reviewers),
        "like" => Wanted::Objects(Subject::Any),
        _ => Wanted::Words(Vec::new()),
    }
}

fn positional(command: &str, before: usize) -> Wanted {
    match command {
        "approve" if before == 0 => Wanted::Objects(Subject::Approvable),
        "deny" if before == 0 => Wanted::Objects(Subject::Deniable),
        "revoke" if before == 0 => Wanted::Objects(Subject::Revocable),
        "wait" if before == 0 => Wanted::Objects(Subject::Undecided),
        "verify-manifests" => Wanted::Files,
        _ => Wanted::Words(Vec::new()),
    }
}

/// Namespace, context and kubeconfig as far as they are given.
fn global(before: &[String]) -> Option<Global> {
    let words = ["kubectl-jit".to_owned()]
        .into_iter()
        .chain(before.iter().cloned());
    let matches = Arguments::command()
        .ignore_errors(true)
        .try_get_matches_from(words)
        .ok()?;
    Global::from_arg_matches(&matches).ok()
}

fn contexts(before: &[String]) -> Vec<String> {
    let kubeconfig = match global(before).and_then(|global| global.kubeconfig) {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let contexts = kubeconfig
        .map(|kubeconfig| kubeconfig.contexts)
        .unwrap_or_default();
    contexts.into_iter().map(|context| context.name).collect()
}

async fn objects(before: &[String], subject: Subject) -> Option<Vec<String>> {
    let connection = Connection::open(&global(before)?).await.ok()?;
    let me = connection.person().await.ok()?;
    let requests = connection.list(None).await.ok()?;
    let lines = requests
        .iter()
        .flat_map(|request| proposals(request, &me, subject));
    Some(lines.collect())
}

fn proposals(request: &AccessRequest, me: &str, subject: Subject) -> Vec<String> {
    let spec = &request.spec;
    let now = state(request);
    let open = now.is_none_or(|state| !state.is_final());
    let mine = spec.requester == me;
    let offered = match subject {
        Subject::Approvable => waits_for(request, me, &[]),
        Subject::Deniable => {
            open && is_reviewer(request, me)
                && decisions(request, &[])
                    .iter()
                    .all(|decision| decision.author != me)
        }
        Subject::Revocable => open && (mine || is_reviewer(request, me)),
        Subject::Undecided => open && now != Some(AccessState::Active),
        Subject::Any | Subject::Resources | Subject::Roles | Subject::Reviewers => mine,
    };
    if !offered {
        return Vec::new();
    }
    match subject {
        Subject::Resources => vec![spec.resource.clone()],
        Subject::Roles => spec.roles.clone(),
        Subject::Reviewers => spec.reviewers.clone().unwrap_or_default(),
        _ => {
            let about = format!(
                "{} for {} on {}",
                spec.roles.join(", "),
                spec.requester,
                spec.resource
            );
            vec![format!(
                "{}\t{}",
                request.name_any(),
                text::cut(&about, text::WIDTH)
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::in_state;

    fn asked(line: &str) -> Asked {
        let mut root = Arguments::command();
        root.build();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Asked::read(&root, &words)
    }

    fn words(line: &str) -> Vec<String> {
        let asked = asked(line);
        match asked.wanted {
            Wanted::Words(words) => words
                .iter()
                .map(|line| line.split('\t').next().unwrap().to_owned())
                .filter(|word| word.starts_with(&asked.start))
                .collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn commands_and_flags() {
        assert_eq!(
            words(""),
            [
                "request",
                "list",
                "approve",
                "deny",
                "revoke",
                "wait",
                "verify-manifests"
            ]
        );
        assert_eq!(words("-n jit re"), ["request", "revoke"]);
        assert_eq!(words("list --m"), ["--mine"]);
        assert_eq!(words("request --rev"), ["--reviewer"]);
        assert_eq!(words("request --res"), ["--resource"]);
        assert_eq!(words("list -o "), ["json"]);
        assert_eq!(words("approve x "), Vec::<String>::new());
    }

    #[test]
    fn what_is_looked_up() {
        for (line, subject) in [
            ("approve ", Subject::Approvable),
            ("approve --comment fine w", Subject::Approvable),
            ("-n jit deny ", Subject::Deniable),
            ("revoke ", Subject::Revocable),
            ("wait --timeout 5m ", Subject::Undecided),
            ("request --like ", Subject::Any),
            ("request --resource ", Subject::Resources),
            ("request --role roles/x --role ", Subject::Roles),
            ("request --reviewer b", Subject::Reviewers),
        ] {
            assert_eq!(asked(line).wanted, Wanted::Objects(subject), "{line}");
        }
        assert_eq!(asked("wait --context ").wanted, Wanted::Contexts);
        assert_eq!(asked("verify-manifests a.yaml ").wanted, Wanted::Files);
        assert_eq!(asked("--kubeconfig ").wanted, Wanted::Files);
    }

    #[test]
    fn the_cluster_is_the_one_that_the_line_names() {
        let line = ["approve", "-n", "jit", "--context", "blue"].map(str::to_owned);
        let global = global(&line).unwrap();
        assert_eq!(global.namespace.as_deref(), Some("jit"));
        assert_eq!(global.context.as_deref(), Some("blue"));
        let line = ["request", "--like"].map(str::to_owned);
        assert!(super::global(&line).is_some());
    }

    #[test]
    fn only_those_are_proposed_for_which_it_makes_sense() {
        let waiting = in_state(AccessState::AwaitingApproval, "");
        let over = in_state(AccessState::Expired, "");
        let proposed = |request, me, subject| !proposals(request, me, subject).is_empty();
        assert!(proposed(&waiting, "bob@example.com", Subject::Approvable));
        assert!(!proposed(
            &waiting,
            "alice@example.com",
            Subject::Approvable
        ));
        assert!(proposed(&waiting, "alice@example.com", Subject::Revocable));
        assert!(!proposed(&over, "alice@example.com", Subject::Revocable));
        assert!(proposed(&over, "alice@example.com", Subject::Any));
        assert!(!proposed(&over, "bob@example.com", Subject::Any));
        assert_eq!(
            proposals(&over, "alice@example.com", Subject::Reviewers),
            ["bob@example.com", "carol@example.com"]
        );
    }
}
