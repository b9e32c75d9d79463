//! Which of several entitlements are worth a binding.

use jiff::Timestamp;

use super::Entitlement;

/// The entitlements that no other makes superfluous, in their order.
///
/// One makes another of the same role and kind superfluous if it allows all that the other does
/// for at least as long: it has no resource condition, or an equal one, and does not end earlier.
/// So a wide one that ends early and a narrow one that lasts both stay. Of equals the first stays.
pub fn effective<'a>(
    entitlements: impl IntoIterator<Item = &'a Entitlement>,
) -> Vec<&'a Entitlement> {
    let all: Vec<&Entitlement> = entitlements.into_iter().collect();
    all.iter()
        .enumerate()
        .filter(|&(at, entitlement)| {
            !all.iter().enumerate().any(|(other_at, other)| {
                other_at != at
                    && covers(other, entitlement)
                    && (other_at < at || !covers(entitlement, other))
            })
        })
        .map(|(_, entitlement)| *entitlement)
        .collect()
}

fn covers(wide: &Entitlement, narrow: &Entitlement) -> bool {
    wide.role == narrow.role
        && wide.kind == narrow.kind
        && (wide.resource_condition.is_none()
            || wide.resource_condition == narrow.resource_condition)
        && last(wide) >= last(narrow)
}

fn last(entitlement: &Entitlement) -> Timestamp {
    entitlement.end.unwrap_or(Timestamp::MAX)
}
