//! Tests on real parts, one module for each thing that they show.

mod api_proxy;
mod control_plane;
mod crash;
mod demo;
mod eligibility;
mod examples;
mod google_faults;
mod hardening;
mod interrupted;
mod life;
mod many;
mod refusals;
mod schema;
mod watch;
