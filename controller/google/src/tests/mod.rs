//! The public interface against a fake Google on a real socket.

mod account;
mod catalogue;
mod failures;
mod fake_google;
mod groups;
mod members;
mod policies;

use std::time::Duration;

use crate::{Google, GroupSource, Limits, Settings};
use fake_google::FakeGoogle;

/// Production's number of attempts with short pauses. The timeouts are out of the way of a slow machine.
fn limits() -> Limits {
    Limits {
        repeat_within: Duration::from_secs(30),
        first_pause: Duration::from_millis(1),
        ..Limits::default()
    }
}

/// For tests in which something does not answer.
fn impatient() -> Limits {
    let timeout = Duration::from_millis(500);
    Limits {
        read_timeout: timeout,
        write_timeout: timeout,
        credentials_timeout: timeout,
        ..limits()
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
    google_within(fake, limits()).await
}

async fn google_within(fake: &FakeGoogle, limits: Limits) -> Google {
    let settings = Settings {
        limits,
        ..settings(fake.url())
    };
    Google::connect(&settings).await.expect("a client")
}
