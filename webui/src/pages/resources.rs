//! The search for a resource while somebody types.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::Shared;
use crate::form::{QueryString, Unreadable};
use crate::iap::SignedIn;

/// How many are found at most.
pub const MOST: usize = 20;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    resources: Vec<Resource>,
    /// How many more there are.
    more: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    display_name: String,
    path: String,
}

/// The resources on which the person may ask for something, by a part of their id or name.
pub async fn search(
    State(app): Shared,
    me: SignedIn,
    QueryString(fields): QueryString,
) -> Result<Json<Answer>, Unreadable> {
    let text = fields.one("q")?;
    let (person, _) = app.groups.of_person(&me.email).await;
    let found = app.catalogue.current().find(&person, text, MOST);
    let resources = found.places.into_iter().map(|place| Resource {
        path: place.path.join(" › "),
        name: place.name,
        display_name: place.display_name,
    });
    Ok(Json(Answer {
        resources: resources.collect(),
        more: found.more,
    }))
}
