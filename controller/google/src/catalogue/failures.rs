//! What could not be read in a refresh, told once for each cause: the same fails in every refresh until somebody
//! changes something.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use crate::{Error, Kind};

#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Since the last telling.
    fresh: HashMap<Kind, Failed>,
    /// Whether anything was read since then.
    some_succeeded: bool,
    told: HashSet<Kind>,
}

/// Those that failed for one cause.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) kind: Kind,
    /// The first.
    pub(super) example: String,
    /// What was wrong with it.
    pub(super) why: String,
    pub(super) count: usize,
}

impl Failures {
    pub(super) fn failed(&mut self, name: &str, error: &Error) {
        let failed = self.fresh.entry(error.kind).or_insert_with(|| Failed {
            kind: error.kind,
            example: name.to_owned(),
            why: error.to_string(),
            count: 0,
        });
        failed.count += 1;
    }

    pub(super) fn succeeded(&mut self) {
        self.some_succeeded = true;
    }

    /// What failed for a cause that was not told yet. Once all goes well again, all is new.
    pub(super) fn untold(&mut self) -> Vec<Failed> {
        let fresh = mem::take(&mut self.fresh);
        if mem::take(&mut self.some_succeeded) && fresh.is_empty() {
            self.told.clear();
        }
        let told = &mut self.told;
        fresh
            .into_values()
            .filter(|it| told.insert(it.kind))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_once_until_all_goes_well() {
        let denied = Error::new(Kind::Denied, "denied");
        let slow = Error::new(Kind::Timeout, "slow");
        let mut failures = Failures::default();
        for name in ["a", "b", "c"] {
            failures.failed(name, &denied);
        }
        let failed = Failed {
            kind: Kind::Denied,
            example: "a".to_owned(),
            why: "denied".to_owned(),
            count: 3,
        };
        assert_eq!(failures.untold(), [failed]);
        // Nothing was asked for; then some go well, and others do not.
        assert_eq!(failures.untold(), []);
        failures.succeeded();
        failures.failed("b", &denied);
        failures.failed("d", &slow);
        let examples = |failures: &mut Failures| {
            let untold = failures.untold().into_iter();
            untold.map(|it| it.example).collect::<Vec<_>>()
        };
        assert_eq!(examples(&mut failures), ["d"]);
        failures.succeeded();
        assert_eq!(failures.untold(), []);
        failures.failed("b", &denied);
        assert_eq!(examples(&mut failures), ["b"]);
    }
}
