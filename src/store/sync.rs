//! Locks and counters of the memory store: the standard library's, or in a test of interleavings those that try them all.

#[cfg(not(all(test, feature = "interleavings")))]
pub(super) use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

#[cfg(all(test, feature = "interleavings"))]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};
