//! Tests on real parts, one module for each thing that they show.

mod control_plane;
mod schema;
