//! Telling of transactions.

use bytestring::ByteString;
use regex::Regex;

use crate::base::ErrorCode;
use crate::broker::node::Node;
use crate::txn::Transaction;

/// A transactional id, and what is known of it.
pub type Told = (ByteString, Transaction);

/// Which transactional ids are asked for; what is empty asks for all.
#[derive(Debug, Default)]
pub struct Wanted {
    /// By names of states.
    pub states: Vec<ByteString>,
    /// By producer ids.
    pub producer_ids: Vec<i64>,
    /// Only transactions that run for longer than so many ms; negative: all.
    pub longer_than_ms: i64,
    /// Only ids that match from end to end.
    pub pattern: Option<Regex>,
}

impl Wanted {
    fn takes(&self, id: &str, known: &Transaction, now_ms: i64) -> bool {
        let of_state = |name: &ByteString| *name == known.state.name();
        let longer = self.longer_than_ms < 0
            || now_ms.saturating_sub(known.started_at) > self.longer_than_ms;
        longer
            && (self.states.is_empty() || self.states.iter().any(of_state))
            && (self.producer_ids.is_empty() || self.producer_ids.contains(&known.producer_id))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(id))
    }
}

impl Node {
    /// What is known of a transactional id.
    ///
    /// # Errors
    /// TRANSACTIONAL_ID_NOT_FOUND; as [`Node::check_coordinates_transaction`].
    pub fn tell_transaction(&self, id: &ByteString) -> Result<Transaction, ErrorCode> {
        self.check_coordinates_transaction(id)?;
        let found = self.transactions.find(id);
        let known = found.and_then(|found| found.lock().known.clone());
        known.ok_or(ErrorCode::TransactionalIdNotFound)
    }

    /// All transactional ids that are wanted, in order.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS until all are loaded.
    pub fn tell_transactions(&self, wanted: &Wanted) -> Result<Vec<Told>, ErrorCode> {
        if !self.transactions.loading.read().is_done() {
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        let now = self.now().0;
        let all = self.transactions.all().into_iter();
        let known = all.filter_map(|(id, found)| Some((id, found.lock().known.clone()?)));
        let mut told: Vec<Told> =
            known.filter(|(id, known)| wanted.takes(id, known, now)).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(told)
    }
}
