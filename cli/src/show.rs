//! A request as somebody who decides about it must see it.

use jiff::Timestamp;
use jit_access_core::review::decisions;
use jit_access_core::status::{message, state};
use jit_access_crds::{AccessRequest, DecisionKind, MOST_DECISION_CHARACTERS};
use kube::ResourceExt;

use crate::text::{WIDTH, cut, rough, wrap, wrap_told};

/// Where what is said begins.
const INDENT: usize = 13;
/// How many decisions are shown: more than anybody needs.
const MOST_DECISIONS: usize = 20;

/// Who asks for what, where, for how long and why, and what will be granted.
pub fn show(request: &AccessRequest, now: Timestamp) -> String {
    let spec = &request.spec;
    let mut page = Page::default();
    let made = request
        .creation_timestamp()
        .map_or_else(String::new, |time| {
            format!(", made {} ago", rough(now.duration_since(time.0)))
        });
    page.line("Request", &format!("{}{made}", request.name_any()));
    page.line("Who", &spec.requester);
    page.line("What", &spec.roles.join("\n"));
    page.line("Where", &spec.resource);
    page.line("How long", &how_long(request));
    if let Some(condition) = &spec.condition {
        page.line("Only if", condition);
    }
    page.line("Why", &spec.justification);
    page.line("Plan", &plan(request));
    page.line(
        "Reviewers",
        &spec.reviewers.as_ref().map_or_else(
            || "none: self-approval".to_owned(),
            |reviewers| reviewers.join("\n"),
        ),
    );
    let decided = decided(request);
    if !decided.is_empty() {
        page.line("Decisions", &decided);
    }
    page.lines("State", &wrap_told(&state_line(request), WIDTH - INDENT));
    page.text
}

/// The state and what is said about it.
pub fn state_line(request: &AccessRequest) -> String {
    match (state(request), message(request)) {
        (Some(state), Some(message)) if !message.is_empty() => format!("{state}: {message}"),
        (Some(state), _) => state.to_string(),
        (None, _) => "not looked at yet".to_owned(),
    }
}

fn how_long(request: &AccessRequest) -> String {
    let status = request.status.as_ref();
    if let Some(grant) = status.and_then(|status| status.grant.as_ref()) {
        return format!("{} to {}", grant.start_time, grant.expire_time);
    }
    let planned = status.and_then(|status| status.plan.as_ref());
    let length = match (&request.spec.duration, planned) {
        (Some(duration), _) => duration.clone(),
        (None, Some(plan)) => format!("{}, the usual length here", plan.duration),
        (None, None) => "the usual length here".to_owned(),
    };
    match &request.spec.start_time {
        Some(start) => format!("{length}, from {start}"),
        None => format!("{length}, from the approval"),
    }
}

fn plan(request: &AccessRequest) -> String {
    let plan = request
        .status
        .as_ref()
        .and_then(|status| status.plan.as_ref());
    let Some(plan) = plan else {
        return "not worked out yet".to_owned();
    };
    let bindings = plan.bindings.iter().map(|binding| {
        let condition = match binding.expression.as_str() {
            "" => String::new(),
            expression => format!(" if {expression}"),
        };
        format!("{} on {}{condition}", binding.role, binding.resource)
    });
    bindings.collect::<Vec<_>>().join("\n")
}

/// What was decided. Approvals that a delegate signed are those that the status records: only the
/// controller knows whose signature counts.
fn decided(request: &AccessRequest) -> String {
    let mut lines: Vec<String> = decisions(request, &[])
        .into_iter()
        .map(|decision| {
            let word = match decision.kind {
                DecisionKind::Approved => "approved",
                DecisionKind::Denied => "denied",
                DecisionKind::Revoked => "revoked",
            };
            said(
                word,
                &decision.author,
                decision.via.as_deref(),
                decision.comment.as_deref(),
            )
        })
        .collect();
    let recorded = request.status.iter().flat_map(|status| &status.approvals);
    lines.extend(
        recorded
            .filter(|approval| approval.via.is_some())
            .map(|approval| {
                said(
                    "approved",
                    &approval.approver,
                    approval.via.as_deref(),
                    approval.comment.as_deref(),
                )
            }),
    );
    let more = lines.len().saturating_sub(MOST_DECISIONS);
    lines.truncate(MOST_DECISIONS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn said(word: &str, author: &str, via: Option<&str>, comment: Option<&str>) -> String {
    let short = |text: &str| cut(text, WIDTH);
    let via = via.map_or_else(String::new, |via| format!(" via {}", short(via)));
    // What ends a request counts whatever its length: it must not push the request out of sight.
    let comment = comment.map_or_else(String::new, |comment| {
        format!(": {}", cut(comment, MOST_DECISION_CHARACTERS))
    });
    format!("{word} by {}{via}{comment}", short(author))
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, label: &str, said: &str) {
        self.lines(label, &wrap(said, WIDTH - INDENT));
    }

    fn lines(&mut self, label: &str, lines: &[String]) {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let line = format!("{label:<INDENT$}{line}");
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use jit_access_core::review::approval_command;
    use jit_access_crds::{AccessState, Plan, PlannedBinding};

    use super::*;
    use crate::samples::{annotated, in_state, request};

    #[test]
    fn it_says_who_what_where_how_long_why_and_what_will_be_granted() {
        let mut request = in_state(AccessState::AwaitingApproval, "bob@example.com may approve");
        if let Some(status) = &mut request.status {
            status.plan = Some(Plan {
                duration: "30m".to_owned(),
                bindings: vec![PlannedBinding {
                    resource: "projects/web-prod".to_owned(),
                    role: "roles/compute.instanceAdmin.v1".to_owned(),
                    expression: "resource.name == \"a\"".to_owned(),
                }],
            });
        }
        let shown = show(&request, Timestamp::UNIX_EPOCH);
        let expected = "\
Request      web-1-disk
Who          alice@example.com
What         roles/compute.instanceAdmin.v1
Where        projects/web-prod
How long     30m, from the approval
Why          INC-4711: disk full on web-1
Plan         roles/compute.instanceAdmin.v1 on projects/web-prod if resource.name == \"a\"
Reviewers    bob@example.com
             carol@example.com
State        AwaitingApproval: bob@example.com may approve
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_command_for_reviewers_is_whole() {
        let command = approval_command(&request(), "bob@example.com");
        let message = format!("waits; bob@example.com approves with: {command}; or so");
        let request = in_state(AccessState::AwaitingApproval, &message);
        let shown = show(&request, Timestamp::UNIX_EPOCH);
        assert!(shown.lines().any(|line| line.contains(&command)), "{shown}");
    }

    #[test]
    fn what_others_wrote_neither_controls_the_terminal_nor_leaves_its_place() {
        let mut request = request();
        request.spec.justification = format!(
            "{}\nState        Active\u{1b}[1A",
            "kubectl long ".repeat(60)
        );
        let shown = show(&request, Timestamp::UNIX_EPOCH);
        assert!(
            shown.lines().all(|line| line.chars().count() <= WIDTH),
            "{shown}"
        );
        assert!(!shown.contains('\u{1b}'));
        assert_eq!(
            shown
                .lines()
                .filter(|line| line.starts_with("State"))
                .count(),
            1,
            "{shown}"
        );
    }

    #[test]
    fn decisions_that_count_are_told() {
        let request = annotated(
            request(),
            "denied-by.jit-access.dev/bob",
            "bob@example.com: no need",
        );
        let request = annotated(
            request,
            "denied-by.jit-access.dev/eve",
            "eve@example.com: ha",
        );
        assert_eq!(decided(&request), "denied by bob@example.com: no need");
    }

    #[test]
    fn attack_17_huge_decisions_do_not_push_the_request_out_of_sight() {
        let mut request = request();
        for number in 0..100 {
            let key = format!("revoked-by.jit-access.dev/{number}");
            let huge = format!("eve@example.com: {}", "\u{1b}[A\n".repeat(50_000));
            request = annotated(request, &key, &huge);
        }
        let shown = show(&request, Timestamp::UNIX_EPOCH);
        assert!(shown.contains("and 80 more"), "{shown}");
        assert!(shown.lines().count() < 800, "{}", shown.lines().count());
        assert!(!shown.contains('\u{1b}'));
    }
}
