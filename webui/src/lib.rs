//! The web UI of JIT Access: a window, never an authority.

pub mod origin;
pub mod plain_page;
