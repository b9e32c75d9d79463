//! What all calls share: the account, the limit on calls in flight, and the repetition of reads.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::Instant};

use crate::{
    credentials::Account,
    error::{Error, Kind},
    foreign_text::chain,
    settings::{Limits, Settings},
};

/// The longest pause that is our own choice, whatever the number of attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) account: Account,
    pub(crate) limits: Limits,
    pub(crate) user_agent: String,
    in_flight: Arc<Semaphore>,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, account: Account) -> Self {
        Connection {
            account,
            limits: settings.limits.clone(),
            user_agent: settings.user_agent(),
            in_flight: Arc::new(Semaphore::new(settings.limits.in_flight.max(1))),
        }
    }

    /// A client for what has no official crate.
    pub(crate) fn http_client(&self) -> Result<reqwest::Client, Error> {
        reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.limits.connect_timeout)
            .timeout(self.limits.read_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                let why = chain(&error);
                Error::new(
                    Kind::Other,
                    format!("The HTTP client for Google's APIs cannot be built: {why}."),
                )
            })
    }

    /// Makes a call until it succeeds, fails in a way that a repetition does not cure, or the limits are reached;
    /// then gives back the last failure.
    pub(crate) async fn read<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut started = None;
        let mut made = 0;
        loop {
            let result = self
                .once(async {
                    // The wait for a free place does not count.
                    started.get_or_insert_with(Instant::now);
                    attempt().await
                })
                .await;
            made += 1;
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if made >= self.limits.attempts || !error.is_worth_another_read() {
                return Err(error);
            }
            let pause = self.pause_after(made, &error);
            let elapsed = started.map_or(Duration::ZERO, |at| at.elapsed());
            if elapsed.saturating_add(pause) > self.limits.repeat_within {
                return Err(error);
            }
            tracing::debug!(error = %error, attempt = made, ?pause, "repeating a read from Google");
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes a call once.
    pub(crate) async fn once<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // The semaphore is never closed, so there is always a permit in the end.
        let _permit = self.in_flight.acquire().await.ok();
        let result = call.await;
        if let Err(Error {
            kind: Kind::Credentials,
            ..
        }) = &result
        {
            self.account.token_was_refused();
        }
        result
    }

    /// What Google asks for, and a random part of what doubles with each attempt on top.
    fn pause_after(&self, attempts: u32, error: &Error) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts - 1);
        let longest = self
            .limits
            .first_pause
            .saturating_mul(doubled)
            .min(MAX_PAUSE);
        let random = longest.mul_f64(rand::random_range(0.0..=1.0));
        error.retry_after.unwrap_or_default().saturating_add(random)
    }
}
