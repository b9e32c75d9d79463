//! What pages show, worked out from requests and the catalogue. Pure: the time is an argument.

mod binding;
mod offer;
mod request;
mod timeline;

pub use binding::{BindingView, Restriction, plan_bindings};
pub use offer::{Offer, offer};
pub use request::{
    RequestView, RoleName, concerns, is_open, may_end, place_of, roles_of, said, starts,
};
pub use timeline::{Event, timeline};
