//! The pages. Each file has what its page shows, and what its forms do.

pub mod ask;
pub mod assets;
pub mod decide;
mod frame;
pub mod history;
pub mod live;
pub mod mine;
pub mod problem;
pub mod request;
pub mod resources;
pub mod send;
pub mod waiting;

pub use frame::{Frame, Tab, render};
