//! Free ports for servers that cannot choose their own.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};

/// Below the range from which the system takes ports for outgoing connections (32768 and up): a
/// server that is stopped for a while finds its port free again.
const RANGE: std::ops::Range<u128> = 15_000..32_000;

/// A port that nobody listens on, and that this process has not given away before.
///
/// # Errors
/// When none is found.
pub fn free() -> Result<u16> {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    (0..500)
        .map(|_| uuid::Uuid::new_v4().as_u128() % (RANGE.end - RANGE.start) + RANGE.start)
        .filter_map(|candidate| u16::try_from(candidate).ok())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok() && given.insert(*port))
        .context("no free port was found between 15000 and 32000")
}
