//! Google's clock, as the `Date` of its answers tells it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header;
use jiff::{SignedDuration, Timestamp};

use crate::{
    connection::Connection,
    error::Error,
    error_details::http_date,
    resource_manager::{OWN_BASE_URL, host_of},
    sentence::{Call, Requirement},
    settings::Settings,
};

/// Where no other answer tells the time, Google is asked for it this often.
const ASKED_EVERY: Duration = Duration::from_secs(60);
/// What was seen longer ago says nothing any more: clocks are set.
const BELIEVED_FOR: Duration = Duration::from_secs(600);

/// Google's clock at an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerClock {
    pub(crate) date: Timestamp,
    /// Google's clock minus ours.
    pub(crate) offset: SignedDuration,
}

impl ServerClock {
    /// By an answer that has just come; `None` if it has no valid `Date`.
    pub(crate) fn of(headers: &header::HeaderMap) -> Option<Self> {
        let date = http_date(headers.get(header::DATE)?.to_str().ok()?)?;
        Some(ServerClock {
            date,
            offset: date.duration_since(Timestamp::now()),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Clock {
    http: reqwest::Client,
    url: String,
    connection: Connection,
    last: Mutex<Option<(Instant, ServerClock)>>,
    /// One asks, the others wait for the answer.
    asking: tokio::sync::Mutex<()>,
}

impl Clock {
    pub(crate) fn new(settings: &Settings, connection: Connection, http: reqwest::Client) -> Self {
        Clock {
            http,
            url: settings.base_url(OWN_BASE_URL),
            connection,
            last: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
        }
    }

    /// Remembers what an answer told.
    pub(crate) fn note(&self, clock: Option<ServerClock>) {
        if let Some(clock) = clock {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), clock));
        }
    }

    /// Google's clock minus ours, if an answer told it lately.
    pub(crate) fn offset(&self) -> Option<SignedDuration> {
        self.seen_within(BELIEVED_FOR).map(|clock| clock.offset)
    }

    /// Asks, unless an answer told it within the last minute. No method of Google is called and no
    /// credentials are sent: any answer has a `Date`. `None` if this one has none that is valid.
    pub(crate) async fn read(&self) -> Result<Option<ServerClock>, Error> {
        let _asking = self.asking.lock().await;
        if let Some(known) = self.seen_within(ASKED_EVERY) {
            return Ok(Some(known));
        }
        let host = host_of(&self.url);
        let call = Call {
            task: "read Google's clock".to_owned(),
            subject: host.clone(),
            host,
            requires: Requirement::Nothing,
            timeout: self.connection.limits.read_timeout,
            writes: false,
        };
        let clock = self
            .connection
            .read(|| async {
                let answer = self.http.head(&self.url).send().await;
                answer
                    .map(|answer| ServerClock::of(answer.headers()))
                    .map_err(|error| call.broke(&error))
            })
            .await?;
        self.note(clock);
        Ok(clock)
    }

    fn seen_within(&self, age: Duration) -> Option<ServerClock> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(seen, _)| seen.elapsed() < age)
            .map(|(_, clock)| clock)
    }
}
