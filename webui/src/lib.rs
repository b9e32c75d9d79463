//! The web UI of JIT Access: a window, never an authority.
