//! One person's many requests must not hold up anybody else's, nor burn Google's quota.

use jiff::{SignedDuration, Timestamp};

use crate::limits::Limits;

/// Requests refused for being too many are kept this long, so that the person sees why.
pub const CROWDED_OUT_RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// Of those, at most this many of one person are kept; more are deleted at once.
pub const MOST_CROWDED_OUT: usize = 20;

/// A request as it counts for its requester. Those made by each delegate are counted apart from
/// the person's own, so that neither uses up the other's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted<'a> {
    /// UID of the request.
    pub uid: &'a str,
    /// When it was created.
    pub created: Timestamp,
    /// Whether it is not final yet.
    pub open: bool,
    /// Whether it was let in: who was keeps the place, also before an older one that is seen later.
    pub admitted: bool,
}

/// Whether there are too many: `Some` with a sentence. `all` are the requests with the same
/// requester and maker, deleted ones of the last hour and the request itself included.
#[must_use]
pub fn crowding(this: &Counted<'_>, all: &[Counted<'_>], limits: &Limits) -> Option<String> {
    // The older keep their place; of equal age the UID decides, always the same way.
    let before = |other: &&Counted<'_>| {
        other.uid != this.uid && (other.created, other.uid) < (this.created, this.uid)
    };
    // Who was let in counts, however close together both were made.
    let counts = |other: &&Counted<'_>| other.uid != this.uid && (other.admitted || before(other));
    let open = all.iter().filter(counts).filter(|other| other.open).count();
    if open >= limits.max_open {
        return Some(format!(
            "too many requests: {open} of yours are not finished, and {} may be at a time; wait for them or delete some, then create this one again",
            limits.max_open
        ));
    }
    let hour_ago = this.created - SignedDuration::from_hours(1);
    let recent = all
        .iter()
        .filter(counts)
        .filter(|other| other.created > hour_ago)
        .count();
    (recent >= limits.max_hourly).then(|| {
        format!(
            "too many requests: you made {recent} within an hour, and {} are allowed; those that were refused count too; create this one again in an hour",
            limits.max_hourly
        )
    })
}

#[cfg(test)]
mod tests;
