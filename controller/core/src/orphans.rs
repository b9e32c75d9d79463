//! Bindings of ours that no request of this installation explains: of one that vanished with its
//! controller down, of another cluster, or written by somebody under our title.

use crate::iam_policy::OwnBinding;

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

/// Judges a binding; `exists` says whether there is a request with a UID here.
pub fn standing(binding: &OwnBinding<'_>, exists: impl FnOnce(&str) -> bool) -> Standing {
    if binding.is_over {
        Standing::Over
    } else if exists(binding.uid) {
        Standing::Explained
    } else {
        Standing::Unexplained
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::iam_policy::Policy;

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
            .map(|own| standing(&own, |uid| uid == HERE))
            .collect()
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
