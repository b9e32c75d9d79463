//! What would exceed a limit of Google's is refused before it is written.

use super::*;

fn members(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}:m{number}@example.com"))
        .collect()
}

/// Adds one binding; the refusal must leave the policy as it was.
fn add(policy: &mut Policy) -> Result<Added, String> {
    let before = policy.clone();
    policy
        .add(&[granted("roles/a", WINDOW)], true)
        .map_err(|refused| {
            assert_eq!(*policy, before);
            refused.to_string()
        })
}

#[test]
fn fault_6_principals_count_as_often_as_they_appear() {
    let twice = members("user", 749);
    let mut policy = policy(json!([
        {"role": "roles/x", "members": twice}, {"role": "roles/y", "members": twice}]));
    policy.rest.insert("auditConfigs".to_owned(), json!([
        {"service": "allServices", "auditLogConfigs": [
            {"logType": "DATA_READ", "exemptedMembers": ["user:m1@example.com"]}, {"logType": "DATA_WRITE"}]}]));
    assert_eq!(add(&mut policy).unwrap().added, 1, "1,500 are allowed");

    let more = GrantBinding {
        title: title(OTHER_UID),
        ..granted("roles/a", WINDOW)
    };
    let refused = policy
        .add(std::slice::from_ref(&more), true)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("1,501 principals") && refused.contains("1,500"),
        "{refused}"
    );
    assert!(refused.contains("projects/web-prod"), "{refused}");
    // What is there already, and what takes an altered one's place, needs no room.
    assert!(!add(&mut policy).unwrap().changed());
    let replacing = policy.add(&[granted("roles/a", "true")], true).unwrap();
    assert_eq!(
        replacing,
        Added {
            added: 1,
            replaced: 1,
            altered: 0
        }
    );
}

#[test]
fn fault_6_principals_of_unreadable_bindings_count_too() {
    let mut policy = policy(json!([{"role": 7, "members": members("user", 1_500)}]));
    assert!(add(&mut policy).unwrap_err().contains("1,501 principals"));
}

#[test]
fn fault_6_groups_count_once_and_domains_each_time() {
    let groups = members("group", 249);
    let capitals: Vec<String> = groups
        .iter()
        .map(|group| {
            group
                .replace("m", "M")
                .replace("exaMple.coM", "example.com")
        })
        .collect();
    let mut policy = policy(json!([
        {"role": "roles/x", "members": groups}, {"role": "roles/y", "members": capitals},
        {"role": "roles/x", "members": ["domain:example.com"]}]));
    assert_eq!(add(&mut policy).unwrap().added, 1, "250 are allowed");
    let more: Binding =
        serde_json::from_value(standing("roles/z", &["domain:example.com"])).unwrap();
    policy.entries.push(more.into());
    policy.remove(UID, ALICE);
    let refused = add(&mut policy).unwrap_err();
    assert!(
        refused.contains("251 groups and domains") && refused.contains("250"),
        "{refused}"
    );
}

#[test]
fn fault_6_conditions_of_one_role_and_person() {
    let conditional = |number: usize| {
        json!({"role": "roles/a", "members": ["user:ALICE@example.com"],
        "condition": {"title": format!("t{number}"), "expression": "true"}})
    };
    let mut all: Vec<Value> = (0..19).map(conditional).collect();
    all.push(standing("roles/a", &[ALICE]));
    all.push(json!({"role": "roles/b", "members": [ALICE], "condition": {"expression": "true"}}));
    let mut policy = policy(json!(all));
    assert_eq!(add(&mut policy).unwrap().added, 1, "20 are allowed");

    let other = GrantBinding {
        title: title(OTHER_UID),
        ..granted("roles/a", WINDOW)
    };
    let refused = policy
        .add(std::slice::from_ref(&other), true)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("21 bindings of roles/a") && refused.contains("allows 20"),
        "{refused}"
    );
    assert!(refused.contains(ALICE), "{refused}");
    // Another person and another role have room.
    let bob = GrantBinding {
        member: "user:bob@example.com".to_owned(),
        ..other.clone()
    };
    let role = GrantBinding {
        role: "roles/b".to_owned(),
        ..other
    };
    assert_eq!(policy.add(&[bob, role], true).unwrap().added, 2);
}
