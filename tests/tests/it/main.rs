//! Tests on real parts, one module for each thing that they show.

mod api_proxy;
mod control_plane;
mod crash;
mod demo;
mod eligibility;
mod ending;
mod examples;
mod fairness;
mod google_faults;
mod google_limits;
mod google_patience;
mod google_reads;
mod hardening;
mod interrupted;
mod life;
mod logs;
mod many;
mod outages;
mod plugin;
mod refusals;
mod revocation;
mod schema;
mod watch;
