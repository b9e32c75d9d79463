//! Accepted and refused requests, each of the latter with the words it must be refused with.

use anyhow::{Result, ensure};
use jit_access_tests::kubectl::Kubectl;
use jit_access_tests::request::Request;
use serde_json::{Value, json};

use super::request;

const REQUESTER: &str =
    "must be the e-mail address of a Google account in lower case, such as alice@example.com";
const RESOURCE: &str = "must be projects/PROJECT_ID, folders/NUMBER or organizations/NUMBER";
const ROLE: &str = "each role must be roles/NAME, projects/PROJECT_ID/roles/NAME or organizations/NUMBER/roles/NAME";
const JUSTIFICATION: &str = "must not contain control characters other than newline and tab, nor invisible ones or such that change the direction of text";
const DURATION: &str =
    "must be hours, minutes and seconds such as 30m or 1h30m, and more than zero";
const REVIEWER: &str =
    "each reviewer must be the e-mail address of a person's Google account in lower case";
const START: &str = "must be a time in UTC and whole seconds such as 2026-11-23T20:00:00Z";
const CONDITION: &str = "must be one line without control characters";

/// Field and value of requests that are accepted.
fn accepted() -> Vec<(&'static str, Value)> {
    let longest_address = format!(
        "{}@{}.example.com",
        "a".repeat(64),
        "b".repeat(254 - 64 - 13)
    );
    let ten = |name: fn(usize) -> String| (0..10).map(name).collect::<Vec<_>>();
    vec![
        ("requester", json!("o'neil+jit%x_y.z@mail-1.example.co.uk")),
        ("requester", json!(longest_address)),
        ("resource", json!("projects/a12345")),
        ("resource", json!("projects/example.com:web-prod")),
        ("resource", json!(format!("projects/a{}", "b".repeat(29)))),
        ("resource", json!("folders/123456789012")),
        ("resource", json!("organizations/1")),
        (
            "roles",
            json!([
                "roles/compute.instanceAdmin.v1",
                "projects/web-prod/roles/web_Deployer",
                "organizations/1/roles/reader"
            ]),
        ),
        ("roles", json!(ten(|number| format!("roles/r{number}")))),
        ("justification", json!("x")),
        (
            "justification",
            json!("INC-4711:\tdisk full\n\"web-1\" \\ ' é 磁盘 🙂"),
        ),
        ("justification", json!("é".repeat(1000))),
        ("duration", Value::Null),
        ("duration", json!("1h30m")),
        ("duration", json!("90s")),
        ("duration", json!("9999h")),
        ("reviewers", json!(["bob@example.com"])),
        (
            "reviewers",
            json!(ten(|number| format!("r{number}@example.com"))),
        ),
        ("startTime", json!("2026-11-23T20:00:00Z")),
        ("startTime", json!("2096-02-29T23:59:59Z")),
        (
            "condition",
            json!("resource.name.startsWith(\"projects/web-prod/zones/europe-west1-b\")"),
        ),
        ("condition", json!("x".repeat(1000))),
    ]
}

/// Field and value of requests that are refused, and the words of the refusal.
fn refused() -> Vec<(&'static str, Value, &'static str)> {
    let many = |count: usize, name: fn(usize) -> String| (0..count).map(name).collect::<Vec<_>>();
    vec![
        ("requester", Value::Null, "spec.requester: Required value"),
        ("requester", json!(""), REQUESTER),
        ("requester", json!("alice"), REQUESTER),
        ("requester", json!("alice@localhost"), REQUESTER),
        ("requester", json!("Alice@example.com"), REQUESTER),
        ("requester", json!("user:alice@example.com"), REQUESTER),
        (
            "requester",
            json!("deleted:user:alice@example.com?uid=1"),
            REQUESTER,
        ),
        ("requester", json!("group:team@example.com"), REQUESTER),
        ("requester", json!("alice@example.com\n"), REQUESTER),
        (
            "requester",
            json!("alice@example.com,bob@example.com"),
            REQUESTER,
        ),
        ("requester", json!("älice@example.com"), REQUESTER),
        (
            "requester",
            json!("system:serviceaccount:default:robot"),
            REQUESTER,
        ),
        (
            "requester",
            json!("robot@web-prod.iam.gserviceaccount.com"),
            "a service account cannot ask for access: name a person's account",
        ),
        (
            "requester",
            json!(format!("{}@example.com", "a".repeat(243))),
            "spec.requester: Too long: may not be more than 254 bytes",
        ),
        ("resource", Value::Null, "spec.resource: Required value"),
        ("resource", json!("web-prod"), RESOURCE),
        ("resource", json!("projects/12345678"), RESOURCE),
        ("resource", json!("projects/Web-prod"), RESOURCE),
        ("resource", json!("projects/short"), RESOURCE),
        ("resource", json!("projects/web-prod-"), RESOURCE),
        ("resource", json!("projects/web-prod/zones/a"), RESOURCE),
        (
            "resource",
            json!("//cloudresourcemanager.googleapis.com/projects/web-prod"),
            RESOURCE,
        ),
        ("resource", json!("folders/production"), RESOURCE),
        ("resource", json!("folders/010"), RESOURCE),
        ("resource", json!("organizations/01"), RESOURCE),
        ("resource", json!("organizations/1\n"), RESOURCE),
        (
            "resource",
            json!("organizations/123456789012345678901"),
            RESOURCE,
        ),
        (
            "resource",
            json!(format!("projects/{}", "a".repeat(100))),
            "spec.resource: Too long: may not be more than 100 bytes",
        ),
        ("roles", Value::Null, "spec.roles: Required value"),
        (
            "roles",
            json!([]),
            "spec.roles: Invalid value: 0: spec.roles in body should have at least 1 items",
        ),
        (
            "roles",
            json!(many(11, |number| format!("roles/r{number}"))),
            "spec.roles: Too many: 11: must have at most 10 items",
        ),
        (
            "roles",
            json!(["roles/viewer", "roles/viewer"]),
            "spec.roles[1]: Duplicate value: \"roles/viewer\"",
        ),
        ("roles", json!(["viewer"]), ROLE),
        ("roles", json!(["roles/viewer", "roles/"]), ROLE),
        ("roles", json!(["roles/viewer roles/editor"]), ROLE),
        ("roles", json!(["roles/viewer_withcond_\n"]), ROLE),
        ("roles", json!(["folders/1/roles/reader"]), ROLE),
        (
            "roles",
            json!([format!("roles/{}", "a".repeat(195))]),
            "spec.roles[0]: Too long: may not be more than 200 bytes",
        ),
        (
            "justification",
            Value::Null,
            "spec.justification: Required value",
        ),
        (
            "justification",
            json!(""),
            "spec.justification: Invalid value: \"\": spec.justification in body should be at least 1 chars long",
        ),
        (
            "justification",
            json!("x".repeat(1001)),
            "spec.justification: Too long: may not be more than 1000 bytes",
        ),
        ("justification", json!("bell \u{7}"), JUSTIFICATION),
        ("justification", json!("return \r"), JUSTIFICATION),
        ("justification", json!("delete \u{7f}"), JUSTIFICATION),
        ("justification", json!("escape \u{1b}[31m"), JUSTIFICATION),
        (
            "justification",
            json!("right to left \u{202e}"),
            JUSTIFICATION,
        ),
        ("justification", json!("isolated \u{2066}"), JUSTIFICATION),
        ("justification", json!("zero width \u{200b}"), JUSTIFICATION),
        ("justification", json!("byte order \u{feff}"), JUSTIFICATION),
        ("justification", json!("soft hyphen \u{ad}"), JUSTIFICATION),
        ("justification", json!("tag \u{e0041}"), JUSTIFICATION),
        ("duration", json!(""), DURATION),
        ("duration", json!("1d"), DURATION),
        ("duration", json!("30"), DURATION),
        ("duration", json!("-5m"), DURATION),
        ("duration", json!("0h0m0s"), DURATION),
        ("duration", json!("1h 30m"), DURATION),
        ("duration", json!("30m1h"), DURATION),
        ("duration", json!("1.5h"), DURATION),
        ("duration", json!("10000h"), DURATION),
        ("duration", json!("9999999999999999999m"), DURATION),
        ("duration", json!("999999999999999999999m"), DURATION),
        (
            "duration",
            json!("9".repeat(65)),
            "spec.duration: Too long: may not be more than 64 bytes",
        ),
        (
            "reviewers",
            json!([]),
            "spec.reviewers: Invalid value: 0: spec.reviewers in body should have at least 1 items",
        ),
        (
            "reviewers",
            json!(many(11, |number| format!("r{number}@example.com"))),
            "spec.reviewers: Too many: 11: must have at most 10 items",
        ),
        (
            "reviewers",
            json!(["bob@example.com", "bob@example.com"]),
            "spec.reviewers[1]: Duplicate value: \"bob@example.com\"",
        ),
        ("reviewers", json!(["Bob@example.com"]), REVIEWER),
        (
            "reviewers",
            json!(["bob@example.com", "robot@web-prod.iam.gserviceaccount.com"]),
            REVIEWER,
        ),
        (
            "reviewers",
            json!(["bob@example.com", "alice@example.com"]),
            "nobody approves their own request: name somebody else as reviewer",
        ),
        ("startTime", json!("tomorrow"), START),
        ("startTime", json!("2026-11-23"), START),
        ("startTime", json!("2026-11-23T20:00:00"), START),
        ("startTime", json!("2026-11-23t20:00:00z"), START),
        (
            "startTime",
            json!("9".repeat(65)),
            "spec.startTime: Too long: may not be more than 64 bytes",
        ),
        ("startTime", json!("2026-11-23T20:00+01Z"), START),
        ("startTime", json!("2026-11-23T20:00:00.5Z"), START),
        ("startTime", json!("2026-11-23T20:00:00+00:00"), START),
        ("startTime", json!("1999-11-23T20:00:00Z"), START),
        (
            "condition",
            json!(""),
            "spec.condition: Invalid value: \"\": spec.condition in body should be at least 1 chars long",
        ),
        ("condition", json!("true\n|| true"), CONDITION),
        ("condition", json!("true\r"), CONDITION),
        ("condition", json!("a == '\u{202e}'"), CONDITION),
        ("condition", json!("a == '\u{e0041}'"), CONDITION),
        (
            "condition",
            json!("x".repeat(1001)),
            "spec.condition: Too long: may not be more than 1000 bytes",
        ),
        (
            "conditions",
            json!("true"),
            "unknown field \"spec.conditions\"",
        ),
        (
            "roles",
            json!("roles/viewer"),
            "spec.roles: Invalid value: \"string\": spec.roles in body must be of type array: \"string\"",
        ),
        (
            "duration",
            json!(30),
            "spec.duration: Invalid value: \"integer\": spec.duration in body must be of type string: \"integer\"",
        ),
        // It has the right form.
        ("startTime", json!("2026-02-30T20:00:00Z"), START),
    ]
}

/// Applies all examples as a person and compares what kubectl says about each.
pub async fn check(kubectl: &Kubectl) -> Result<()> {
    let good: Vec<String> = accepted()
        .into_iter()
        .enumerate()
        .map(|(number, (field, value))| {
            request(&format!("good-{number}"))
                .field(field, value)
                .to_string()
        })
        .collect();
    let printed = kubectl.apply(good.join("\n---\n")).await?.success()?;
    assert_eq!(printed.matches(" created").count(), good.len(), "{printed}");

    let bad: Vec<(Request, &str)> = refused()
        .into_iter()
        .enumerate()
        .map(|(number, (field, value, words))| {
            (
                request(&format!("bad-{number}-x")).field(field, value),
                words,
            )
        })
        .collect();
    let documents: Vec<String> = bad.iter().map(|(request, _)| request.to_string()).collect();
    let printed = kubectl
        .apply(documents.join(
            "
---
",
        ))
        .await?;
    assert_eq!(printed.stdout, "", "one of the bad requests was accepted");
    let refusal = printed.refusal()?;
    let sentences: Vec<&str> = refusal.lines().collect();
    assert_eq!(sentences.len(), bad.len(), "one line for each");
    for ((request, words), sentence) in bad.iter().zip(sentences) {
        ensure!(
            sentence.contains(words),
            "expected {words:?} for {request}, but read: {sentence}"
        );
    }
    Ok(())
}
