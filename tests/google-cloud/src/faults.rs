//! Faults: what goes wrong with which calls.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A fault as tests write it. Without any effect it would be pointless, so one is demanded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fault {
    /// The end of the method's name, `setIamPolicy` or `projects.setIamPolicy`; `*` for any.
    pub method: String,
    /// The beginning of the resource's name, or of the account's e-mail for group look-ups.
    pub resource: Option<String>,
    /// Only calls that set a policy and add or remove a member of this role.
    pub role: Option<String>,
    /// How many calls are hit; without it all until the fault is removed.
    pub count: Option<u64>,
    /// How many matching calls pass before.
    pub skip: u64,
    /// Answer with this error instead of doing anything.
    pub status: Option<u16>,
    /// The error's sentence.
    pub message: Option<String>,
    /// The error's `Retry-After`.
    pub retry_after_seconds: Option<u64>,
    /// Never answer, and do nothing.
    pub hang: bool,
    /// Wait before anything else.
    pub delay_milliseconds: Option<u64>,
    /// Close the connection without an answer.
    pub cut: Option<Phase>,
    /// Send only the first half of the answer's body, as if it were all.
    pub truncate: bool,
    /// Answer with `{}`: nothing found.
    pub empty_answer: bool,
    /// Stop the call until it is released.
    pub hold: Option<Phase>,
}

/// Before or after the call has taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing was done yet.
    Before,
    /// All was done, but not answered.
    After,
}

/// What a call looks like to the faults.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The method's full name.
    pub method: &'a str,
    /// The resource as the log names it.
    pub resource: &'a str,
    /// The resource as the caller wrote it.
    pub written: &'a str,
}

/// A fault that was chosen for a call.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The fault's id.
    pub id: String,
    /// What it does.
    pub fault: Fault,
    /// Closed when the fault is removed, which ends a hanging call.
    pub removed: watch::Receiver<()>,
}

#[derive(Debug)]
struct Armed {
    hit: Hit,
    _removed: watch::Sender<()>,
    skip: u64,
    left: Option<u64>,
}

/// The faults in force, in the order of their arrival.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Armed>,
    made: u64,
}

impl Faults {
    /// Takes a fault.
    ///
    /// # Errors
    /// A sentence about a fault that names no method or does nothing.
    pub fn add(&mut self, fault: Fault) -> Result<String, String> {
        if fault.method.is_empty() {
            return Err("a fault needs a method, for example setIamPolicy or * for any".to_owned());
        }
        let acts = fault.status.is_some()
            || fault.hang
            || fault.delay_milliseconds.is_some()
            || fault.cut.is_some()
            || fault.truncate
            || fault.empty_answer
            || fault.hold.is_some();
        if !acts {
            return Err("a fault needs an effect: status, hang, delayMilliseconds, cut, truncate, emptyAnswer or hold".to_owned());
        }
        if fault
            .status
            .is_some_and(|status| !(400..600).contains(&status))
        {
            return Err("the status of a fault must be an error, 400 to 599".to_owned());
        }
        self.made += 1;
        let id = format!("fault-{}", self.made);
        let (sender, removed) = watch::channel(());
        let hit = Hit {
            id: id.clone(),
            removed,
            fault,
        };
        self.armed.push(Armed {
            skip: hit.fault.skip,
            left: hit.fault.count,
            hit,
            _removed: sender,
        });
        Ok(id)
    }

    /// The first fault that hits this call, counted as one of its hits. `changes_role` says whether the call sets a
    /// policy so that a member of the role comes or goes.
    pub fn strike(
        &mut self,
        target: Target<'_>,
        changes_role: impl Fn(&str) -> bool,
    ) -> Option<Hit> {
        for index in 0..self.armed.len() {
            let armed = &mut self.armed[index];
            let matches = armed.hit.fault.matches(target)
                && armed.hit.fault.role.as_deref().is_none_or(&changes_role);
            if !matches || armed.left == Some(0) {
                continue;
            }
            if armed.skip > 0 {
                armed.skip -= 1;
                continue;
            }
            let hit = armed.hit.clone();
            if let Some(left) = &mut armed.left {
                *left = left.saturating_sub(1);
                // A used-up fault whose calls hang stays, without hitting more: they hang until it is removed.
                if *left == 0 && !hit.fault.hang {
                    self.armed.remove(index);
                }
            }
            return Some(hit);
        }
        None
    }

    /// Removes one fault, or all; calls that hang on them end.
    pub fn remove(&mut self, id: Option<&str>) -> usize {
        let before = self.armed.len();
        self.armed
            .retain(|armed| id.is_some_and(|id| id != armed.hit.id));
        before - self.armed.len()
    }
}

impl Fault {
    fn matches(&self, target: Target<'_>) -> bool {
        let method = self.method == "*"
            || target
                .method
                .strip_suffix(self.method.as_str())
                .is_some_and(|rest| {
                    !self.method.is_empty()
                        && (rest.is_empty() || rest.ends_with('.') || self.method.starts_with('.'))
                });
        let resource = self.resource.as_deref().is_none_or(|prefix| {
            target.resource.starts_with(prefix) || target.written.starts_with(prefix)
        });
        method && resource
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(fault: serde_json::Value) -> Fault {
        serde_json::from_value(fault).unwrap()
    }

    fn strike(faults: &mut Faults, method: &str, resource: &str) -> Option<u16> {
        let target = Target {
            method,
            resource,
            written: resource,
        };
        faults
            .strike(target, |role| role == "roles/a")
            .and_then(|hit| hit.fault.status)
    }

    #[test]
    fn method_suffix_and_resource_prefix_select() {
        let mut faults = Faults::default();
        faults.add(fault(serde_json::json!({"method": "setIamPolicy", "resource": "projects/web", "status": 409}))).unwrap();
        assert_eq!(
            strike(&mut faults, "projects.setIamPolicy", "projects/web-prod"),
            Some(409)
        );
        assert_eq!(
            strike(&mut faults, "projects.setIamPolicy", "projects/db-prod"),
            None
        );
        assert_eq!(
            strike(&mut faults, "projects.getIamPolicy", "projects/web-prod"),
            None
        );
        assert_eq!(faults.remove(None), 1);
        faults
            .add(fault(
                serde_json::json!({"method": "Policy", "status": 500}),
            ))
            .unwrap();
        assert_eq!(
            strike(&mut faults, "projects.setIamPolicy", "x"),
            None,
            "a suffix is whole words"
        );
    }

    #[test]
    fn skip_and_count_and_role() {
        let mut faults = Faults::default();
        faults.add(fault(serde_json::json!({"method": "*", "skip": 1, "count": 2, "status": 503, "role": "roles/a"}))).unwrap();
        faults
            .add(fault(
                serde_json::json!({"method": "*", "status": 500, "role": "roles/b"}),
            ))
            .unwrap();
        let seen: Vec<_> = (0..4)
            .map(|_| strike(&mut faults, "folders.get", "folders/1"))
            .collect();
        assert_eq!(seen, [None, Some(503), Some(503), None]);
    }

    #[test]
    fn a_fault_must_do_something_to_something() {
        let mut faults = Faults::default();
        assert!(
            faults
                .add(fault(serde_json::json!({"method": "*"})))
                .unwrap_err()
                .contains("effect")
        );
        assert!(
            faults
                .add(fault(serde_json::json!({"status": 500})))
                .unwrap_err()
                .contains("method")
        );
        assert!(
            faults
                .add(fault(serde_json::json!({"method": "*", "status": 200})))
                .unwrap_err()
                .contains("error")
        );
    }
}
