//! Locks that a panic elsewhere does not poison: each guards plain data, which is whole at any time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The guarded data.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
