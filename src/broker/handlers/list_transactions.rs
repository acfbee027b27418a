//! ListTransactions (key 66), v0 to v2. The transactional ids that are coordinated here (KIP-664). v1 only those that run for long
//! (KIP-994), v2 by a regular expression (KIP-1152).

use bytestring::ByteString;
use regex::RegexBuilder;

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::broker::txns::{Told, Wanted};
use crate::txn::TxnState;
use crate::wire::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse, TransactionState,
};

/// How much memory a client's expression may take once it is compiled.
const PATTERN_BYTES: usize = 1 << 20;

pub fn handle(call: Call<ListTransactionsRequest>) -> Reply<ListTransactionsResponse> {
    let Call { node, request, .. } = call;
    let pattern = request.transactional_id_pattern.filter(|pattern| !pattern.is_empty());
    let whole = pattern.map(|pattern| format!("^(?:{pattern})$"));
    let compiled =
        whole.map(|whole| RegexBuilder::new(&whole).size_limit(PATTERN_BYTES).build()).transpose();
    let Ok(pattern) = compiled else {
        return Reply::ready(failed(ErrorCode::InvalidRegularExpression));
    };
    let unknown = |name: &&ByteString| !TxnState::is_name(name);
    let unknown_state_filters = request.state_filters.iter().filter(unknown).cloned().collect();
    let wanted = Wanted {
        states: request.state_filters,
        producer_ids: request.producer_id_filters,
        longer_than_ms: request.duration_filter,
        pattern,
    };
    match node.tell_transactions(&wanted) {
        Ok(told) => Reply::ready(ListTransactionsResponse {
            unknown_state_filters,
            transaction_states: told.into_iter().map(state).collect(),
            ..Default::default()
        }),
        Err(code) => Reply::ready(failed(code)),
    }
}

fn state((transactional_id, known): Told) -> TransactionState {
    TransactionState {
        transactional_id,
        producer_id: known.producer_id,
        transaction_state: ByteString::from_static(known.state.name()),
        ..Default::default()
    }
}

fn failed(code: ErrorCode) -> ListTransactionsResponse {
    ListTransactionsResponse { error_code: code.to_wire(), ..Default::default() }
}
