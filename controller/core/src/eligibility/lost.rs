//! Whether access that runs could still be granted.

use jiff::Timestamp;

use super::{Kind, Lookup};
use crate::iam_condition::{self, Term};
use crate::iam_policy::GrantBinding;

/// Access that runs, as it was granted.
#[derive(Debug, Clone)]
pub struct Held {
    /// Begin of its window.
    pub start: Timestamp,
    /// End of its window.
    pub end: Timestamp,
    /// What the request narrowed it to.
    pub narrowing: Option<Term>,
    /// Who had to agree.
    pub kind: Kind,
    /// Its bindings.
    pub bindings: Vec<GrantBinding>,
}

/// Why somebody could not be granted now what they hold: a sentence; `None` if they could. Each
/// binding needs an entitlement to its role that allows as much: one without resource condition, or
/// with the one that was granted. `lookup` is `None` for a resource outside the scope. Whoever got
/// a role for good meanwhile has lost nothing.
#[must_use]
pub fn lost(held: &Held, lookup: Option<&Lookup>) -> Option<String> {
    let Some(lookup) = lookup else {
        return Some("the resource is not within the scope any more".to_owned());
    };
    held.bindings
        .iter()
        .find_map(|binding| lost_binding(held, binding, lookup))
}

fn lost_binding(held: &Held, binding: &GrantBinding, lookup: &Lookup) -> Option<String> {
    let (person, role) = (lookup.person(), &binding.role);
    if lookup.standing().contains(role) {
        return None;
    }
    let mut entitlements = lookup.of(role, held.kind).peekable();
    if entitlements.peek().is_none() {
        return Some(format!("no binding makes {person} eligible for {role}"));
    }
    let allowed = |condition: Option<&Term>| {
        condition.is_none()
            || iam_condition::compose(held.start, held.end, condition, held.narrowing.as_ref())
                .is_ok_and(|expression| iam_condition::same(&expression, &binding.expression))
    };
    let still = entitlements.any(|entitlement| allowed(entitlement.resource_condition.as_ref()));
    (!still).then(|| {
        format!(
            "what makes {person} eligible for {role} has another condition now than what was granted; the access can be asked for again as it is allowed now"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{after, lookup};

    const ROLE: &str = "roles/compute.admin";
    const SELF: &str = "has({}.jitAccessConstraint)";
    const PEER: &str = "has({}.multiPartyApprovalConstraint)";

    fn held(condition: Option<&str>, narrowing: Option<&str>) -> Held {
        let term = |text: &str| iam_condition::narrowing(text).unwrap();
        let (start, end) = (after(0), after(1_800));
        let narrowing = narrowing.map(term);
        let condition = condition.map(term);
        let expression =
            iam_condition::compose(start, end, condition.as_ref(), narrowing.as_ref()).unwrap();
        Held {
            start,
            end,
            narrowing,
            kind: Kind::SelfApproval,
            bindings: vec![GrantBinding {
                resource: "projects/web-prod".to_owned(),
                role: ROLE.to_owned(),
                member: "user:alice@example.com".to_owned(),
                title: "jit-access 7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned(),
                description: String::new(),
                expression,
            }],
        }
    }

    #[test]
    fn it_is_lost_with_the_last_binding_that_gives_it() {
        let held = held(None, None);
        assert_eq!(lost(&held, Some(&lookup(&[(ROLE, SELF)]))), None);
        for lookup in [lookup(&[]), lookup(&[(ROLE, PEER)])] {
            assert!(lost(&held, Some(&lookup)).unwrap().contains(ROLE));
        }
        assert!(lost(&held, None).is_some());
    }

    #[test]
    fn a_condition_that_was_narrowed_or_exchanged_ends_the_wider_access() {
        let on = |text: &str| lookup(&[(ROLE, &format!("{SELF} && {text}"))]);
        let zone = r#"resource.name.startsWith("projects/web-prod/zones/a")"#;
        let wide = held(None, None);
        assert!(
            lost(&wide, Some(&on(zone)))
                .unwrap()
                .contains("another condition now")
        );
        let narrow = held(Some(zone), None);
        assert_eq!(lost(&narrow, Some(&on(zone))), None);
        assert!(lost(&narrow, Some(&on("resource.type == 'disk'"))).is_some());
        assert_eq!(
            lost(&narrow, Some(&lookup(&[(ROLE, SELF)]))),
            None,
            "wider now"
        );
        let spelt = zone.replace('"', "'").replace('(', " ( ");
        assert_eq!(lost(&narrow, Some(&on(&spelt))), None, "spelt otherwise");
    }

    #[test]
    fn the_requests_own_narrowing_is_no_loss() {
        let narrowed = held(Some("a"), Some("b || c"));
        let eligible = lookup(&[(ROLE, &format!("{SELF} && a"))]);
        assert_eq!(lost(&narrowed, Some(&eligible)), None);
    }

    #[test]
    fn of_several_bindings_each_needs_its_entitlement() {
        let mut both = held(Some("a"), None);
        both.bindings.extend(held(Some("b"), None).bindings);
        let (a, b) = (format!("{SELF} && a"), format!("{SELF} && b"));
        assert_eq!(lost(&both, Some(&lookup(&[(ROLE, &a), (ROLE, &b)]))), None);
        assert!(lost(&both, Some(&lookup(&[(ROLE, &a)]))).is_some());
    }
}
