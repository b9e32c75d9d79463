//! The web UI of JIT Access: a window, never an authority.

pub mod form;
pub mod headers;
pub mod iap;
pub mod origin;
pub mod plain_page;
