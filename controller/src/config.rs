//! Flags and environment. Each flag has a variable `JIT_ACCESS_…` of the same name; a bad value
//! stops the program with a sentence that names it.

use clap::Parser;
use jiff::SignedDuration;
use jit_access_core::expiry::Rounds;
use jit_access_core::limits::parse_duration;
use jit_access_program::CommonFlags;

/// Grants just-in-time access to Google Cloud: watches AccessRequests and adds IAM bindings that end by themselves.
#[derive(Debug, Parser)]
#[command(name = "jit-access-controller", version)]
pub struct Config {
    /// What the programs share.
    #[command(flatten)]
    pub common: CommonFlags,

    /// How often resources with running access are read again, and expired bindings removed.
    #[arg(long, env = "JIT_ACCESS_ROUND_INTERVAL", value_parser = parse_duration, default_value = "5m", hide = true)]
    pub round_interval: SignedDuration,

    /// How often Cloud Asset is searched for bindings of ours that no request here explains.
    #[arg(long, env = "JIT_ACCESS_SEARCH_INTERVAL", value_parser = parse_duration, default_value = "1h", hide = true)]
    pub search_interval: SignedDuration,

    /// How long after its end a request is kept for a binding that cannot be removed.
    #[arg(long, env = "JIT_ACCESS_FINALIZER_PATIENCE", value_parser = parse_duration, default_value = "10m", hide = true)]
    pub finalizer_patience: SignedDuration,
}

impl Config {
    /// When resources are read again.
    #[must_use]
    pub fn rounds(&self) -> Rounds {
        Rounds::every(self.round_interval).with_patience(self.finalizer_patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from(
            ["jit-access-controller", "--scope", "organizations/1"]
                .iter()
                .chain(flags),
        )
    }

    #[test]
    fn bad_values_name_the_flag() {
        for (flag, value) in [
            ("--max-duration", "2 hours"),
            ("--max-roles", "0"),
            ("--max-roles", "11"),
            ("--justification-pattern", "("),
            ("--justification-pattern", "a)|(b"),
            ("--groups", "ldap"),
            ("--admin-listen", "8080"),
        ] {
            let message = parse(&[flag, value]).unwrap_err().to_string();
            assert!(message.contains(flag), "{message}");
        }
        let message = Config::try_parse_from(["jit-access-controller", "--scope", "org/1"])
            .unwrap_err()
            .to_string();
        assert!(message.contains("--scope"), "{message}");
    }

    #[test]
    fn flags_that_contradict_each_other_are_named() {
        let limits = |flags: &[&str]| parse(flags).unwrap().common.limits();
        assert!(limits(&[]).is_ok());
        let message = limits(&["--min-duration", "3h"]).unwrap_err();
        assert!(message.contains("--min-duration 3h") && message.contains("--max-duration 2h"));
        let message = limits(&["--max-duration", "30m"]).unwrap_err();
        assert!(message.contains("--default-duration 1h"), "{message}");
    }
}
