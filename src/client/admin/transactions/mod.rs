//! Transactions: which there are, what they reach, ending those that nobody ends (KIP-664).
//!
//! A transactional id's coordinator knows its transaction; the leaders of partitions know which producers have one open there. Where
//! the two do not agree, a transaction hangs: its partition's last stable offset stands still, and nobody will write its marker.

mod abort;
mod describe;
mod hanging;
mod list;

pub use abort::FencedProducer;
pub use describe::TransactionDescription;
pub use hanging::OpenTransaction;
pub use list::{TransactionFilter, TransactionListing, TransactionState};

use super::super::coordinator::PerKey;

/// Per transactional id asked for, what came of it.
type PerId<T> = PerKey<T>;
