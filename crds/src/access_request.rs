//! The `AccessRequest` resource. Its field descriptions are what `kubectl explain` prints.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::condition_list;

/// Asks for one or more IAM roles on a Google Cloud project, folder or organization for a while.
/// It never changes: to ask for something else, create another one.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "jit-access.dev",
    version = "v1alpha1",
    kind = "AccessRequest",
    plural = "accessrequests",
    singular = "accessrequest",
    shortname = "areq",
    category = "jit",
    namespaced,
    status = "AccessRequestStatus",
    derive = "PartialEq",
    doc = "A request for some IAM roles on a Google Cloud resource for a while, with a justification, alone or with a peer's approval.",
    selectable = ".spec.requester",
    selectable = ".spec.resource",
    printcolumn = r#"{"name": "Requester", "type": "string", "jsonPath": ".spec.requester"}"#,
    printcolumn = r#"{"name": "Resource", "type": "string", "jsonPath": ".spec.resource"}"#,
    printcolumn = r#"{"name": "Roles", "type": "string", "jsonPath": ".spec.roles"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Granted\")].reason"}"#,
    // A string: kubectl prints a date that is still to come as `<invalid>`.
    printcolumn = r#"{"name": "Expires", "type": "string", "jsonPath": ".status.grant.expireTime"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Reviewers", "type": "string", "jsonPath": ".spec.reviewers", "priority": 1}"#,
    printcolumn = r#"{"name": "Justification", "type": "string", "jsonPath": ".spec.justification", "priority": 1}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("spec never changes: create a new AccessRequest"),
    validation = Rule::new("!has(self.reviewers) || !(self.requester in self.reviewers)")
        .message("nobody approves their own request: name somebody else as reviewer")
        .field_path(".reviewers"),
)]
pub struct AccessRequestSpec {
    /// Who asks: the e-mail address of the Google account, in lower case. Must be the caller.
    #[schemars(length(max = 254))]
    #[x_kube(
        validation = Rule::new(r#"self.matches("^[a-z0-9._%+'-]+@[a-z0-9-]+([.][a-z0-9-]+)+$")"#)
            .message("must be the e-mail address of a Google account in lower case, such as alice@example.com"),
        validation = Rule::new("!self.endsWith('gserviceaccount.com')")
            .message("a service account cannot ask for access: name a person's account")
    )]
    pub requester: String,

    /// Where the roles are wanted: projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER.
    #[schemars(length(max = 100))]
    #[x_kube(
        validation = Rule::new(r"self.matches('^(projects/([a-z][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|(folders|organizations)/[1-9][0-9]{0,19})$')")
            .message("must be projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER")
    )]
    pub resource: String,

    /// The roles, 1 to 10: roles/NAME, projects/PROJECT_ID/roles/NAME or organizations/NUMBER/roles/NAME.
    #[schemars(length(min = 1, max = 10), inner(length(max = 200)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new(r"self.all(role, role.matches('^(roles|projects/([a-z][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/roles|organizations/[1-9][0-9]{0,19}/roles)/[A-Za-z0-9_.]{1,100}$'))")
            .message("each role must be roles/NAME, projects/PROJECT_ID/roles/NAME or organizations/NUMBER/roles/NAME")
    )]
    pub roles: Vec<String>,

    /// Why: a case number and a few words, 1 to 1000 characters. It is kept in audit logs.
    #[schemars(length(min = 1, max = 1000))]
    #[x_kube(
        validation = Rule::new(r"!self.matches('[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x{9f}\\x{ad}\\x{34f}\\x{61c}\\x{115f}-\\x{1160}\\x{17b4}-\\x{17b5}\\x{180b}-\\x{180e}\\x{200b}-\\x{200f}\\x{2028}-\\x{202e}\\x{2060}-\\x{206f}\\x{3164}\\x{feff}\\x{ffa0}\\x{fff9}-\\x{fffb}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}]')")
            .message("must not contain control characters other than newline and tab, nor invisible ones or such that change the direction of text")
    )]
    pub justification: String,

    /// For how long, in hours, minutes and seconds: 30m or 1h30m. The installation sets default and limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,5}s)?$') && size(self) > 0 && duration(self) > duration('0s')")
            .message("must be hours, minutes and seconds such as 30m or 1h30m, and more than zero")
    )]
    pub duration: Option<String>,

    /// Who may approve, 1 to 10 e-mail addresses in lower case; one of them must. Absent: the roles are self-approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10), inner(length(max = 254)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new(r#"self.all(reviewer, reviewer.matches("^[a-z0-9._%+'-]+@[a-z0-9-]+([.][a-z0-9-]+)+$") && !reviewer.endsWith('gserviceaccount.com'))"#)
            .message("each reviewer must be the e-mail address of a person's Google account in lower case")
    )]
    pub reviewers: Option<Vec<String>>,

    /// When the access begins, in UTC and whole seconds: 2026-11-23T20:00:00Z. Absent: as soon as it is approved.
    // A plain string: the API server stores date-times that other parsers refuse, and such an object could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$') && timestamp(self) > timestamp('2000-01-01T00:00:00Z')")
            .message("must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z")
    )]
    pub start_time: Option<String>,

    /// Narrows the access by an IAM condition in CEL, one line, such as resource.name.startsWith("projects/web/zones/europe-west1-b"). It never widens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    #[x_kube(
        validation = Rule::new(r"!self.matches('[\\x00-\\x1f\\x7f-\\x{9f}\\x{ad}\\x{34f}\\x{61c}\\x{115f}-\\x{1160}\\x{17b4}-\\x{17b5}\\x{180b}-\\x{180e}\\x{200b}-\\x{200f}\\x{2028}-\\x{202e}\\x{2060}-\\x{206f}\\x{3164}\\x{feff}\\x{ffa0}\\x{fff9}-\\x{fffb}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}]')")
            .message("must be one line without control characters, nor invisible ones or such that change the direction of text")
    )]
    pub condition: Option<String>,
}

/// What became of the request; written by the controller alone.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequestStatus {
    /// The generation of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Eligible, Approved and Granted, plus Reconciling or Stalled. The reason of Granted is the request's state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "condition_list")]
    pub conditions: Vec<Condition>,

    /// What will be granted, without the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,

    /// Decisions of reviewers, recorded when first seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub approvals: Vec<Approval>,

    /// The window, fixed before Google's policy is changed, and the bindings once they are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantStatus>,
}

/// What a request amounts to, before it is granted.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// For how long the access will last, such as 30m.
    #[schemars(length(max = 20))]
    pub duration: String,

    /// One for each role and resource condition.
    #[schemars(length(max = 200))]
    pub bindings: Vec<PlannedBinding>,
}

/// A binding that will be added.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedBinding {
    /// The resource whose policy gets the binding.
    #[schemars(length(max = 100))]
    pub resource: String,

    /// The role.
    #[schemars(length(max = 200))]
    pub role: String,

    /// The condition without the window; empty where there is none.
    #[schemars(length(max = 4096))]
    pub expression: String,
}

/// An approval, as it was when the controller first saw it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who approved.
    #[schemars(length(max = 254))]
    pub approver: String,

    /// The program that vouches for the approver's identity, if one wrote the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub via: Option<String>,

    /// What the approver said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub comment: Option<String>,

    /// When the controller first saw it.
    #[schemars(length(max = 20))]
    pub time: String,
}

/// The window of the access and the bindings that give it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// When the access begins, in UTC and whole seconds.
    #[schemars(length(max = 20))]
    #[x_kube(
        validation = Rule::new("self.matches('^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$')")
            .message("must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z")
    )]
    pub start_time: String,

    /// When the access ends, in UTC and whole seconds; Google ends it by the condition of the binding.
    #[schemars(length(max = 20))]
    #[x_kube(
        validation = Rule::new("self.matches('^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$')")
            .message("must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z")
    )]
    pub expire_time: String,

    /// The bindings; absent until they are in the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub bindings: Vec<GrantedBinding>,
}

/// A binding that was added.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedBinding {
    /// The resource whose policy has the binding.
    #[schemars(length(max = 100))]
    pub resource: String,

    /// The role.
    #[schemars(length(max = 200))]
    pub role: String,

    /// The title of the binding's condition: jit-access and the UID of the request.
    #[schemars(length(max = 100))]
    pub title: String,

    /// The binding's condition.
    #[schemars(length(max = 4096))]
    pub expression: String,
}
