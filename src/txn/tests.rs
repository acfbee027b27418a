use super::*;
use crate::base::ErrorCode;

const NOW: i64 = 1_000;

fn ask(current: Option<(i64, i16)>) -> InitAsk {
    let current = current.map(|(id, epoch)| Producer { id, epoch });
    InitAsk { timeout_ms: 60_000, current, spare_id: None }
}

fn ready(known: &Transaction, ask: InitAsk) -> Transaction {
    match Transaction::init(Some(known), ask, TxnVersion::V2, NOW) {
        Ok(Init::Ready(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn first() -> Transaction {
    let ask = InitAsk { spare_id: Some(7), ..ask(None) };
    match Transaction::init(None, ask, TxnVersion::V2, NOW) {
        Ok(Init::Ready(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn place(partition: i32) -> Place {
    ("t".into(), partition)
}

fn producer(of: &Transaction) -> Producer {
    Producer { id: of.producer_id, epoch: of.epoch }
}

fn ongoing(version: TxnVersion) -> Transaction {
    let known = first();
    known.add(producer(&known), &[place(0)], version, NOW).unwrap().unwrap()
}

fn end(
    known: &Transaction,
    producer: Producer,
    commit: bool,
    version: TxnVersion,
) -> Result<End, Decline> {
    known.end(EndAsk { producer, commit, version, spare_id: None }, NOW)
}

fn ends(known: &Transaction, commit: bool, version: TxnVersion) -> Transaction {
    match end(known, producer(known), commit, version) {
        Ok(End::Ends(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn with_epoch(epoch: i16, of: Transaction) -> Transaction {
    Transaction { epoch, ..of }
}

#[test]
fn a_new_id_needs_a_producer_id_and_begins_at_epoch_0() {
    let without = Transaction::init(None, ask(None), TxnVersion::V2, NOW);
    assert_eq!(without, Err(Decline::NeedsProducerId));
    assert_eq!((first().producer_id, first().epoch), (7, 0));
}

#[test]
fn who_begins_anew_fences_who_was_there() {
    let old = first();
    let new = ready(&old, ask(None));
    assert_eq!(new.epoch, 1);
    let added = new.add(producer(&old), &[place(0)], TxnVersion::V2, NOW);
    assert_eq!(added, Err(ErrorCode::ProducerFenced));
    // Also if it asks to go on (KIP-360): it was replaced.
    let again = Transaction::init(Some(&new), ask(Some((7, 0))), TxnVersion::V2, NOW);
    assert_eq!(again, Err(ErrorCode::ProducerFenced.into()));
}

#[test]
fn who_goes_on_after_an_error_may_ask_twice() {
    let bumped = ready(&first(), ask(Some((7, 0))));
    assert_eq!((bumped.epoch, bumped.last_epoch), (1, 0));
    assert_eq!(ready(&bumped, ask(Some((7, 0)))).epoch, 1);
}

#[test]
fn who_begins_while_a_transaction_is_open_has_it_aborted_first() {
    let open = ongoing(TxnVersion::V2);
    let Ok(Init::Aborts(next)) = Transaction::init(Some(&open), ask(None), TxnVersion::V2, NOW)
    else {
        panic!("it is open");
    };
    assert_eq!((next.state, next.epoch), (TxnState::PrepareAbort, 2));
    let early = Transaction::init(Some(&next), ask(None), TxnVersion::V2, NOW);
    assert_eq!(early, Err(ErrorCode::ConcurrentTransactions.into()));
    assert_eq!(ready(&next.complete(NOW), ask(None)).epoch, 3);
}

#[test]
fn a_transaction_begins_with_its_first_partition_and_knows_them_all() {
    let open = ongoing(TxnVersion::V0);
    assert_eq!(open.add(producer(&open), &[place(0)], TxnVersion::V0, NOW), Ok(None));
    let more = open.add(producer(&open), &[place(1)], TxnVersion::V0, NOW + 5).unwrap().unwrap();
    assert_eq!((more.partitions.len(), more.started_at), (2, NOW));
    assert_eq!(more.verify(producer(&more), &place(1)), Ok(()));
    let unknown = more.verify(producer(&more), &place(9));
    assert_eq!(unknown, Err(ErrorCode::TransactionAbortable));
}

#[test]
fn before_kip_890_an_end_is_repeated_by_state_and_the_epoch_stays() {
    let ending = ends(&ongoing(TxnVersion::V0), true, TxnVersion::V0);
    assert_eq!((ending.state, ending.epoch), (TxnState::PrepareCommit, 0));
    let twice = end(&ending, producer(&ending), true, TxnVersion::V0);
    assert_eq!(twice, Err(ErrorCode::ConcurrentTransactions.into()));
    let done = ending.complete(NOW);
    assert_eq!(end(&done, producer(&done), true, TxnVersion::V0), Ok(End::Done));
    let other = end(&done, producer(&done), false, TxnVersion::V0);
    assert_eq!(other, Err(ErrorCode::InvalidTxnState.into()));
}

#[test]
fn with_kip_890_each_transaction_has_its_epoch_and_a_late_end_does_not_end_the_next() {
    let open = ongoing(TxnVersion::V2);
    let was = producer(&open);
    let done = ends(&open, true, TxnVersion::V2).complete(NOW);
    assert_eq!(done.epoch, 1);
    assert_eq!(end(&done, was, true, TxnVersion::V2), Ok(End::Done), "a retry");
    let opposite = end(&done, was, false, TxnVersion::V2);
    assert_eq!(opposite, Err(ErrorCode::InvalidTxnState.into()));
    // The retry is held up until the next transaction is open.
    let next = done.add(producer(&done), &[place(1)], TxnVersion::V2, NOW).unwrap().unwrap();
    assert_eq!(end(&next, was, true, TxnVersion::V2), Err(ErrorCode::ProducerFenced.into()));
    let late = next.add(was, &[place(2)], TxnVersion::V2, NOW);
    assert_eq!(late, Err(ErrorCode::ProducerFenced));
}

#[test]
fn an_abort_of_nothing_gives_the_next_epoch() {
    let aborted = ends(&first(), false, TxnVersion::V2).complete(NOW);
    assert_eq!((aborted.state, aborted.epoch), (TxnState::CompleteAbort, 1));
    let commit = end(&first(), producer(&first()), true, TxnVersion::V2);
    assert_eq!(commit, Err(ErrorCode::InvalidTxnState.into()));
}

#[test]
fn epochs_that_are_used_up_bring_a_new_producer_id() {
    let last = with_epoch(Transaction::LAST_EPOCH, ongoing(TxnVersion::V2));
    let ask = EndAsk {
        producer: producer(&last),
        commit: true,
        version: TxnVersion::V2,
        spare_id: Some(8),
    };
    let none = EndAsk { spare_id: None, ..ask };
    assert_eq!(last.end(none, NOW), Err(Decline::NeedsProducerId));
    let Ok(End::Ends(ending)) = last.end(ask, NOW) else { panic!("it is open") };
    assert_eq!((ending.producer_id, ending.epoch), (7, i16::MAX), "for its markers");
    let done = ending.complete(NOW);
    assert_eq!((done.producer_id, done.epoch), (8, 0));
    assert_eq!(done.end(ask, NOW), Ok(End::Done), "a retry by the old name");

    let at_rest = with_epoch(Transaction::LAST_EPOCH, first());
    let rotated = ready(&at_rest, InitAsk { spare_id: Some(9), ..self::ask(None) });
    assert_eq!((rotated.producer_id, rotated.epoch), (9, 0));
}

#[test]
fn a_fence_at_the_last_epoch_leaves_none_to_give_out() {
    let open = with_epoch(Transaction::LAST_EPOCH, ongoing(TxnVersion::V2));
    let fenced = open.fence(TxnVersion::V2, NOW).complete(NOW);
    assert_eq!(fenced.epoch, i16::MAX);
    let asked = Transaction::init(Some(&fenced), ask(None), TxnVersion::V2, NOW);
    assert_eq!(asked, Err(Decline::NeedsProducerId));
}

#[test]
fn what_is_stored_is_read_again() {
    let stored = ends(&ongoing(TxnVersion::V2), false, TxnVersion::V2);
    let (key, value) = encode(&"id".into(), &stored, TxnVersion::V2).unwrap();
    let (id, read) = decode(key.clone(), Some(value)).unwrap().unwrap();
    assert_eq!(id, "id");
    assert_eq!(read, Some(Transaction { last_epoch: -1, ..stored.clone() }));
    assert_eq!(decode(key, None).unwrap().unwrap().1, None);
    // Without tagged fields what they say is lost, and an old Kafka can read it.
    let (_, old) = encode(&"id".into(), &stored, TxnVersion::V0).unwrap();
    assert_eq!(old[..2], [0, 0]);
}

#[test]
fn records_that_cannot_be_are_refused() {
    let (key, value) = encode(&"id".into(), &first(), TxnVersion::V2).unwrap();
    let with = |at: usize, byte: u8| {
        let mut value = value.to_vec();
        value[at] = byte;
        decode(key.clone(), Some(value.into())).unwrap_err().to_string()
    };
    assert!(with(1, 9).contains("version 9"));
    assert!(with(16, 77).contains("state 77"));
    assert!(with(2, 0xff).contains("of producer -"));
    assert!(decode(key.slice(..1), None).is_err());
}
