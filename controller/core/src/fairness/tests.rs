use super::*;
use crate::samples::{after, limits};

fn counted(uid: &str, seconds: i64, open: bool) -> Counted<'_> {
    Counted {
        uid,
        created: after(seconds),
        open,
        admitted: false,
    }
}

fn many(number: i64, every: i64, open: bool) -> Vec<(String, i64, bool)> {
    (0..number)
        .map(|n| (format!("{n:03}"), n * every, open))
        .collect()
}

fn crowded(this: &Counted<'_>, others: &[(String, i64, bool)]) -> Option<String> {
    let mut all: Vec<Counted<'_>> = others
        .iter()
        .map(|(uid, at, open)| counted(uid, *at, *open))
        .collect();
    all.push(*this);
    crowding(this, &all, &limits())
}

#[test]
fn the_oldest_keep_their_place() {
    let others = many(10, 1, true);
    let younger = crowded(&counted("x", 10, true), &others).unwrap();
    assert!(
        younger.contains("10 of yours are not finished"),
        "{younger}"
    );
    assert_eq!(crowded(&counted("x", -1, true), &others), None);
    assert_eq!(crowded(&counted("x", 10, true), &others[..9]), None);
}

#[test]
fn of_the_same_second_the_uid_decides() {
    let others = many(10, 0, true);
    assert_eq!(crowded(&counted("", 0, true), &others), None);
    assert!(crowded(&counted("x", 0, true), &others).is_some());
}

#[test]
fn who_was_let_in_counts_in_the_same_second_whatever_its_uid_is() {
    let this = counted("a", 0, true);
    let all: Vec<Counted<'_>> = (0..30)
        .map(|_| Counted {
            admitted: true,
            ..counted("x", 0, false)
        })
        .chain([this])
        .collect();
    assert!(
        crowding(&this, &all, &limits())
            .unwrap()
            .contains("30 within an hour")
    );
}

#[test]
fn finished_requests_count_for_an_hour() {
    let others = many(30, 1, false);
    assert!(
        crowded(&counted("x", 100, true), &others)
            .unwrap()
            .contains("30 within an hour")
    );
    assert_eq!(crowded(&counted("x", 3_600, true), &others), None);
    assert_eq!(crowded(&counted("x", 100, true), &others[..29]), None);
}

#[test]
fn who_was_let_in_keeps_the_place_before_an_older_one_seen_later() {
    let others = many(10, 1, true);
    let mut all: Vec<Counted<'_>> = others
        .iter()
        .map(|(uid, at, open)| counted(uid, *at, *open))
        .collect();
    let older = counted("x", -1, true);
    all.push(older);
    assert_eq!(crowding(&older, &all, &limits()), None);
    for other in &mut all[..10] {
        other.admitted = true;
    }
    assert!(crowding(&older, &all, &limits()).is_some());
}
