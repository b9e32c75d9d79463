//! The whole site by its router: every page, every refusal, with genuine assertions, on an API server
//! that is played.

mod api_server;
mod asking;
mod deciding;
mod edge;
mod live;
mod looking;
mod several;
mod site;
