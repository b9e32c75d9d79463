//! The form: where, which roles, how long, why, and who may approve.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use jit_access_core::limits::format_duration;
use jit_access_core::resource::ResourceName;
use jit_access_google::catalogue::{Freshness, Place};

use super::problem::{Way, fault};
use super::request::not_shown;
use super::{Frame, Tab, render, resources};
use crate::app::{App, Shared};
use crate::ask::{Ask, Problem};
use crate::form::{FormBody, QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::moment::{Moment, length};
use crate::view::{Offer, offer};

/// Lengths that are proposed where the limits allow them.
const USUAL_MINUTES: [i64; 7] = [5, 15, 30, 60, 120, 240, 480];
/// How many resources of earlier requests are proposed.
const MOST_RECENT: usize = 5;
/// The field of a problem that leaves open whether the request was made.
pub(super) const UNSURE: &str = "unsure";
/// A catalogue older than this is said to be old.
const OLD: SignedDuration = SignedDuration::from_mins(20);

#[derive(Template)]
#[template(path = "ask.html")]
pub(super) struct AskPage {
    frame: Frame,
    ask: Ask,
    problems: Vec<Problem>,
    notes: Vec<Note>,
    /// As of when the lists are.
    lists_read: Option<Moment>,
    /// What was searched for; only without a resource.
    search: String,
    results: Vec<Place>,
    more_results: usize,
    recent: Vec<Place>,
    /// The resource, if it is one; a name that the catalogue does not know has no display name.
    place: Option<Place>,
    /// What can be chosen on the resource; `None`: it is not known, and roles are typed.
    offer: Option<Offer>,
    other_roles: String,
    other_reviewers: String,
    durations: Vec<String>,
    shortest: String,
    longest: String,
    usual: String,
    furthest: String,
    hint: String,
    most_roles: usize,
}

/// What somebody should know, and what Google said.
struct Note {
    sentence: String,
    why: String,
}

impl AskPage {
    /// The problem with a field.
    fn problem(&self, field: &str) -> Option<&str> {
        let mut problems = self.problems.iter();
        let found = problems.find(|problem| problem.field == field);
        found.map(|problem| problem.sentence.as_str())
    }

    /// Whether there is no role to tick.
    fn lists_nothing(&self) -> bool {
        self.offer.as_ref().is_none_or(Offer::is_empty)
    }

    fn has_problem(&self, field: &&str) -> bool {
        self.problem(field).is_some()
    }

    /// Whether the rarely used fields are shown at once.
    fn shows_more(&self) -> bool {
        !self.ask.start.is_empty()
            || !self.ask.condition.is_empty()
            || self.has_problem(&"start")
            || self.has_problem(&"condition")
    }
}

/// The form, filled in as the address says: `?resource=…&role=…`, or `?like=` an earlier request.
pub async fn show(
    State(app): Shared,
    me: SignedIn,
    QueryString(fields): QueryString,
) -> Result<Response, Unreadable> {
    let like = fields.one("like")?;
    let ask = if like.is_empty() {
        // A name is made with the preview: whoever wrote a link does not choose it.
        Ask {
            name: String::new(),
            ..Ask::read(&fields)?
        }
    } else {
        match app.request_for(like, &me.email).await {
            Ok(request) => Ask::like(&request.spec),
            Err(why) => {
                let frame = Frame::new(&app, &me.email, Tab::Ask, not_shown(&why));
                return Ok(fault(frame, &why, vec![Way::home()]));
            }
        }
    };
    let search = fields.one("q")?;
    // Who types the whole name has chosen.
    let ask = match ResourceName::parse(search) {
        Ok(name) if ask.resource.is_empty() => Ask {
            resource: name.as_str().to_owned(),
            ..ask
        },
        _ => ask,
    };
    let page = page(&app, &me, ask, search, Vec::new()).await;
    Ok(render(StatusCode::OK, &page))
}

/// The form as it was filled in, to change something.
pub async fn change(
    State(app): Shared,
    me: SignedIn,
    FormBody(fields): FormBody,
) -> Result<Response, Unreadable> {
    let page = page(&app, &me, Ask::read(&fields)?, "", Vec::new()).await;
    Ok(render(StatusCode::OK, &page).into_response())
}

/// The form as it was filled in, with what is wrong.
///
/// The status says whether the person or a server is to blame.
pub(super) async fn with_problems(
    app: &App,
    me: &SignedIn,
    ask: Ask,
    problems: Vec<Problem>,
) -> Response {
    let status = if problems.iter().any(|problem| problem.field == UNSURE) {
        StatusCode::BAD_GATEWAY
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = page(app, me, ask, "", problems).await;
    render(status, &page)
}

async fn page(
    app: &App,
    me: &SignedIn,
    ask: Ask,
    search: &str,
    mut problems: Vec<Problem>,
) -> AskPage {
    let now = Timestamp::now();
    let catalogue = app.catalogue.current();
    let (person, unknown_groups) = app.groups.of_person(&me.email).await;
    let own = app
        .requests
        .all(|request| request.spec.requester == me.email);
    let freshness = app.catalogue.freshness();
    let mut notes = notes(&freshness, now);
    // Without lists it makes no difference.
    if let Some(why) = unknown_groups.filter(|_| freshness.read.is_some()) {
        notes.push(Note {
            sentence: "Your groups could not be looked up, so what you may ask for as a member of one is not listed: type these roles by name.".to_owned(),
            why,
        });
    }

    let place = if ask.resource.is_empty() {
        None
    } else {
        match ResourceName::parse(&ask.resource) {
            Ok(name) => Some(nameless(name.as_str())),
            Err(why) => {
                if !problems.iter().any(|problem| problem.field == "resource") {
                    problems.push(Problem {
                        field: "resource",
                        sentence: format!("{why}."),
                    });
                }
                None
            }
        }
    };
    let offer = place.as_ref().and_then(|place| {
        let lookup = catalogue.look_up(&person, &place.name, now)?;
        Some(offer(&person, &lookup, &ask, &own, &catalogue, now))
    });
    // What something is called is told to those who may ask for something there.
    let place = place.map(|place| match &offer {
        Some(offer) if !offer.is_empty() => catalogue.place(&place.name).unwrap_or(place),
        _ => place,
    });
    let found = if place.is_none() {
        let text = if ask.resource.is_empty() {
            search
        } else {
            &ask.resource
        };
        catalogue.find(&person, text, resources::MOST)
    } else {
        jit_access_google::catalogue::Found::default()
    };

    let mut recent: Vec<Place> = Vec::new();
    for request in &own {
        // What something is called is told where the controller found that the person may have something.
        let was_eligible = request
            .status
            .as_ref()
            .is_some_and(|status| status.plan.is_some());
        if recent.len() < MOST_RECENT
            && was_eligible
            && !recent
                .iter()
                .any(|place| place.name == request.spec.resource)
            && let Some(place) = catalogue.place(&request.spec.resource)
        {
            recent.push(place);
        }
    }
    let limits = &app.limits;
    AskPage {
        frame: Frame::new(app, &me.email, Tab::Ask, "Ask for access"),
        problems,
        notes,
        lists_read: freshness.read.map(Moment::new),
        search: search.to_owned(),
        results: found.places,
        more_results: found.more,
        recent,
        other_roles: unlisted(&ask, offer.as_ref()).join("\n"),
        other_reviewers: unlisted_reviewers(&ask, offer.as_ref()).join("\n"),
        place,
        offer,
        durations: durations(app),
        shortest: format_duration(limits.min_duration),
        longest: format_duration(limits.max_duration),
        usual: format_duration(limits.default_duration),
        furthest: length(limits.max_schedule),
        hint: hint(app),
        most_roles: limits.max_roles,
        ask,
    }
}

/// A resource of which nothing but the name is known.
fn nameless(name: &str) -> Place {
    Place {
        name: name.to_owned(),
        display_name: String::new(),
        path: Vec::new(),
    }
}

/// What somebody should know about what is listed.
fn notes(freshness: &Freshness, now: Timestamp) -> Vec<Note> {
    let age = freshness.read.map(|read| now.duration_since(read));
    let why = freshness.problem.as_deref().unwrap_or_default();
    let sentence = match (age, &freshness.problem) {
        (None, None) => "What you may ask for is being read from Google for the first time. Until then, type resource and roles by name.".to_owned(),
        (None, Some(_)) => "What you may ask for cannot be listed now. Type resource and roles by name: the controller asks Google whether you may have them.".to_owned(),
        (Some(age), Some(_)) => format!("The lists are as of {} ago, for reading them again fails. What was added since can be typed by name.", length(age)),
        (Some(age), None) if age > OLD => format!("The lists are as of {} ago.", length(age)),
        (Some(_), None) => return Vec::new(),
    };
    vec![Note {
        sentence,
        why: why.to_owned(),
    }]
}

/// Roles that were named and cannot be ticked on the page.
fn unlisted(ask: &Ask, offer: Option<&Offer>) -> Vec<String> {
    let is_listed = |role: &String| {
        offer.is_some_and(|offer| {
            let mut listed = offer.own.iter().chain(&offer.peer);
            listed.any(|view| view.role.id == *role)
        })
    };
    ask.roles()
        .into_iter()
        .filter(|role| !is_listed(role))
        .collect()
}

fn unlisted_reviewers(ask: &Ask, offer: Option<&Offer>) -> Vec<String> {
    let is_listed = |email: &&String| {
        offer.is_some_and(|offer| offer.reviewers.iter().any(|view| view.email == **email))
    };
    let others = ask.reviewers.iter().filter(|email| !is_listed(email));
    others.cloned().collect()
}

/// What a justification must be like, in the administrator's words where there are some.
fn hint(app: &App) -> String {
    let limits = &app.limits;
    match (
        limits.justification_hint.as_str(),
        limits.justification_pattern.source(),
    ) {
        ("", ".*") => String::new(),
        ("", pattern) => format!("It must match the regular expression {pattern}"),
        (hint, _) => hint.to_owned(),
    }
}

fn durations(app: &App) -> Vec<String> {
    let limits = &app.limits;
    let mut lengths: Vec<SignedDuration> = USUAL_MINUTES
        .into_iter()
        .map(SignedDuration::from_mins)
        .chain([limits.default_duration, limits.max_duration])
        .filter(|length| (limits.min_duration..=limits.max_duration).contains(length))
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths.into_iter().map(format_duration).collect()
}
