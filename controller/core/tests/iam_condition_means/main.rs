//! Attacks 7, 17 and 27: a condition that means something else than intended.
//!
//! Conditions are made from a grammar and by damaging them, composed, and evaluated. The judge evaluates the
//! original parts, each alone, and never looks at what the module cut or joined.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod damaged;
mod grammar;
mod intact;
mod judge;

use proptest::prelude::*;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
