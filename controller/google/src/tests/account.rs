//! Application Default Credentials, with a token service of the test's own.

use std::time::Duration;

use google_cloud_auth::credentials::user_account;
use serde_json::{Value, json};

use super::{
    fake_google::{FakeGoogle, Reply},
    impatient, limits, settings,
};
use crate::{Google, Kind, Limits, credentials::Account, install_crypto_provider};

fn authorized_user(token_service: &FakeGoogle) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh",
        "token_uri": token_service.url() + "/token"
    })
}

fn token(token: &str) -> Reply {
    Reply::json(json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
}

/// A client of `api` that gets its tokens from `token_service`.
async fn google(api: &FakeGoogle, token_service: &FakeGoogle, limits: Limits) -> Google {
    install_crypto_provider();
    let json = authorized_user(token_service);
    let build = move || user_account::Builder::new(json.clone()).build();
    let account = Account::renewable(&limits, build).expect("an account");
    let settings = crate::Settings {
        limits,
        ..settings(api.url())
    };
    Google::with_account(&settings, account)
        .await
        .expect("a client")
}

async fn api() -> FakeGoogle {
    FakeGoogle::start(|_, request| match request.method.as_str() {
        "GET" => Reply::json(json!({"memberships": []})),
        _ => Reply::json(json!({"etag": "AA=="})),
    })
    .await
}

#[tokio::test]
async fn all_calls_share_one_token() {
    let (api, tokens) = (api().await, FakeGoogle::answering(token("ya29.one")).await);
    let google = google(&api, &tokens, limits()).await;
    google.get_policy("projects/web").await.expect("a policy");
    google.get_policy("folders/1").await.expect("a policy");
    google.groups_of("alice@example.com").await.expect("groups");
    for call in api.calls() {
        assert_eq!(
            call.header("authorization"),
            Some("Bearer ya29.one"),
            "{}",
            call.target
        );
    }
    assert_eq!((api.calls().len(), tokens.calls().len()), (3, 1));
}

#[tokio::test]
async fn credentials_that_failed_for_good_are_built_anew() {
    let tokens = FakeGoogle::start(|n, _| match n {
        0 => Reply::Answer(
            401,
            vec![],
            r#"{"error": "invalid_grant", "error_description": "Account disabled"}"#.to_owned(),
        ),
        _ => token("ya29.two"),
    })
    .await;
    let api = api().await;
    // The first renewal is free, so nobody notices.
    let google = google(&api, &tokens, limits()).await;
    google.get_policy("projects/web").await.expect("a policy");
    assert_eq!(
        api.calls()[0].header("authorization"),
        Some("Bearer ya29.two")
    );
}

#[tokio::test]
async fn renewals_keep_a_distance() {
    let tokens = FakeGoogle::start(|n, _| match n {
        0..=2 => Reply::Answer(
            401,
            vec![],
            r#"{"error": "invalid_grant", "error_description": "Account disabled"}"#.to_owned(),
        ),
        _ => token("ya29.four"),
    })
    .await;
    let api = api().await;
    let every = Duration::from_millis(1500);
    let limits = Limits {
        renew_credentials_every: every,
        ..limits()
    };
    let google = google(&api, &tokens, limits).await;
    for _ in 0..5 {
        let error = google
            .get_policy("projects/web")
            .await
            .expect_err("no token");
        assert_eq!(
            (
                error.kind,
                error.is_transient(),
                error.may_have_been_committed
            ),
            (Kind::Credentials, true, false)
        );
        assert!(
            error
                .message
                .starts_with("There is no access token to read the IAM policy of projects/web: "),
            "{error}"
        );
        assert!(error.message.contains("Account disabled"), "{error}");
        assert!(
            error
                .message
                .contains("Right would be a Kubernetes service account with Workload Identity"),
            "{error}"
        );
        assert!(
            !error.message.contains("s3cret") && !error.message.contains("r3fresh"),
            "{error}"
        );
        let error = google
            .groups_of("alice@example.com")
            .await
            .expect_err("no token");
        assert_eq!(error.kind, Kind::Credentials);
    }
    assert_eq!((tokens.calls().len(), api.calls().len()), (2, 0));
    tokio::time::sleep(every).await;
    google
        .get_policy("projects/web")
        .await
        .expect_err("the third refusal");
    tokio::time::sleep(every).await;
    google.get_policy("projects/web").await.expect("a policy");
    assert_eq!((tokens.calls().len(), api.calls().len()), (4, 1));
}

#[tokio::test]
async fn a_silent_token_service_blocks_nobody_for_ever() {
    let tokens = FakeGoogle::start(|n, _| {
        if n == 0 {
            Reply::Hang
        } else {
            token("ya29.two")
        }
    })
    .await;
    let api = api().await;
    let google = google(&api, &tokens, impatient()).await;
    google.get_policy("projects/web").await.expect("a policy");
    assert_eq!(
        api.calls()[0].header("authorization"),
        Some("Bearer ya29.two")
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced() {
    let tokens = FakeGoogle::start(|n, _| token(&format!("ya29.{n}"))).await;
    let api = FakeGoogle::start(|_, request| match request.header("authorization") {
        Some("Bearer ya29.0") => Reply::error(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials: ya29.0",
        ),
        _ => Reply::json(json!({"etag": "AA=="})),
    })
    .await;
    let google = google(&api, &tokens, limits()).await;
    let error = google
        .get_policy("projects/web")
        .await
        .expect_err("refused");
    assert_eq!(error.kind, Kind::Credentials);
    assert!(
        error.message.contains("it does not accept our credentials"),
        "{error}"
    );
    assert!(
        !format!("{error:?} {google:?}").contains("ya29."),
        "a token in a text"
    );
    google.get_policy("projects/web").await.expect("a policy");
}

/// The two calls of the tests below, made in a process of their own: the environment says who it is.
const CHILD_ENDPOINT: &str = "JIT_ACCESS_TEST_ENDPOINT";

async fn call_as_child(endpoint: String) {
    install_crypto_provider();
    let account = match Account::application_default(&limits()) {
        Ok(account) => account,
        Err(error) => return println!("{error}"),
    };
    let google = Google::with_account(&settings(endpoint), account)
        .await
        .expect("a client");
    google.get_policy("projects/web").await.expect("a policy");
    google.groups_of("alice@example.com").await.expect("groups");
}

/// Runs the test `name` again, in a process with this environment and no other credentials; gives back its output.
async fn child(name: &str, api: &FakeGoogle, environment: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let output = tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env_remove("GOOGLE_APPLICATION_CREDENTIALS")
        .env("HOME", home.path())
        .envs(environment.iter().copied())
        .env(CHILD_ENDPOINT, api.url())
        .output()
        .await
        .expect("the test's output");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn a_credentials_file() {
    if let Ok(endpoint) = std::env::var(CHILD_ENDPOINT) {
        return call_as_child(endpoint).await;
    }
    let (api, tokens) = (api().await, FakeGoogle::answering(token("ya29.adc")).await);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credentials.json");
    let run = async |json: &str| {
        std::fs::write(&file, json).expect("a file");
        let path = file.to_str().expect("a path in UTF-8");
        let environment = [
            ("GOOGLE_APPLICATION_CREDENTIALS", path),
            ("GOOGLE_CLOUD_QUOTA_PROJECT", "billing"),
        ];
        child("tests::account::a_credentials_file", &api, &environment).await
    };

    let output = run(&authorized_user(&tokens).to_string()).await;
    assert!(output.contains("1 passed"), "{output}");
    assert_eq!(api.calls().len(), 2, "{output}");
    for call in api.calls() {
        assert_eq!(
            call.header("authorization"),
            Some("Bearer ya29.adc"),
            "{}",
            call.target
        );
        assert_eq!(
            call.header("x-goog-user-project"),
            Some("billing"),
            "{}",
            call.target
        );
    }
    assert!(
        tokens.calls()[0]
            .body
            .contains("https://www.googleapis.com/auth/cloud-platform")
    );

    let output = run("{").await;
    assert!(
        output.contains("The Google credentials cannot be used: "),
        "{output}"
    );
    assert!(
        output.contains("or a credentials file named by GOOGLE_APPLICATION_CREDENTIALS."),
        "{output}"
    );
    assert_eq!(api.calls().len(), 2, "{output}");
}

/// What Workload Identity on GKE is to a program.
#[tokio::test]
async fn the_metadata_server() {
    if let Ok(endpoint) = std::env::var(CHILD_ENDPOINT) {
        return call_as_child(endpoint).await;
    }
    let api = api().await;
    let metadata = FakeGoogle::start(|_, request| match request.path() {
        _ if request.header("metadata-flavor") != Some("Google") => {
            Reply::Answer(403, vec![], String::new())
        }
        "/computeMetadata/v1/instance/service-accounts/default/token" => token("ya29.gke"),
        "/computeMetadata/v1/universe/universe-domain" => {
            Reply::Answer(200, vec![], "googleapis.com".to_owned())
        }
        _ => Reply::Answer(404, vec![], String::new()),
    })
    .await;
    let host = metadata.url().replace("http://", "");
    let output = child(
        "tests::account::the_metadata_server",
        &api,
        &[("GCE_METADATA_HOST", &host)],
    )
    .await;
    assert!(output.contains("1 passed"), "{output}");
    for call in api.calls() {
        assert_eq!(
            call.header("authorization"),
            Some("Bearer ya29.gke"),
            "{}",
            call.target
        );
    }
    assert_eq!(api.calls().len(), 2, "{output}");
    let mut asked: Vec<_> = metadata
        .calls()
        .iter()
        .map(|call| call.path().to_owned())
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "/computeMetadata/v1/instance/service-accounts/default/token",
            "/computeMetadata/v1/universe/universe-domain"
        ]
    );
    let scopes = metadata
        .calls()
        .iter()
        .find_map(|call| call.parameter("scopes"));
    assert_eq!(
        scopes.as_deref(),
        Some("https://www.googleapis.com/auth/cloud-platform")
    );
}
