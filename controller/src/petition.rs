//! A request before the policy writer: decides by the rules, records the window, withdraws when
//! the object is gone.

use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use jit_access_core::approval::Approved;
use jit_access_core::decision::{
    Judged, Known, approvals_in_time, created, grant, judge, still_wanted, unexplained, within,
};
use jit_access_core::grant::{Grant, Window};
use jit_access_core::request::{Refusal, ValidRequest};
use jit_access_core::review::Decision;
use jit_access_core::status::{self, Report};
use jit_access_crds::{
    AccessRequest, AccessState, ApprovedReason, EligibleReason, GrantStatus, Plan,
};
use kube::ResourceExt;

use crate::context::Context;
use crate::lock::lock;
use crate::memory::uid;
use crate::objects;
use crate::policy_writer::{Petition, Subject, Trouble, Verdict};
use crate::write_error::WriteError;

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
    passed: Option<Passed>,
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

/// What was found out about a request that passed eligibility and approval.
#[derive(Debug, Clone)]
struct Passed {
    reason: ApprovedReason,
    approver: Option<String>,
    plan: Plan,
}

impl Passed {
    fn new(approved: &Approved, plan: Plan) -> Self {
        Self {
            reason: approved.reason(),
            approver: approved.approver().map(str::to_owned),
            plan,
        }
    }

    fn said_in(self, report: Report) -> Report {
        let message = match &self.approver {
            Some(approver) => format!("{approver} approved"),
            None => "the requester may approve these roles alone".to_owned(),
        };
        Report {
            approved: Some((self.reason, message)),
            ..eligible(report, self.plan)
        }
    }
}

/// What is said of a request that passed eligibility.
#[must_use]
pub fn eligible(report: Report, plan: Plan) -> Report {
    Report {
        eligible: Some((
            EligibleReason::Entitled,
            "every role has an entitlement".to_owned(),
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
                passed: None,
            }),
        }
    }

    /// The request as it was last written.
    #[must_use]
    pub fn newest(&self) -> Arc<AccessRequest> {
        self.progress().newest
    }

    /// Adds to a report what was found out, once the request passed eligibility and approval.
    #[must_use]
    pub fn with_passed(&self, report: Report) -> Report {
        match self.passed() {
            Some(passed) => passed.said_in(report),
            None => report,
        }
    }

    fn passed(&self) -> Option<Passed> {
        self.progress().passed
    }

    /// The authors of the approvals that the decision rests on.
    #[must_use]
    pub fn approvers(&self) -> Vec<String> {
        self.approvals(&self.current())
            .into_iter()
            .map(|decision| decision.author)
            .collect()
    }

    /// The request as it is now, by what the watch delivered and what was written.
    fn current(&self) -> Arc<AccessRequest> {
        let newest = self.newest();
        match self
            .context
            .delivered(&newest)
            .map(|object| object.0.clone())
        {
            Some(Ok(request)) => self.context.memory.newest(Arc::new(request)),
            _ => newest,
        }
    }

    fn approvals(&self, request: &AccessRequest) -> Vec<Decision> {
        let delegates = self.context.delegates(request);
        approvals_in_time(request, &self.valid, &delegates, &self.context.limits)
    }

    fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    fn advance(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut lock(&self.progress));
    }

    /// First the finalizer, then the window: whatever happens afterwards, the binding is found.
    async fn record(&self, grant: &Grant) -> Result<(), WriteError> {
        let newest = self.newest();
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
            let report = self.with_passed(report);
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

    fn reviewers(&self) -> &[String] {
        &self.valid.reviewers
    }

    fn within(&self, ancestors: Option<&[String]>) -> Result<(), Refusal> {
        let namespace = self.context.namespace_of(&self.newest());
        within(
            self.valid.resource.as_str(),
            ancestors,
            &self.context.limits.scope,
            &namespace.map(|it| it.scope).unwrap_or_default(),
        )
    }

    fn decide(&self, known: Known<'_>, held: bool, now: Timestamp) -> Verdict {
        let Progress { newest, window, .. } = self.progress();
        if let Some(why) = unexplained(held, window) {
            return Verdict::Wait(Trouble::new(why));
        }
        let approvals = self.approvals(&self.current());
        let (approved, plan) = match judge(&self.valid, known, &approvals) {
            Ok(Judged::Approved(approved, plan)) => (approved, plan),
            Ok(Judged::Awaited(awaited, plan)) => return Verdict::Await(awaited, plan),
            Ok(Judged::Unknown(why)) => return Verdict::Wait(Trouble::new(why)),
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        self.advance(|progress| progress.passed = Some(Passed::new(&approved, plan)));
        if self.look_up_only {
            return Verdict::Later;
        }
        let created = created(&newest);
        let uid = &self.subject.uid;
        match grant(&self.valid, uid, created, *approved, window, now) {
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
        let Some(object) = self.context.delivered(&newest) else {
            return false;
        };
        // An object that cannot be read any more may hold a revocation.
        let Ok(delivered) = object.0.clone() else {
            return false;
        };
        // What was decided while the guard stood is not written once it is gone.
        if self.context.guard.problem().is_some() {
            return false;
        }
        let current = self.context.memory.newest(Arc::new(delivered));
        let approver = self.passed().and_then(|passed| passed.approver);
        still_wanted(
            &current,
            &self.valid,
            approver.as_deref(),
            &self.context.delegates(&current),
            &self.context.limits,
        )
    }
}
