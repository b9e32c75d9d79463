//! Whatever a policy holds: what is not ours survives, equal and in order.

use jiff::Timestamp;
use jit_access_core::iam_policy::{Found, GrantBinding, Policy, title};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Requests that the policies know already.
const KNOWN: [&str; 2] = [
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "0b0e1a5c-0000-4000-8000-000000000001",
];
/// A request that they do not know.
const NEW: &str = "ffffffff-0000-4000-8000-00000000000f";
const ALICE: &str = "user:alice@example.com";
const BEFORE: &str = "2026-11-23T20:15:00Z";
const END: &str = "2026-11-23T20:30:00Z";
const WINDOW: &str = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;

/// Expressions, each with whether it is over before the grant's end and at it.
const EXPRESSIONS: [(&str, bool, bool); 12] = [
    (WINDOW, false, true),
    // What narrows a grant by time ends its window no earlier, and no later.
    (
        r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z") && (request.time < timestamp("2020-01-01T00:00:00Z"))"#,
        false,
        true,
    ),
    (
        r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z") && (request.time < timestamp("2099-01-01t00:00:00z"))"#,
        false,
        true,
    ),
    (r#"request.time < timestamp("never")"#, false, false),
    ("true", false, false),
    ("has({}.jitAccessConstraint)", false, false),
    (
        r#"a && request.time < timestamp("2026-11-23T20:00:00Z")"#,
        true,
        true,
    ),
    (
        r#"(request.time < timestamp("2026-11-23T20:00:00Z")) // "x"#,
        true,
        true,
    ),
    (
        r#"a || request.time < timestamp("2026-11-23T20:00:00Z")"#,
        false,
        false,
    ),
    (
        r#"request.time < timestamp("2030-01-01T00:00:00Z")"#,
        false,
        false,
    ),
    (
        r#"request.time < timestamp("2026-11-23T20:00:00Z") &&"#,
        false,
        false,
    ),
    ("\u{202e}", false, false),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::MIN)
}

fn read(policy: &Value) -> Policy {
    serde_json::from_value(policy.clone()).unwrap_or_default()
}

fn write(policy: &Policy) -> Value {
    let mut value = serde_json::to_value(policy).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("version");
        fields.entry("bindings").or_insert(json!([]));
    }
    value
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            ALICE,
            "user:Alice@EXAMPLE.com",
            "user:bob@example.com",
            "group:ops@example.com",
            "group:alice@example.com",
            "domain:example.com",
            "serviceAccount:a@p.iam.gserviceaccount.com",
            "deleted:user:alice@example.com?uid=123",
            "deleted:user:bob@example.com?uid=1",
            "allUsers",
        ]).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn condition_title() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(KNOWN.to_vec()).prop_map(title),
        1 => select(KNOWN.to_vec()).prop_map(|uid| format!("{} ", title(uid))),
        1 => select(KNOWN.to_vec()).prop_map(|uid| title(&uid.to_uppercase())),
        1 => Just("JIT access activation".to_owned()),
        1 => "[a-zäö⛄\\n ]{1,20}",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields that no version of ours knows.
fn unknown() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("x-[a-z]{1,4}", anything(), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
}

fn with(unknown: Map<String, Value>, known: &Value) -> Value {
    let mut fields = unknown;
    fields.extend(known.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

fn condition() -> impl Strategy<Value = Value> {
    (
        condition_title(),
        select(EXPRESSIONS.to_vec()),
        "[a-zé]{1,9}",
        unknown(),
    )
        .prop_map(|(title, (expression, ..), description, unknown)| {
            with(
                unknown,
                &json!({"title": title, "expression": expression, "description": description}),
            )
        })
}

fn binding() -> impl Strategy<Value = Value> {
    let parts = (
        select(vec!["roles/a", "roles/b", "organizations/1/roles/c"]),
        proptest::collection::vec(member(), 1..4),
        proptest::option::weighted(0.8, condition()),
        unknown(),
    );
    parts.prop_map(|(role, members, condition, unknown)| {
        let mut binding = with(unknown, &json!({"role": role, "members": members}));
        if let Some(condition) = condition {
            binding["condition"] = condition;
        }
        binding
    })
}

/// An element of `bindings`, now and then one that is no binding.
fn element() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => binding(),
        1 => anything().prop_filter("an object may be a binding", |value| !value.is_object()),
        1 => binding().prop_map(|mut binding| {
            binding["role"] = json!(["roles/a"]);
            binding
        }),
    ]
}

fn policy() -> impl Strategy<Value = Value> {
    let parts = (
        proptest::collection::vec(element(), 0..7),
        proptest::option::of(1..=3i32),
        unknown(),
        anything(),
        any::<bool>(),
    );
    parts.prop_map(|(mut bindings, version, unknown, audit, repeat)| {
        if repeat && !bindings.is_empty() {
            bindings.push(bindings[0].clone());
        }
        let known = json!({"etag": "BwZg7ZfUfYQ=", "auditConfigs": audit, "bindings": bindings});
        let mut policy = with(unknown, &known);
        if let Some(version) = version {
            policy["version"] = json!(version);
        }
        policy
    })
}

fn granted(uid: &str, role: &str, expression: &str) -> GrantBinding {
    GrantBinding {
        resource: "projects/web-prod".to_owned(),
        role: role.to_owned(),
        member: ALICE.to_owned(),
        title: title(uid),
        description: "Self-approved, justification: test".to_owned(),
        expression: expression.to_owned(),
    }
}

fn grant(uid: &str) -> Vec<GrantBinding> {
    vec![
        granted(uid, "roles/a", WINDOW),
        granted(uid, "roles/a", &format!("{WINDOW} && (x)")),
        granted(uid, "roles/b", WINDOW),
    ]
}

fn is_alice(member: &Value) -> bool {
    let member = member.as_str().unwrap_or_default();
    member.eq_ignore_ascii_case(ALICE) && member.starts_with("user:")
        || member == "deleted:user:alice@example.com?uid=123"
}

/// The elements of `bindings` in JSON, changed by a rule written down once more and otherwise: it
/// gets a binding's members, title and expression.
fn by_rule(policy: &Value, rule: impl Fn(&mut Vec<Value>, &str, &str)) -> Value {
    let mut policy = policy.clone();
    if let Some(fields) = policy.as_object_mut() {
        fields.remove("version");
    }
    if let Some(bindings) = policy["bindings"].as_array_mut() {
        bindings.retain_mut(|binding| {
            if !binding["role"].is_string() {
                return true;
            }
            let text = |field: &str| {
                binding["condition"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (title, expression) = (text("title"), text("expression"));
            binding["members"].as_array_mut().is_none_or(|members| {
                rule(members, &title, &expression);
                !members.is_empty()
            })
        });
    }
    policy
}

fn expired_by_rule(policy: &Value, over: impl Fn(&(&str, bool, bool)) -> bool) -> Value {
    by_rule(policy, |members, title, expression| {
        let ours = KNOWN.iter().any(|uid| title == format!("jit-access {uid}"));
        if ours
            && EXPRESSIONS
                .iter()
                .any(|known| known.0 == expression && over(known))
        {
            members.clear();
        }
    })
}

proptest! {
    #[test]
    fn a_policy_passes_through(policy in policy()) {
        let mut written = serde_json::to_value(read(&policy)).unwrap_or_default();
        if policy["bindings"] == json!([]) {
            // An empty list is as good as none.
            written["bindings"] = json!([]);
        }
        prop_assert_eq!(written, policy);
    }

    #[test]
    fn adding_appends_and_removing_takes_back(original in policy()) {
        let mut policy = read(&original);
        let added = policy.add(&grant(NEW), true).map(|added| added.added);
        prop_assert_eq!(added, Ok(3));
        prop_assert_eq!(policy.version, Some(3));
        let all = write(&policy);
        let others = by_rule(&original, |_, _, _| {});
        let count = others["bindings"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(all["bindings"].as_array().map(|all| &all[..count]), others["bindings"].as_array().map(Vec::as_slice));

        prop_assert_eq!(policy.remove(NEW, ALICE).len(), 3);
        prop_assert_eq!(write(&policy), others);
    }

    #[test]
    fn removing_takes_the_member_out_of_the_requests_bindings_and_nothing_else(original in policy()) {
        let mut policy = read(&original);
        let expected = by_rule(&original, |members, title, _| {
            if title == format!("jit-access {}", KNOWN[0]) {
                members.retain(|member| !is_alice(member));
            }
        });
        let removed = policy.remove(KNOWN[0], ALICE);
        prop_assert_eq!(write(&policy), expected);
        if removed.is_empty() {
            prop_assert_eq!(policy, read(&original));
        }
    }

    #[test]
    fn expiry_removes_what_is_over_and_nothing_else(original in policy()) {
        let mut policy = read(&original);
        policy.remove_expired(at(BEFORE));
        prop_assert_eq!(write(&policy), expired_by_rule(&original, |known| known.1));
        policy.remove_expired(at(END));
        prop_assert_eq!(write(&policy), expired_by_rule(&original, |known| known.2));
        prop_assert_eq!(policy.remove_expired(at(END)), []);
    }

    #[test]
    fn a_grant_outlasts_expiry_until_its_end(original in policy()) {
        let mut without = read(&original);
        without.remove_expired(at(BEFORE));
        let mut policy = read(&original);
        prop_assert!(policy.add(&grant(NEW), true).is_ok());
        policy.remove_expired(at(BEFORE));
        prop_assert!(policy.observe(NEW, ALICE, &grant(NEW)).is_intact());
        policy.remove(NEW, ALICE);
        prop_assert_eq!(write(&policy), write(&without));

        prop_assert!(policy.add(&grant(NEW), true).is_ok());
        policy.remove_expired(at(END));
        without.remove_expired(at(END));
        prop_assert_eq!(write(&policy), write(&without));
    }

    #[test]
    fn after_adding_exactly_the_grant_stands_and_after_removing_nothing(original in policy()) {
        let uid = KNOWN[1];
        let mut policy = read(&original);
        prop_assert!(policy.add(&grant(uid), true).is_ok());
        let seen = policy.observe(uid, ALICE, &grant(uid));
        prop_assert!(seen.bindings.iter().all(|found| *found == Found::Present), "{seen:?}");
        // A role that is not granted is not looked at when something is added.
        prop_assert!(seen.additional.iter().all(|stray| stray.role.ends_with("roles/c")), "{seen:?}");
        let once = policy.clone();
        prop_assert_eq!(policy.add(&grant(uid), true).map(|added| added.changed()), Ok(false));
        prop_assert_eq!(&policy, &once);

        policy.remove(uid, ALICE);
        let seen = policy.observe(uid, ALICE, &grant(uid));
        prop_assert!(!seen.is_present(), "{seen:?}");
        for (found, granted) in seen.bindings.iter().zip(grant(uid)) {
            let stands = policy.unconditional(&granted.role, ALICE);
            prop_assert_eq!(found, if stands { &Found::Unconditional } else { &Found::Vanished });
        }
    }

    #[test]
    fn without_leave_to_replace_nothing_that_stands_is_changed(original in policy()) {
        let mut policy = read(&original);
        prop_assert!(policy.add(&grant(KNOWN[0]), false).is_ok());
        let before = read(&original);
        prop_assert_eq!(policy.entries.get(..before.entries.len()), Some(before.entries.as_slice()));
    }
}
