//! Bindings of ours that no request of this installation explains: of one that vanished with its
//! controller down, of another cluster, or written by somebody under our title.

use jiff::Timestamp;
use jit_access_crds::{AccessRequest, AccessState};

use crate::iam_policy::{OwnBinding, is_user_or_deleted};
use crate::request::parse_time;
use crate::resource::is_number;
use crate::status::state;

/// What a binding of ours is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its window is over: whoever's it was, it is removed.
    Over,
    /// It belongs to a request that exists here, which watches over it.
    Explained,
    /// It gives access, and no request here explains it. It stays, for it may be another
    /// installation's, and is told.
    Unexplained,
}

/// What of a request explains bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    requester: String,
    resource: String,
    roles: Vec<String>,
    /// None as long as the request is not finished.
    until: Option<Timestamp>,
}

impl Explanation {
    /// What a request explains; after its end no more than its window. One that ended without a
    /// window never gave access.
    #[must_use]
    pub fn of(request: &AccessRequest) -> Self {
        let is_final = state(request).is_some_and(AccessState::is_final);
        let grant = request.status.as_ref().and_then(|it| it.grant.as_ref());
        let end = grant.and_then(|grant| parse_time(&grant.expire_time).ok());
        Self {
            requester: request.spec.requester.clone(),
            resource: request.spec.resource.clone(),
            roles: request.spec.roles.clone(),
            until: is_final.then(|| end.unwrap_or(Timestamp::MIN)),
        }
    }

    fn fits(&self, binding: &OwnBinding<'_>, resource: &str, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
            && self.is_on(resource)
            && self.roles.iter().any(|role| role == binding.role)
            && binding
                .members
                .iter()
                .all(|member| is_user_or_deleted(member, &self.requester))
    }

    /// A project's number stands for its name in some answers of Google's, and is no name in a request.
    fn is_on(&self, resource: &str) -> bool {
        let number = resource.strip_prefix("projects/");
        resource == self.resource
            || (number.is_some_and(is_number) && self.resource.starts_with("projects/"))
    }
}

/// Judges a binding on a resource; `request` is the one here that has the binding's UID. A title is
/// no secret: whoever may write policies can write it to anything, so the rest must fit too.
#[must_use]
pub fn standing(
    binding: &OwnBinding<'_>,
    resource: &str,
    request: Option<&Explanation>,
    now: Timestamp,
) -> Standing {
    if binding.is_over {
        Standing::Over
    } else if request.is_some_and(|request| request.fits(binding, resource, now)) {
        Standing::Explained
    } else {
        Standing::Unexplained
    }
}

#[cfg(test)]
mod tests {
    use jit_access_crds::GrantStatus;
    use serde_json::json;

    use super::*;
    use crate::iam_policy::{Policy, title};
    use crate::request::format_time;
    use crate::samples::{UID, after, in_state, request, spec};

    const HERE: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    const ELSEWHERE: &str = "00000000-7425-40de-944b-e07fc1f90ae7";

    fn window(end: &str) -> String {
        format!(
            r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("{end}")"#
        )
    }

    fn standings(title: &str, expression: &str) -> Vec<Standing> {
        let policy: Policy = serde_json::from_value(json!({"bindings": [{
            "role": "roles/viewer", "members": ["user:alice@example.com"],
            "condition": {"title": title, "expression": expression}
        }]}))
        .unwrap();
        let now: Timestamp = "2026-11-23T20:30:00Z".parse().unwrap();
        policy
            .own_bindings(now)
            .map(|own| {
                let here = (own.uid == HERE).then(|| Explanation {
                    roles: vec!["roles/viewer".to_owned()],
                    ..Explanation::of(&request(spec()))
                });
                standing(&own, "projects/web-prod", here.as_ref(), now)
            })
            .collect()
    }

    fn judge(request: &AccessRequest, resource: &str, role: &str, members: &[&str]) -> Standing {
        let policy: Policy = serde_json::from_value(json!({"bindings": [{
            "role": role, "members": members,
            "condition": {"title": title(UID), "expression": window("2026-11-23T21:00:00Z")}
        }]}))
        .unwrap();
        let now = after(1200);
        let own = policy.own_bindings(now).next().unwrap();
        standing(&own, resource, Some(&Explanation::of(request)), now)
    }

    #[test]
    fn a_request_explains_only_what_it_asked_for() {
        let (project, admin) = ("projects/web-prod", "roles/compute.admin");
        let (alice, mallory) = ("user:Alice@example.com", "user:mallory@example.com");
        let deleted = "deleted:user:alice@example.com?uid=1";
        let request = in_state(AccessState::Active, 60);
        for (resource, role, members) in [
            (project, admin, [alice].as_slice()),
            (project, admin, &[deleted]),
            ("projects/123", admin, &[alice]),
        ] {
            let standing = judge(&request, resource, role, members);
            assert_eq!(
                standing,
                Standing::Explained,
                "{resource} {role} {members:?}"
            );
        }
        for (resource, role, members) in [
            ("projects/web-test", admin, [alice].as_slice()),
            ("folders/123", admin, &[alice]),
            (project, "roles/owner", &[alice]),
            (project, admin, &[mallory]),
            (project, admin, &[alice, mallory]),
            (project, admin, &["group:alice@example.com"]),
            (project, admin, &["serviceAccount:alice@example.com"]),
        ] {
            let standing = judge(&request, resource, role, members);
            assert_eq!(
                standing,
                Standing::Unexplained,
                "{resource} {role} {members:?}"
            );
        }
    }

    #[test]
    fn a_finished_request_explains_no_more_than_its_window() {
        let standing_of = |state: AccessState, end: Option<i64>| {
            let mut request = in_state(state, 60);
            let grant = end.map(|end| GrantStatus {
                start_time: format_time(after(60)),
                expire_time: format_time(after(end)),
                bindings: Vec::new(),
            });
            request.status.as_mut().unwrap().grant = grant;
            let members = ["user:alice@example.com"];
            judge(
                &request,
                "projects/web-prod",
                "roles/compute.admin",
                &members,
            )
        };
        for &state in AccessState::ALL {
            let (ended, running) = (Some(1200), Some(1201));
            assert_eq!(
                standing_of(state, running),
                Standing::Explained,
                "{state:?}"
            );
            let expected = if state.is_final() {
                Standing::Unexplained
            } else {
                Standing::Explained
            };
            for end in [None, ended] {
                assert_eq!(standing_of(state, end), expected, "{state:?} {end:?}");
            }
        }
    }

    #[test]
    fn what_is_over_goes_and_what_runs_without_a_request_is_told() {
        let (over, running) = (
            window("2026-11-23T20:30:00Z"),
            window("2026-11-23T20:30:01Z"),
        );
        for (uid, expression, expected) in [
            (HERE, &over, Standing::Over),
            (ELSEWHERE, &over, Standing::Over),
            (HERE, &running, Standing::Explained),
            (ELSEWHERE, &running, Standing::Unexplained),
            // Has no end that can be read.
            (ELSEWHERE, &"true".to_owned(), Standing::Unexplained),
            (ELSEWHERE, &String::new(), Standing::Unexplained),
        ] {
            let title = format!("jit-access {uid}");
            assert_eq!(standings(&title, expression), [expected], "{expression}");
        }
    }

    #[test]
    fn only_an_exact_title_is_ours() {
        for title in [
            "",
            "jit-access",
            "JIT access activation",
            "jit-access 7C9E6679-7425-40DE-944B-E07FC1F90AE7",
            "jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae7 ",
            "eligible for jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae7",
        ] {
            assert_eq!(
                standings(title, &window("2026-11-23T20:30:00Z")),
                [],
                "{title}"
            );
        }
    }
}
