//! The public interface against a fake Google on a real socket.

mod account;
mod failures;
mod fake_google;
mod groups;
mod policies;

use std::time::Duration;

use crate::{Google, GroupSource, Limits, Settings};
use fake_google::FakeGoogle;

/// Limits that let a test end soon, with the production number of attempts.
fn limits() -> Limits {
    Limits {
        read_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(300),
        credentials_timeout: Duration::from_millis(500),
        repeat_within: Duration::from_secs(5),
        first_pause: Duration::from_millis(1),
        ..Limits::default()
    }
}

fn settings(endpoint: String) -> Settings {
    Settings {
        endpoint: Some(endpoint),
        groups: GroupSource::CloudIdentity,
        user_agent: None,
        limits: limits(),
    }
}

async fn google(fake: &FakeGoogle) -> Google {
    Google::connect(&settings(fake.url()))
        .await
        .expect("a client")
}
