//! A request before the policy writer: decides by the rules, records the window, withdraws when
//! the object is gone.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use jit_access_core::decision::{created, grant, judge};
use jit_access_core::eligibility::Lookup;
use jit_access_core::grant::{Grant, Window};
use jit_access_core::request::ValidRequest;
use jit_access_core::status::{self, Report};
use jit_access_crds::{
    AccessRequest, AccessState, ApprovedReason, EligibleReason, GrantStatus, Plan,
};
use kube::{Resource, ResourceExt};

use crate::context::Context;
use crate::memory::uid;
use crate::objects::{self, WriteError};
use crate::policy_writer::{Petition, Subject, Trouble, Verdict};

/// A request that asks for access now, or wants to know whether it may later.
pub struct AccessPetition {
    context: Arc<Context>,
    subject: Subject,
    valid: ValidRequest,
    look_up_only: bool,
    progress: Mutex<Progress>,
}

impl std::fmt::Debug for AccessPetition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessPetition").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Progress {
    newest: Arc<AccessRequest>,
    window: Option<Window>,
    plan: Option<Plan>,
}

/// Who and what a request is about.
#[must_use]
pub fn subject(context: &Context, request: &AccessRequest) -> Subject {
    Subject {
        name: format!(
            "{}/{}",
            request.metadata.namespace.as_deref().unwrap_or_default(),
            request.name_any()
        ),
        uid: uid(request).to_owned(),
        requester: request.spec.requester.clone(),
        justification: request.spec.justification.clone(),
        first_seen: context.memory.see(request).first_seen,
    }
}

/// What is said of a request that passed eligibility and approval.
#[must_use]
pub fn approved(report: Report, plan: Plan) -> Report {
    Report {
        eligible: Some((
            EligibleReason::Entitled,
            "every role has an entitlement".to_owned(),
        )),
        approved: Some((
            ApprovedReason::SelfApproved,
            "the requester may approve these roles alone".to_owned(),
        )),
        plan: Some(plan),
        ..report
    }
}

impl AccessPetition {
    /// A petition for a request whose fields have been checked; `window` if one was recorded.
    #[must_use]
    pub fn new(
        context: &Arc<Context>,
        request: &Arc<AccessRequest>,
        valid: ValidRequest,
        window: Option<Window>,
        look_up_only: bool,
    ) -> Self {
        Self {
            context: Arc::clone(context),
            subject: subject(context, request),
            valid,
            look_up_only,
            progress: Mutex::new(Progress {
                newest: Arc::clone(request),
                window,
                plan: None,
            }),
        }
    }

    /// The request as it was last written.
    #[must_use]
    pub fn newest(&self) -> Arc<AccessRequest> {
        self.progress().newest
    }

    /// What will be granted, once that is known.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        self.progress().plan
    }

    fn progress(&self) -> Progress {
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn advance(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// First the finalizer, then the window: whatever happens afterwards, the binding is found.
    async fn record(&self, grant: &Grant) -> Result<(), WriteError> {
        let Progress { newest, plan, .. } = self.progress();
        let decided_on = recorded(&newest).cloned();
        let newest = objects::add_finalizer(&self.context, &newest).await?;
        if recorded(&newest) != decided_on.as_ref() {
            return Err(WriteError::Refused(
                "another controller works on this request".to_owned(),
            ));
        }
        let announced = grant.announced();
        let newest = if recorded(&newest).is_some_and(|recorded| same_times(recorded, &announced)) {
            newest
        } else {
            // What is being tried again stays so, with its time and its cause.
            let (state, message) = match status::state(&newest) {
                Some(AccessState::Retrying) => (
                    AccessState::Retrying,
                    status::message(&newest).unwrap_or_default().to_owned(),
                ),
                _ => (
                    AccessState::Pending,
                    "the binding is being added to Google's policy".to_owned(),
                ),
            };
            let report = Report {
                grant: Some(announced),
                ..Report::new(state, message)
            };
            let report = match plan {
                Some(plan) => approved(report, plan),
                None => report,
            };
            objects::record_window(&self.context, &newest, &report).await?
        };
        let window = grant.window();
        self.advance(|progress| {
            progress.newest = Arc::new(newest);
            progress.window = Some(window);
        });
        Ok(())
    }
}

fn recorded(request: &AccessRequest) -> Option<&GrantStatus> {
    request.status.as_ref()?.grant.as_ref()
}

fn same_times(one: &GrantStatus, other: &GrantStatus) -> bool {
    one.start_time == other.start_time && one.expire_time == other.expire_time
}

impl Petition for AccessPetition {
    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn decide(&self, lookup: Option<&Lookup>, held: bool, now: Timestamp) -> Verdict {
        let Progress { newest, window, .. } = self.progress();
        if held && window.is_none() {
            // The window is recorded before anything is written. One decided anew would end later.
            return Verdict::Wait(Trouble::new(
                "a binding of this request stands in Google's policy, but status.grant, which says until when, is gone: somebody else writes the status; delete the request, create another one, and tell an administrator",
            ));
        }
        let (approved, plan) = match judge(&self.valid, lookup, &self.context.limits) {
            Ok(judged) => judged,
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        if self.look_up_only {
            return Verdict::Plan(plan);
        }
        self.advance(|progress| progress.plan = Some(plan));
        let created = created(&newest);
        match grant(
            &self.valid,
            &self.subject.uid,
            created,
            approved,
            window,
            now,
        ) {
            Ok(grant) => Verdict::Grant(Box::new(grant)),
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn prepare<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), Trouble>> {
        async move {
            self.record(grant)
                .await
                .map_err(|error| Trouble::new(error.to_string()))
        }
        .boxed()
    }

    fn still_wanted(&self) -> bool {
        let newest = self.newest();
        self.context
            .delivered(&newest)
            .is_some_and(|object| object.meta().deletion_timestamp.is_none())
            && newest.metadata.deletion_timestamp.is_none()
    }
}
