//! The web UI of JIT Access: a window, never an authority. It shows the AccessRequests of one
//! namespace to whom they concern, and writes requests and decisions in the name of who is signed in
//! through Identity-Aware Proxy. What comes of them the API server's admission policy and the
//! controller decide.
//!
//! | file | what |
//! |---|---|
//! | `run`, `config`, `router` | put together; which address leads where |
//! | `app` | what the pages work with |
//! | `iap`, `origin`, `headers`, `form` | the edge: who is it, from which page, what is sent |
//! | `requests`, `cluster` | the requests in memory; what is written |
//! | `groups` | the groups of who is signed in |
//! | `ask`, `view` | what was filled in; what is shown: pure |
//! | `pages` | a file for each page, with its template in `templates/` |

pub mod app;
pub mod ask;
mod assets;
pub mod cluster;
pub mod config;
mod console;
mod fingerprint;
pub mod form;
pub mod groups;
pub mod headers;
pub mod iap;
pub mod metrics;
pub mod moment;
pub mod origin;
mod pages;
pub mod places;
pub mod plain_page;
pub mod requests;
pub mod router;
pub mod run;
mod shown_path;
mod state_words;
mod view;

#[cfg(test)]
mod tests;
