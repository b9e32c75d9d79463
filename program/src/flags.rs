//! Flags that the programs share. Each has a variable `JIT_ACCESS_…` of the same name; a bad value
//! stops the program with a sentence that names it.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use jit_access_core::limits::{JustificationPattern, Limits, format_duration, parse_duration};
use jit_access_core::resource::ResourceName;
use jit_access_google::GroupSource;

/// What an installation covers, how Google is reached, and what the program says about itself.
#[derive(Debug, Args)]
pub struct CommonFlags {
    /// What the installation covers: organizations/NUMBER, folders/NUMBER or projects/PROJECT_ID. Nothing above it is read.
    #[arg(long, env = "JIT_ACCESS_SCOPE", value_parser = ResourceName::parse)]
    pub scope: ResourceName,

    /// Limits of requests.
    #[command(flatten)]
    pub limits: LimitFlags,

    /// Where nested groups are looked up.
    #[arg(long, env = "JIT_ACCESS_GROUPS", value_enum, default_value_t = Groups::CloudIdentity)]
    pub groups: Groups,

    /// One base URL instead of every Google API's own; no credentials are sent. For simulators and tests.
    #[arg(long, env = "JIT_ACCESS_GOOGLE_ENDPOINT")]
    pub google_endpoint: Option<String>,

    /// Address of metrics and health.
    #[arg(long, env = "JIT_ACCESS_ADMIN_LISTEN", default_value = "0.0.0.0:8080")]
    pub admin_listen: SocketAddr,

    /// Format of the log.
    #[arg(long, env = "JIT_ACCESS_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// Limits of requests.
#[derive(Debug, Args)]
pub struct LimitFlags {
    /// Shortest access that may be asked for.
    #[arg(long, env = "JIT_ACCESS_MIN_DURATION", value_parser = parse_duration, default_value = "1m")]
    pub min_duration: SignedDuration,

    /// Longest access that may be asked for.
    #[arg(long, env = "JIT_ACCESS_MAX_DURATION", value_parser = parse_duration, default_value = "2h")]
    pub max_duration: SignedDuration,

    /// Length of an access whose request names none.
    #[arg(long, env = "JIT_ACCESS_DEFAULT_DURATION", value_parser = parse_duration, default_value = "1h")]
    pub default_duration: SignedDuration,

    /// How long after its creation a request may be approved.
    #[arg(long, env = "JIT_ACCESS_APPROVAL_TIMEOUT", value_parser = parse_duration, default_value = "1h")]
    pub approval_timeout: SignedDuration,

    /// How far ahead an access may be scheduled.
    #[arg(long, env = "JIT_ACCESS_MAX_SCHEDULE", value_parser = parse_duration, default_value = "168h")]
    pub max_schedule: SignedDuration,

    /// Most roles in one request.
    #[arg(long, env = "JIT_ACCESS_MAX_ROLES", value_parser = clap::value_parser!(u16).range(1..=10), default_value_t = 10)]
    pub max_roles: u16,

    /// Most requests of one requester that are not finished.
    #[arg(long, env = "JIT_ACCESS_MAX_OPEN", value_parser = clap::value_parser!(u16).range(1..), default_value_t = 10)]
    pub max_open: u16,

    /// Most requests of one requester within an hour.
    #[arg(long, env = "JIT_ACCESS_MAX_HOURLY", value_parser = clap::value_parser!(u16).range(1..), default_value_t = 30)]
    pub max_hourly: u16,

    /// A regular expression that a justification must match as a whole.
    #[arg(long, env = "JIT_ACCESS_JUSTIFICATION_PATTERN", value_parser = JustificationPattern::parse, default_value = ".*")]
    pub justification_pattern: JustificationPattern,

    /// What the author of a refused justification is told.
    #[arg(
        long,
        env = "JIT_ACCESS_JUSTIFICATION_HINT",
        default_value = "",
        hide_default_value = true
    )]
    pub justification_hint: String,

    /// So long after the admission policy came into force who asks is not trusted yet: every API server must have loaded it.
    #[arg(long, env = "JIT_ACCESS_GUARD_MARGIN", value_parser = parse_duration, default_value = "10s")]
    pub guard_margin: SignedDuration,

    /// How long a finished request is kept.
    #[arg(long, env = "JIT_ACCESS_RETENTION", value_parser = parse_duration, default_value = "720h")]
    pub retention: SignedDuration,
}

/// Where groups are looked up.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Groups {
    /// Google Cloud Identity.
    CloudIdentity,
    /// Nowhere: bindings for groups make nobody eligible.
    None,
}

/// Format of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl CommonFlags {
    /// The limits for the rules.
    ///
    /// # Errors
    /// A sentence that names flags which contradict each other.
    pub fn limits(&self) -> Result<Limits, String> {
        let flags = &self.limits;
        if flags.min_duration > flags.max_duration {
            return Err(format!(
                "--min-duration {} must not be longer than --max-duration {}",
                format_duration(flags.min_duration),
                format_duration(flags.max_duration)
            ));
        }
        if flags.default_duration < flags.min_duration
            || flags.default_duration > flags.max_duration
        {
            return Err(format!(
                "--default-duration {} must be between --min-duration {} and --max-duration {}",
                format_duration(flags.default_duration),
                format_duration(flags.min_duration),
                format_duration(flags.max_duration)
            ));
        }
        Ok(Limits {
            scope: self.scope.clone(),
            min_duration: flags.min_duration,
            max_duration: flags.max_duration,
            default_duration: flags.default_duration,
            approval_timeout: flags.approval_timeout,
            max_schedule: flags.max_schedule,
            max_roles: flags.max_roles.into(),
            max_open: flags.max_open.into(),
            max_hourly: flags.max_hourly.into(),
            justification_pattern: flags.justification_pattern.clone(),
            justification_hint: flags.justification_hint.clone(),
            retention: flags.retention,
        })
    }

    /// Settings of Google's clients.
    #[must_use]
    pub fn google(&self) -> jit_access_google::Settings {
        let groups = match self.groups {
            Groups::CloudIdentity => GroupSource::CloudIdentity,
            Groups::None => GroupSource::None,
        };
        jit_access_google::Settings {
            endpoint: self.google_endpoint.clone(),
            groups,
            ..Default::default()
        }
    }
}
