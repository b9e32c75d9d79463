//! IAM conditions: what one says about eligibility, and the condition of a grant.
//!
//! Every decision is made on the syntax tree. The scan cuts the source so that a kept term keeps its own text
//! (printing a tree loses escapes, which has widened access before); the parser judges each cut, and whatever
//! the two do not agree on makes nothing eligible.
//!
//! | file | rule |
//! |---|---|
//! | `scan` | tokens, and the bounds that come before any parsing |
//! | `tree` | parsing, and questions to a tree |
//! | `term` | one expression: text and tree |
//! | `split` | the top-level `&&` terms, each with its text |
//! | `marker` | `has({}.jitAccessConstraint)` and its peer |
//! | `own_end` | `request.time < timestamp("…")` |
//! | `reading` | a condition of a binding → what it makes eligible |
//! | `narrowing` | `spec.condition` |
//! | `same` | whether two expressions have equal trees |
//! | `plain_words` | what a condition says, for people |
//! | `compose` | window, resource condition and narrowing → the grant's condition |

mod compose;
mod marker;
mod narrowing;
mod own_end;
mod plain_words;
mod reading;
mod readings;
mod same;
mod scan;
mod split;
mod term;
mod tree;

pub use compose::{MAX_LOGICAL_OPERATORS, compose, compose_without_window};
pub use narrowing::{MAX_NARROWING_CHARACTERS, narrowing};
pub use own_end::{own_end, window_end};
pub use plain_words::plain_words;
pub use reading::{EligibleCondition, Reading, read};
pub use readings::Readings;
pub use same::same;
pub use scan::{MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_OPERATOR_TOKENS};
pub use term::Term;
