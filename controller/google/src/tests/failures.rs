//! Each way in which a call can fail: its sentence, and how often it was made.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jit_access_core::iam_policy::Policy;
use serde_json::json;

use super::{
    fake_google::{FakeGoogle, Reply},
    google, google_within, impatient, limits, settings,
};
use crate::{Error, Google, Kind, Limits};

fn policy() -> Policy {
    serde_json::from_value(json!({"version": 3, "etag": "AA=="})).expect("a policy")
}

/// A client, and a Google that gives each call the answer set last.
struct Bench {
    reply: Arc<Mutex<Reply>>,
    fake: FakeGoogle,
    google: Google,
}

impl Bench {
    async fn new() -> Self {
        Self::within(limits()).await
    }

    async fn within(limits: Limits) -> Self {
        let reply = Arc::new(Mutex::new(Reply::Cut));
        let answer = reply.clone();
        let fake =
            FakeGoogle::start(move |_, _| answer.lock().expect("not poisoned").clone()).await;
        Bench {
            google: google_within(&fake, limits).await,
            reply,
            fake,
        }
    }

    /// The failure of a read that is always answered so, and how many calls it took.
    async fn read(&self, reply: &Reply) -> (Error, usize) {
        *self.reply.lock().expect("not poisoned") = reply.clone();
        let before = self.fake.calls().len();
        let error = self
            .google
            .get_policy("projects/web")
            .await
            .expect_err("a failure");
        (error, self.fake.calls().len() - before)
    }

    /// The same for a write.
    async fn write(&self, reply: &Reply) -> (Error, usize) {
        *self.reply.lock().expect("not poisoned") = reply.clone();
        let before = self.fake.calls().len();
        let result = self
            .google
            .set_policy("projects/web", &policy(), "why")
            .await;
        (
            result.expect_err("a failure"),
            self.fake.calls().len() - before,
        )
    }
}

#[tokio::test]
async fn a_missing_permission_names_both_causes() {
    let bench = Bench::new().await;
    let reply = Reply::error(
        403,
        "PERMISSION_DENIED",
        "The caller does not have permission",
    );
    let (error, calls) = bench.read(&reply).await;
    assert_eq!(
        (error.kind, error.is_transient(), calls),
        (Kind::Denied, false, 1)
    );
    assert_eq!(
        error.to_string(),
        "Google refused to read the IAM policy of projects/web: either our service account lacks the permission \
         resourcemanager.projects.getIamPolicy on projects/web (roles/iam.securityReviewer has it), or projects/web does \
         not exist, which Google answers alike. Google said: \"The caller does not have permission\"."
    );
    let (error, calls) = bench.write(&reply).await;
    assert_eq!(
        (error.kind, error.may_have_been_committed, calls),
        (Kind::Denied, false, 1)
    );
    assert_eq!(
        error.to_string(),
        "Google refused to replace the IAM policy of projects/web: either our service account lacks the permission \
         resourcemanager.projects.setIamPolicy on projects/web (roles/resourcemanager.projectIamAdmin has it), or a \
         condition on its own role excludes a role that this write touches, or projects/web does not exist, which \
         Google answers alike. Google said: \"The caller does not have permission\"."
    );
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    let bench = Bench::new().await;
    for (http, word, kind, sentence) in [
        (400, "INVALID_ARGUMENT", Kind::Invalid, " is invalid."),
        (
            401,
            "UNAUTHENTICATED",
            Kind::Credentials,
            "it does not accept our credentials",
        ),
        (
            404,
            "NOT_FOUND",
            Kind::Missing,
            "it knows no projects/web; check the name",
        ),
        (
            409,
            "ABORTED",
            Kind::Conflict,
            "it must be read again first",
        ),
        (
            412,
            "FAILED_PRECONDITION",
            Kind::Conflict,
            "it must be read again first",
        ),
        (
            413,
            "INVALID_ARGUMENT",
            Kind::TooLarge,
            "the request is too large",
        ),
    ] {
        let reply = Reply::error(http, word, "No\u{0}\nway.");
        for (error, calls) in [bench.read(&reply).await, bench.write(&reply).await] {
            assert_eq!(
                (error.kind, error.may_have_been_committed, calls),
                (kind, false, 1),
                "{http}"
            );
            assert!(error.message.contains(sentence), "{error}");
            assert!(
                error.message.ends_with(" Google said: \"No way\"."),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn an_outage_is_repeated_for_reads_alone() {
    let bench = Bench::new().await;
    for http in [500, 502, 503, 504] {
        let reply = Reply::Answer(http, vec![], "<html>broken</html>".to_owned());
        let (error, calls) = bench.read(&reply).await;
        assert_eq!(
            (error.kind, error.is_transient(), calls),
            (Kind::Unavailable, true, 4),
            "{http}"
        );
        assert_eq!(
            error.to_string(),
            format!(
                "Google could not read the IAM policy of projects/web for now (HTTP {http}); later it may work. Google \
                 said: \"<html>broken</html>\"."
            )
        );
        let (error, calls) = bench.write(&reply).await;
        assert_eq!(
            (error.kind, error.may_have_been_committed, calls),
            (Kind::Unavailable, true, 1),
            "{http}"
        );
        assert!(
            error.message.ends_with("Whether it was done is not known."),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_read_goes_on_after_a_failure() {
    for failure in [
        Reply::error(503, "UNAVAILABLE", "busy"),
        Reply::error(500, "INTERNAL", "oops"),
        Reply::error(429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
        Reply::Cut,
        Reply::Hang,
        Reply::HangInBody,
        Reply::Truncated(json!({"etag": "AA=="}).to_string()),
    ] {
        let name = format!("{failure:?}");
        let fake = FakeGoogle::start(move |n, _| match n {
            0 => failure.clone(),
            _ => Reply::json(json!({"etag": "AA=="})),
        })
        .await;
        let policy = google_within(&fake, impatient())
            .await
            .get_policy("projects/web")
            .await
            .expect(&name);
        assert_eq!(policy.etag.as_deref(), Some("AA=="), "{name}");
        assert_eq!(fake.calls().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_quota_is_waited_for_if_there_is_time() {
    let bench = Bench::new().await;
    let exceeded =
        |wait| Reply::error(429, "RESOURCE_EXHAUSTED", "Quota exceeded").with_header(wait);
    let fake = FakeGoogle::start(move |n, _| match n {
        0 => exceeded("Retry-After: 1"),
        _ => Reply::json(json!({"etag": "AA=="})),
    })
    .await;
    let start = Instant::now();
    google(&fake)
        .await
        .get_policy("projects/web")
        .await
        .expect("a policy");
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(fake.calls().len(), 2);

    // A minute is more than a read may take, so the caller is told at once.
    let (error, calls) = bench.read(&exceeded("Retry-After: 60")).await;
    assert_eq!((error.kind, calls), (Kind::Quota, 1));
    assert_eq!(error.retry_after, Some(Duration::from_secs(60)));
    assert_eq!(
        error.to_string(),
        "Google refused to read the IAM policy of projects/web: a quota is used up; it asks to wait 60 s. Google said: \
         \"Quota exceeded\"."
    );
    let (error, calls) = bench.write(&exceeded("Retry-After: 0")).await;
    assert_eq!(
        (error.kind, error.may_have_been_committed, calls),
        (Kind::Quota, false, 1)
    );
}

#[tokio::test]
async fn no_answer_is_a_timeout() {
    let bench = Bench::within(impatient()).await;
    for reply in [Reply::Hang, Reply::HangInBody] {
        let host = bench.fake.url().replace("http://", "");
        let (error, calls) = bench.read(&reply).await;
        assert_eq!(
            (error.kind, error.is_transient(), calls),
            (Kind::Timeout, true, 4)
        );
        assert_eq!(
            error.to_string(),
            format!(
                "{host} did not answer within 0.5 s when asked to read the IAM policy of projects/web."
            )
        );
        let (error, calls) = bench.write(&reply).await;
        assert_eq!(
            (error.kind, error.may_have_been_committed, calls),
            (Kind::Timeout, true, 1)
        );
        assert!(
            error.message.ends_with("Whether it was done is not known."),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_broken_connection_is_a_network_fault() {
    let bench = Bench::new().await;
    let (error, calls) = bench.read(&Reply::Cut).await;
    assert_eq!(
        (error.kind, error.may_have_been_committed, calls),
        (Kind::Network, false, 4)
    );
    assert!(
        error.message.starts_with("The connection to 127.0.0.1:"),
        "{error}"
    );
    assert!(
        error
            .message
            .contains(" broke when it was asked to read the IAM policy of projects/web: "),
        "{error}"
    );
    let (error, calls) = bench.write(&Reply::Cut).await;
    assert_eq!(
        (error.kind, error.may_have_been_committed, calls),
        (Kind::Network, true, 1)
    );
}

#[tokio::test]
async fn nobody_there_is_a_network_fault_and_nothing_was_done() {
    let google = Google::connect(&settings("http://127.0.0.1:1".to_owned()))
        .await
        .expect("a client");
    let policy = policy();
    for error in [
        google
            .get_policy("projects/web")
            .await
            .expect_err("refused"),
        google
            .set_policy("projects/web", &policy, "why")
            .await
            .expect_err("refused"),
        google
            .groups_of("alice@example.com")
            .await
            .map(|_| policy)
            .expect_err("refused"),
    ] {
        assert_eq!(
            (error.kind, error.may_have_been_committed),
            (Kind::Network, false)
        );
        assert!(
            error
                .message
                .starts_with("127.0.0.1:1 could not be reached to "),
            "{error}"
        );
        assert!(error.message.contains("Connection refused"), "{error}");
    }
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let bench = Bench::new().await;
    let whole = json!({"version": 3, "etag": "AA==", "bindings": []}).to_string();
    for reply in [
        Reply::Truncated(whole),
        Reply::Answer(200, vec![], r#"{"version": 3, "etag": "AA=="#.to_owned()),
        Reply::Answer(200, vec![], String::new()),
        Reply::Answer(200, vec![], "[]".to_owned()),
        Reply::Answer(200, vec![], "<html>a proxy</html>".to_owned()),
        Reply::Answer(200, vec![], r#"{"etag": "-_-_"}"#.to_owned()),
        Reply::Answer(200, vec![], r#"{"bindings": "ya29.secret"}"#.to_owned()),
    ] {
        let name = format!("{reply:?}");
        let (error, calls) = bench.read(&reply).await;
        assert_eq!(
            (error.kind, error.is_transient(), calls),
            (Kind::Malformed, true, 4),
            "{name}"
        );
        assert!(
            error.message.contains("is cut off or malformed: "),
            "{error}"
        );
        assert!(!error.message.contains("secret"), "{error}");
        let (error, calls) = bench.write(&reply).await;
        assert_eq!(
            (error.kind, error.may_have_been_committed, calls),
            (Kind::Malformed, true, 1),
            "{name}"
        );
    }
}

#[tokio::test]
async fn at_most_so_many_calls_are_in_flight() {
    let fake = FakeGoogle::answering(Reply::Hang).await;
    let google = google_within(
        &fake,
        Limits {
            in_flight: 3,
            ..limits()
        },
    )
    .await;
    let calls = futures::future::join_all((0..9).map(|_| google.get_policy("projects/web")));
    let watch = async {
        while fake.calls().len() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Time for a fourth.
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.calls().len()
    };
    tokio::select! {
        _ = calls => panic!("nobody answers"),
        in_flight = watch => assert_eq!(in_flight, 3),
    }
}
