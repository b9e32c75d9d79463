//! Why a binding is not added: Google's limits on one policy
//! (<https://cloud.google.com/iam/quotas>), and the sentences about them.

/// Principals in all bindings and audit exemptions, each counted as often as it appears.
pub(super) const PRINCIPALS: usize = 1_500;

/// Groups, each counted once, and domains, each counted as often as it appears.
pub(super) const GROUPS: usize = 250;

/// Bindings of the same role and principal with different conditions.
pub(super) const CONDITIONS: usize = 20;

/// Why nothing was added. The policy is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddRefused {
    /// A binding that we would never recognise again.
    #[error("a binding titled \"{}\" for \"{}\" could not be found again to be removed: the title must be \"jit-access\" and a UID, the member a user", title.escape_debug(), member.escape_debug())]
    NotRecognisable {
        /// The title asked for.
        title: String,
        /// The member asked for.
        member: String,
    },
    /// Too many principals.
    #[error("the policy of {resource} would name {} principals, where Google allows {} (each counted as often as it appears, audit exemptions included): an administrator must remove some, or put persons into a group", thousands(*count), thousands(PRINCIPALS))]
    Principals {
        /// Whose policy it is.
        resource: String,
        /// How many there would be.
        count: usize,
    },
    /// Too many groups and domains.
    #[error(
        "the policy of {resource} names {count} groups and domains, where Google allows {GROUPS}: an administrator must remove some, or put groups into a group"
    )]
    Groups {
        /// Whose policy it is.
        resource: String,
        /// How many there are.
        count: usize,
    },
    /// Too many bindings of one role and person.
    #[error(
        "{resource} would have {count} bindings of {role} with conditions for {member}, where Google allows {CONDITIONS}: end an earlier request for this role, or wait until one is over"
    )]
    Conditions {
        /// Whose policy it is.
        resource: String,
        /// The role.
        role: String,
        /// The person.
        member: String,
        /// How many there would be.
        count: usize,
    },
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", thousands(number / 1_000), number % 1_000)
    }
}
