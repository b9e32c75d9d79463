//! What is granted: for each role and resource condition one binding, in a window that ends it.

use jiff::{SignedDuration, Timestamp};
use jit_access_crds::{GrantStatus, GrantedBinding, Plan, PlannedBinding};

use crate::approval::Approved;
use crate::eligibility::{Eligible, Entitlement, effective};
use crate::iam_condition;
use crate::iam_policy::{self, GrantBinding};
use crate::limits::format_duration;
use crate::request::{Refusal, ValidRequest, format_time, parse_time};

/// Longest description of a condition that we write, in characters.
const DESCRIPTION_LENGTH: usize = 256;

/// A start this much before the creation of the object cannot be ours.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// When the access begins and ends, in whole seconds; the end is after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Begin of the access.
    pub start: Timestamp,
    /// End of the access; Google ends it.
    pub end: Timestamp,
}

impl Window {
    /// The window of a request that is granted now: from `spec.startTime`, else from the later of
    /// now and creation.
    #[must_use]
    pub fn decide(request: &ValidRequest, created: Timestamp, now: Timestamp) -> Self {
        let start = request
            .start_time
            .unwrap_or_else(|| whole_seconds(now).max(created));
        Self {
            start,
            end: start + request.duration,
        }
    }

    /// The window in `status.grant`; `None` if it is not one.
    #[must_use]
    pub fn recorded(grant: &GrantStatus) -> Option<Self> {
        let start = parse_time(&grant.start_time).ok()?;
        let end = parse_time(&grant.expire_time).ok()?;
        (start < end).then_some(Self { start, end })
    }

    /// Whether a recorded window of a request that was never granted can be one that we decided.
    /// Whoever could write the status could have written any other. `longest` is the most that it
    /// may last.
    ///
    /// # Errors
    /// `Failed`, with what does not fit.
    pub fn verify(
        &self,
        request: &ValidRequest,
        longest: SignedDuration,
        created: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let refuse = |what: &str| {
            Err(Refusal::failed(format!(
                "status.grant {what}, so the controller did not write it: create the request again and tell an administrator"
            )))
        };
        if self.end.duration_since(self.start) > longest {
            return refuse("is longer than the request");
        }
        match request.start_time {
            Some(start) if self.start != start => refuse("does not start at spec.startTime"),
            None if self.start < created - CLOCK_TOLERANCE => {
                refuse("starts before the request was made")
            }
            None if self.start > now + CLOCK_TOLERANCE => refuse("starts in the future"),
            _ => Ok(()),
        }
    }

    /// Whether the window is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.end
    }

    fn cut(self, end: Option<Timestamp>) -> Self {
        Self {
            start: self.start,
            end: end.map_or(self.end, |end| self.end.min(whole_seconds(end))),
        }
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    // A whole number of seconds of a valid timestamp is one too.
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A grant that passed eligibility and approval: what is to be written, and nothing else is.
#[derive(Debug, Clone)]
pub struct Grant {
    window: Window,
    bindings: Vec<GrantBinding>,
    approved: Approved,
}

impl Grant {
    /// Composes the bindings. `window` is cut where an entitlement ends earlier.
    ///
    /// # Errors
    /// `Failed` when a condition cannot be composed; the message says which and why.
    pub fn new(
        request: &ValidRequest,
        uid: &str,
        approved: Approved,
        window: Window,
    ) -> Result<Self, Refusal> {
        let granted = granted_entitlements(approved.eligible());
        let end = granted
            .iter()
            .filter_map(|entitlement| entitlement.end)
            .min();
        let window = window.cut(end);
        if window.start >= window.end {
            return Err(Refusal::failed(format!(
                "the eligible binding ends at {}, before this access would begin",
                format_time(window.end)
            )));
        }
        let description = description(&approved.by(), &request.justification);
        let bindings = granted
            .iter()
            .map(|entitlement| {
                iam_condition::compose(
                    window.start,
                    window.end,
                    entitlement.resource_condition.as_ref(),
                    request.condition.as_ref(),
                )
                .map(|expression| GrantBinding {
                    resource: request.resource.as_str().to_owned(),
                    role: entitlement.role.clone(),
                    member: format!("user:{}", request.requester),
                    title: iam_policy::title(uid),
                    description: description.clone(),
                    expression,
                })
                .map_err(|why| Refusal::failed(format!("{}: {why}", entitlement.role)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            window,
            bindings,
            approved,
        })
    }

    /// When the access begins and ends.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// What is written into the policy of the request's resource.
    #[must_use]
    pub fn bindings(&self) -> &[GrantBinding] {
        &self.bindings
    }

    /// The evidence.
    #[must_use]
    pub fn approved(&self) -> &Approved {
        &self.approved
    }

    /// `status.grant` before the policy is changed: the times alone.
    #[must_use]
    pub fn announced(&self) -> GrantStatus {
        GrantStatus {
            start_time: format_time(self.window.start),
            expire_time: format_time(self.window.end),
            bindings: Vec::new(),
        }
    }

    /// `status.grant` once the bindings are in the policy.
    #[must_use]
    pub fn recorded(&self) -> GrantStatus {
        GrantStatus {
            bindings: self
                .bindings
                .iter()
                .map(|binding| GrantedBinding {
                    resource: binding.resource.clone(),
                    role: binding.role.clone(),
                    title: binding.title.clone(),
                    expression: binding.expression.clone(),
                })
                .collect(),
            ..self.announced()
        }
    }
}

/// What will be granted, without the window: for those who approve, and before a scheduled start.
///
/// # Errors
/// `Failed` when a condition cannot be composed; the message says which and why.
pub fn plan(request: &ValidRequest, eligible: &Eligible) -> Result<Plan, Refusal> {
    let bindings = granted_entitlements(eligible)
        .into_iter()
        .map(|entitlement| {
            let resource_condition = entitlement.resource_condition.as_ref();
            // With any window: what is too long with one is said before anybody waits for it.
            iam_condition::compose(
                Timestamp::UNIX_EPOCH,
                Timestamp::UNIX_EPOCH + request.duration,
                resource_condition,
                request.condition.as_ref(),
            )
            .and_then(|_| {
                iam_condition::compose_without_window(
                    resource_condition,
                    request.condition.as_ref(),
                )
            })
            .map(|expression| PlannedBinding {
                resource: request.resource.as_str().to_owned(),
                role: entitlement.role.clone(),
                expression,
            })
            .map_err(|why| Refusal::failed(format!("{}: {why}", entitlement.role)))
        })
        .collect::<Result<_, _>>()?;
    Ok(Plan {
        duration: format_duration(request.duration),
        bindings,
    })
}

fn granted_entitlements(eligible: &Eligible) -> Vec<&Entitlement> {
    eligible
        .roles()
        .flat_map(|(_, entitlements)| effective(entitlements))
        .collect()
}

fn description(by: &str, justification: &str) -> String {
    let words = justification
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    format!("{by}, justification: {words}")
        .chars()
        .take(DESCRIPTION_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests;
