//! *History*: everything that concerns the person, with a search and filters that live in the
//! address.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jit_access_core::review::is_reviewer;
use jit_access_core::status::state;
use jit_access_crds::{AccessRequest, AccessState};
use jit_access_google::catalogue::Snapshot;
use kube::ResourceExt;

use super::{Frame, Tab, render};
use crate::app::Shared;
use crate::form::{Fields, QueryString, Unreadable};
use crate::iap::SignedIn;
use crate::state_words;
use crate::view::{RequestView, concerns, place_of, roles_of};

/// How many a page has.
const PAGE: usize = 25;

/// Longest text that is looked for, in characters.
const MOST_SEARCHED: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    /// Parts of a name, resource, role, person or justification, and of what these are called.
    text: String,
    /// Only one state.
    state: Option<AccessState>,
    /// `mine`, `reviewed`, or both.
    whose: String,
    /// Counted from 1.
    page: usize,
}

impl Filter {
    fn read(fields: &Fields) -> Result<Self, Unreadable> {
        Ok(Self {
            text: fields.one("q")?.chars().take(MOST_SEARCHED).collect(),
            state: AccessState::from_word(fields.one("state")?),
            whose: match fields.one("whose")? {
                known @ ("mine" | "reviewed") => known.to_owned(),
                _ => String::new(),
            },
            page: fields.one("page")?.parse().unwrap_or(1).clamp(1, 10_000),
        })
    }

    fn fits(&self, request: &AccessRequest, me: &str, catalogue: &Snapshot) -> bool {
        let whose = match self.whose.as_str() {
            "mine" => request.spec.requester == me,
            "reviewed" => is_reviewer(request, me) && concerns(request, me),
            _ => concerns(request, me),
        };
        whose
            && self
                .state
                .is_none_or(|wanted| state(request).unwrap_or(AccessState::Pending) == wanted)
            && self.fits_text(request, catalogue)
    }

    /// Every word must stand somewhere in what the person can see of it.
    fn fits_text(&self, request: &AccessRequest, catalogue: &Snapshot) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let spec = &request.spec;
        let name = request.name_any();
        let mut texts: Vec<String> = vec![
            name,
            spec.requester.clone(),
            spec.resource.clone(),
            place_of(request, catalogue),
            spec.justification.clone(),
        ];
        for role in roles_of(request, catalogue) {
            texts.extend([role.id, role.title]);
        }
        texts.extend(spec.reviewers.iter().flatten().cloned());
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        let wanted = self.text.to_lowercase();
        wanted
            .split_whitespace()
            .all(|word| texts.iter().any(|text| text.contains(word)))
    }

    /// The address of another page of the same.
    fn address(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if let Some(state) = self.state {
            query.append_pair("state", state.as_str());
        }
        if !self.whose.is_empty() {
            query.append_pair("whose", &self.whose);
        }
        query.append_pair("page", &page.to_string());
        format!("/history?{}", query.finish())
    }
}

/// A state to choose.
struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    filter: Filter,
    is_filtered: bool,
    states: Vec<Choice>,
    rows: Vec<RequestView>,
    found: usize,
    newer: Option<String>,
    older: Option<String>,
}

/// Everything that concerns the person and fits, the newest first.
pub async fn show(
    State(app): Shared,
    me: SignedIn,
    QueryString(fields): QueryString,
) -> Result<Response, Unreadable> {
    let now = Timestamp::now();
    let filter = Filter::read(&fields)?;
    let catalogue = app.catalogue.current();
    let found = app
        .requests
        .all(|request| filter.fits(request, &me.email, &catalogue));
    let last = found.len().div_ceil(PAGE).max(1);
    let filter = Filter {
        page: filter.page.min(last),
        ..filter
    };
    let first = (filter.page - 1) * PAGE;
    let rows = found.iter().skip(first).take(PAGE);
    let states = AccessState::ALL.iter().map(|state| Choice {
        value: state.as_str(),
        label: state_words::words(Some(*state)),
        chosen: filter.state == Some(*state),
    });
    let page = HistoryPage {
        frame: Frame::new(&app, &me.email, Tab::History, "History"),
        rows: rows
            .map(|request| RequestView::new(request, &catalogue, app.cluster.me(), now))
            .collect(),
        states: states.collect(),
        found: found.len(),
        newer: (filter.page > 1).then(|| filter.address(filter.page - 1)),
        older: (found.len() > first + PAGE).then(|| filter.address(filter.page + 1)),
        is_filtered: Filter {
            page: 1,
            ..filter.clone()
        } != Filter {
            page: 1,
            ..Filter::default()
        },
        filter,
    };
    Ok(render(StatusCode::OK, &page))
}
