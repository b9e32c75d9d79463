//! What the programs of an installation have in common: flags, log, ports, the Kubernetes client, and
//! how they end.

mod exit;
mod flags;
mod kubernetes;
mod log;
mod port;
mod stop;
mod watch_backoff;

pub use exit::run_to_exit;
pub use flags::{CommonFlags, Groups, LimitFlags, LogFormat};
pub use kubernetes::kubernetes;
pub use log::start_log;
pub use port::bind;
pub use stop::stop_signal;
pub use watch_backoff::WatchBackoff;
