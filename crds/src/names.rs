//! Words of the API that programs, tests and people rely on.

/// API group of the custom resource.
pub const GROUP: &str = "jit-access.dev";

/// Present as long as a binding of ours may exist in Google's policy.
pub const FINALIZER: &str = "jit-access.dev/revoke";

/// Names the program that made the request for a person.
pub const CREATED_BY_ANNOTATION: &str = "jit-access.dev/created-by";

/// Names the device from which the person asked, as the program that made the request knows it.
pub const DEVICE_ID_ANNOTATION: &str = "jit-access.dev/device-id";

/// Names the access levels that the device satisfied.
pub const ACCESS_LEVELS_ANNOTATION: &str = "jit-access.dev/access-levels";

/// Longest decision, in characters.
pub const MOST_DECISION_CHARACTERS: usize = 500;

/// How many characters of the request's UID begin the name of a person's approval.
pub const UID_CHARACTERS: usize = 8;

/// What somebody decided about a request, by an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DecisionKind {
    /// `approved-by.jit-access.dev/<name>`
    Approved,
    /// `denied-by.jit-access.dev/<name>`
    Denied,
    /// `revoked-by.jit-access.dev/<name>`
    Revoked,
}

impl DecisionKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Approved, Self::Denied, Self::Revoked];

    /// What the keys of this kind begin with, the slash included.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Approved => "approved-by.jit-access.dev/",
            Self::Denied => "denied-by.jit-access.dev/",
            Self::Revoked => "revoked-by.jit-access.dev/",
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands in the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// The value that the word stands for; `None` for a word that is not ours.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// `type` of the conditions in `status.conditions`. The first three are always there from the
    /// first visit on; the last two follow kstatus: present only while `True`.
    ConditionType {
        /// The requester may have what is asked.
        Eligible,
        /// Nobody needs to be asked any more.
        Approved,
        /// The binding is in Google's policy; its reason is the request's [`AccessState`].
        Granted,
        /// The controller is still working on it, or waits for somebody.
        Reconciling,
        /// It ended without access.
        Stalled,
    }
}

words! {
    /// `reason` of the condition `Eligible`.
    EligibleReason {
        /// `True`: there is an entitlement for every role.
        Entitled,
        /// `False`: at least one role has none.
        NotEntitled,
        /// `Unknown`: not looked up yet, or it could not be.
        Pending,
    }
}

words! {
    /// `reason` of the condition `Approved`.
    ApprovedReason {
        /// `True`: every role may be self-approved.
        SelfApproved,
        /// `True`: a peer approved.
        PeerApproved,
        /// `Unknown`: not decided yet.
        Pending,
        /// `Unknown`: a reviewer must act.
        AwaitingApproval,
        /// `False`: a reviewer said no.
        Denied,
        /// `False`: nobody said yes in time.
        TimedOut,
    }
}

words! {
    /// The state of a request: `reason` of the condition `Granted`, and the STATUS column.
    AccessState {
        /// Not looked up yet, or identity is not proven at the moment.
        Pending,
        /// A reviewer must act.
        AwaitingApproval,
        /// Approved; `spec.startTime` is to come.
        Scheduled,
        /// Google refuses for now; the message says what and since when.
        Retrying,
        /// The binding is in the policy; the only state in which `Granted` is `True`.
        Active,
        /// The window is over. Final.
        Expired,
        /// Ended or withdrawn by somebody, eligibility lost, or the binding removed. Final.
        Revoked,
        /// A reviewer said no. Final.
        Denied,
        /// Nobody said yes in time. Final.
        TimedOut,
        /// No entitlement, outside the scope, or the role is held permanently. Final.
        Ineligible,
        /// Cannot be served as asked. Final.
        Failed,
    }
}

impl AccessState {
    /// Whether the state never changes any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending
            | Self::AwaitingApproval
            | Self::Scheduled
            | Self::Retrying
            | Self::Active => false,
            Self::Expired
            | Self::Revoked
            | Self::Denied
            | Self::TimedOut
            | Self::Ineligible
            | Self::Failed => true,
        }
    }

    /// Whether the request is neither granted nor final.
    #[must_use]
    pub const fn is_undecided(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::AwaitingApproval | Self::Scheduled | Self::Retrying
        )
    }

    /// Whether kstatus should read the request as failed.
    #[must_use]
    pub const fn is_stalled(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::TimedOut | Self::Ineligible | Self::Failed
        )
    }
}
