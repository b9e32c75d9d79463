//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;
use jit_access_core::limits::parse_duration;

/// Just-in-time access to Google Cloud: ask for IAM roles for a while, and decide about requests.
#[derive(Debug, Parser)]
#[command(name = "kubectl-jit", bin_name = "kubectl jit", version)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Which cluster and namespace, and how to print.
#[derive(Debug, Args)]
pub struct Global {
    /// Print what a program can read
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// The namespace of the requests; otherwise the context's
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// Another context of the kubeconfig
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Another kubeconfig; otherwise $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask for roles on a project, folder or organization
    Request(RequestCommand),
    /// Show requests: yours, and those that name you as reviewer
    List(ListCommand),
    /// Approve a request that names you as reviewer
    Approve(DecideCommand),
    /// Refuse a request that names you as reviewer; ends the access if it is active
    Deny(DecideCommand),
    /// Withdraw a request, or end the access that it gave
    Revoke(DecideCommand),
    /// Wait for the outcome: exit status 0 Active, 1 refused or ended, 2 --timeout
    Wait(WaitCommand),
    /// Check AccessRequest manifests and their approvals, for the CI of a repository
    VerifyManifests(VerifyCommand),
}

#[derive(Debug, Args)]
pub struct RequestCommand {
    /// Where: projects/ID, folders/NUMBER or organizations/NUMBER
    #[arg(long, required_unless_present = "like")]
    pub resource: Option<String>,
    /// What: such as roles/compute.viewer; may be repeated
    #[arg(long = "role", value_name = "ROLE", required_unless_present = "like")]
    pub roles: Vec<String>,
    /// Why: a case number and a few words
    #[arg(long, required_unless_present = "like")]
    pub justification: Option<String>,
    /// For how long, such as 30m or 1h30m
    #[arg(long)]
    pub duration: Option<String>,
    /// Who may approve: an e-mail address; may be repeated
    #[arg(long = "reviewer", value_name = "E-MAIL")]
    pub reviewers: Vec<String>,
    /// From when on, such as 2026-11-23T20:00:00Z; otherwise at once
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Narrow the access by an IAM condition
    #[arg(long, value_name = "CEL")]
    pub condition: Option<String>,
    /// Take what is not given here from an earlier request
    #[arg(long, value_name = "NAME")]
    pub like: Option<String>,
    /// The name of the request; otherwise made from the first role
    #[arg(long)]
    pub name: Option<String>,
    /// Wait for the outcome, with the exit status of `wait`
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct ListCommand {
    /// Only your own
    #[arg(long)]
    pub mine: bool,
    /// Only those that wait for your decision
    #[arg(long)]
    pub waiting: bool,
    /// Everybody's
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct DecideCommand {
    /// The request
    pub name: String,
    /// What you have to say about it, one line
    #[arg(long)]
    pub comment: Option<String>,
}

#[derive(Debug, Args)]
pub struct WaitCommand {
    /// The request
    pub name: String,
    /// Wait no longer than this, such as 30s or 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<SignedDuration>,
}

#[derive(Debug, Args)]
pub struct VerifyCommand {
    /// YAML or JSON, several documents too; a folder: all files in it; -: standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The service account of the agent that must have made each
    #[arg(long, value_name = "USER")]
    pub agent: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_holds() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_fits_a_terminal() {
        let mut command = Arguments::command();
        command.build();
        let mut pages = vec![command.render_help()];
        pages.extend(command.get_subcommands_mut().map(Command::render_help));
        for page in pages {
            for line in page.to_string().lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }

    #[test]
    fn a_request_says_where_what_and_why_or_like_which() {
        let whole =
            "kubectl-jit request --resource projects/x --role roles/viewer --justification y";
        assert!(parse(whole).is_ok());
        assert!(parse("kubectl-jit request --like earlier").is_ok());
        for missing in [
            " --resource projects/x",
            " --role roles/viewer",
            " --justification y",
        ] {
            let error = parse(&whole.replace(missing, "")).unwrap_err();
            let flag = missing.split(' ').nth(1).unwrap();
            assert!(error.contains(flag), "{error}");
        }
    }

    #[test]
    fn one_choice_of_a_list_excludes_the_others() {
        assert!(parse("kubectl-jit list --mine").is_ok());
        assert!(parse("kubectl-jit list --mine --all").is_err());
    }

    #[test]
    fn a_timeout_is_a_duration() {
        assert!(parse("kubectl-jit wait x --timeout 1m30s -n jit -o json").is_ok());
        let error = parse("kubectl-jit wait x --timeout 90").unwrap_err();
        assert!(error.contains("such as 30m or 1h30m"), "{error}");
    }
}
