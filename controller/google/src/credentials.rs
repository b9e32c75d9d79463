//! Who we are to Google: nobody (with an endpoint of one's own), or Application Default Credentials.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use google_cloud_auth::{
    build_errors,
    credentials::{
        self, CacheableResource, Credentials, CredentialsProvider, EntityTag, anonymous,
    },
    errors::CredentialsError,
};
use http::{Extensions, HeaderMap};
use tokio::sync::OnceCell;

use crate::{
    error::{Error, Kind},
    foreign_text::chain,
    sentence::WHERE_CREDENTIALS_COME_FROM,
    settings::Limits,
};

/// Enough for Resource Manager and for Cloud Identity.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The account that calls are made as.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    credentials: Credentials,
    renewable: Option<Renewable>,
}

impl Account {
    pub(crate) fn anonymous() -> Self {
        Account {
            credentials: anonymous::Builder::new().build(),
            renewable: None,
        }
    }

    pub(crate) fn application_default(limits: &Limits) -> Result<Self, Error> {
        Self::renewable(limits, || {
            credentials::Builder::default().with_scopes([SCOPE]).build()
        })
    }

    /// An account whose credentials `build` makes, again after they failed for good.
    pub(crate) fn renewable(
        limits: &Limits,
        build: impl Fn() -> Result<Credentials, build_errors::Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let renewable = Renewable::new(limits, Box::new(build)).map_err(|error| {
            let why = chain(&error);
            Error::new(
                Kind::Credentials,
                format!(
                    "The Google credentials cannot be used: {why}. {WHERE_CREDENTIALS_COME_FROM}"
                ),
            )
        })?;
        Ok(Account {
            credentials: Credentials::from(renewable.clone()),
            renewable: Some(renewable),
        })
    }

    /// For Google's clients.
    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// What says who we are in a call of our own: `authorization`, `x-goog-user-project`.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, CredentialsError> {
        match self.credentials.headers(Extensions::new()).await? {
            CacheableResource::New { data, .. } => Ok(data),
            // Only said to a caller that names the version it has; none is named here.
            CacheableResource::NotModified => Ok(HeaderMap::new()),
        }
    }

    /// Google did not accept the token: the next call takes a new one.
    pub(crate) fn token_was_refused(&self) {
        if let Some(renewable) = &self.renewable {
            let used = renewable.current().generation;
            let _renewed = renewable.instead_of(used);
        }
    }
}

/// Credentials that are built anew when they have failed for good.
///
/// After an error that google-cloud-auth takes as permanent (401, 403 or 404 from the metadata server or the token
/// service, such as a service account disabled for a minute) its refresh task ends, and the object returns that
/// error for ever. It has no timeout either: a metadata server that never answers blocks it for ever.
#[derive(Clone)]
struct Renewable(Arc<Inner>);

type Build = Box<dyn Fn() -> Result<Credentials, build_errors::Error> + Send + Sync>;

struct Inner {
    build: Build,
    current: Mutex<Current>,
    universe_domain: OnceCell<Option<String>>,
    timeout: Duration,
    renew_every: Duration,
}

#[derive(Clone)]
struct Current {
    credentials: Credentials,
    generation: u64,
    renewed: Option<Instant>,
}

impl Renewable {
    fn new(limits: &Limits, build: Build) -> Result<Self, build_errors::Error> {
        let current = Current {
            credentials: build()?,
            generation: 0,
            renewed: None,
        };
        Ok(Renewable(Arc::new(Inner {
            build,
            current: Mutex::new(current),
            universe_domain: OnceCell::new(),
            timeout: limits.credentials_timeout,
            renew_every: limits.renew_credentials_every,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Current {
        self.lock().clone()
    }

    /// The credentials to use after those of generation `failed` failed for good; none if it is too early to build
    /// new ones.
    fn instead_of(&self, failed: u64) -> Option<Credentials> {
        let mut current = self.lock();
        if current.generation != failed {
            return Some(current.credentials.clone());
        }
        if current
            .renewed
            .is_some_and(|at| at.elapsed() < self.0.renew_every)
        {
            return None;
        }
        current.renewed = Some(Instant::now());
        match (self.0.build)() {
            Ok(credentials) => {
                current.credentials = credentials.clone();
                current.generation += 1;
                Some(credentials)
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "Google credentials cannot be renewed"
                );
                None
            }
        }
    }

    async fn headers_of(
        &self,
        credentials: &Credentials,
        extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, Failure> {
        match tokio::time::timeout(self.0.timeout, credentials.headers(extensions)).await {
            Ok(Ok(headers)) => Ok(headers),
            Ok(Err(error)) if error.is_transient() => Err(Failure::ForNow(error)),
            Ok(Err(error)) => Err(Failure::ForGood(error)),
            Err(_elapsed) => Err(Failure::ForGood(CredentialsError::from_msg(
                true,
                format!("no access token within {} s", self.0.timeout.as_secs_f64()),
            ))),
        }
    }
}

enum Failure {
    /// The object tries on by itself.
    ForNow(CredentialsError),
    /// Only a new object can work.
    ForGood(CredentialsError),
}

impl CredentialsProvider for Renewable {
    async fn headers(
        &self,
        extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let Current {
            credentials,
            generation,
            ..
        } = self.current();
        let failure = match self.headers_of(&credentials, extensions.clone()).await {
            Ok(headers) => return Ok(headers),
            Err(Failure::ForNow(error)) => return Err(error),
            Err(Failure::ForGood(error)) => error,
        };
        let Some(credentials) = self.instead_of(generation) else {
            return Err(failure);
        };
        // The caller's version belongs to the object that failed.
        let mut extensions = extensions;
        extensions.remove::<EntityTag>();
        match self.headers_of(&credentials, extensions).await {
            Ok(headers) => Ok(headers),
            Err(Failure::ForNow(error) | Failure::ForGood(error)) => Err(error),
        }
    }

    async fn universe_domain(&self) -> Option<String> {
        let ask = || async {
            let credentials = self.current().credentials;
            // Without an answer Google's own domain is taken; a call with a token of another one is refused there.
            tokio::time::timeout(self.0.timeout, credentials.universe_domain())
                .await
                .ok()
                .flatten()
        };
        self.0.universe_domain.get_or_init(ask).await.clone()
    }
}

impl fmt::Debug for Renewable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable")
            .field("generation", &self.current().generation)
            .finish_non_exhaustive()
    }
}
