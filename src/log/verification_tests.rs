use std::path::Path;

use super::*;
use crate::base::{ErrorCode, LeaderEpoch};
use crate::log::Placed;
use crate::log::tests::{NOW, open};
use crate::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Limits, Scratch, validate_produced,
};

const ID: i64 = 7;

fn batch_of(id: i64, epoch: i16, base_sequence: i32, transactional: bool) -> Batch {
    let producer = BatchProducer { id, epoch, base_sequence };
    let options = BatchOptions { producer, transactional, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    builder.append(NOW.0, None, Some(b"value"), none).unwrap();
    Batch::new(builder.build().unwrap()).unwrap()
}

fn batch(epoch: i16, base_sequence: i32) -> Batch {
    batch_of(ID, epoch, base_sequence, true)
}

fn append(log: &mut Log, batch: &Batch, guard: Option<Guard>) -> Result<Placed, AppendError> {
    let limits = Limits { now: NOW, ..Limits::default() };
    let checked = validate_produced(batch, &limits, &mut Scratch::new()).unwrap();
    match guard {
        Some(guard) => log.append_verified(batch, &checked, LeaderEpoch::ZERO, NOW, guard),
        None => log.append(batch, &checked, LeaderEpoch::ZERO, NOW),
    }
}

fn guard(log: &mut Log, batch: &Batch, bumps_epoch: bool) -> Guard {
    match log.begin_verification(batch.header(), bumps_epoch).unwrap() {
        Verification::Needed(guard) => guard,
        Verification::Open => panic!("no transaction is open"),
    }
}

fn end(log: &mut Log, producer_epoch: i16, transaction_version: i16) {
    let end = EndTxn {
        producer_id: ID,
        producer_epoch,
        coordinator_epoch: 0,
        commit: true,
        transaction_version,
    };
    log.append_marker(end, LeaderEpoch::ZERO, NOW).unwrap();
}

fn log(folder: &Path) -> Log {
    open(folder)
}

#[test]
fn a_transaction_opens_with_a_guard_and_goes_on_without() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let error = append(&mut log, &batch(0, 0), None).unwrap_err();
    assert!(matches!(error, AppendError::NotInTransaction { producer_id: ID }), "{error}");
    assert_eq!(error.code(), ErrorCode::InvalidTxnState);
    let first = guard(&mut log, &batch(0, 0), false);
    append(&mut log, &batch(0, 0), Some(first)).unwrap();
    // The second one may have waited with it.
    append(&mut log, &batch(0, 1), Some(first)).unwrap();
    append(&mut log, &batch(0, 2), None).unwrap();
    let open = log.begin_verification(batch(0, 3).header(), false).unwrap();
    assert_eq!(open, Verification::Open);
    assert_eq!(log.last_stable_offset(), crate::base::Offset::ZERO);
    end(&mut log, 0, 1);
    assert_eq!(log.last_stable_offset(), log.end());
    // A batch that is remembered is no reason to ask.
    let known = log.begin_verification(batch(0, 1).header(), false).unwrap();
    assert_eq!(known, Verification::Open);
    assert!(append(&mut log, &batch(0, 1), None).unwrap().duplicate);
}

#[test]
fn a_guard_is_void_once_a_marker_was_appended() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let late = guard(&mut log, &batch(0, 0), false);
    end(&mut log, 0, 1);
    let error = append(&mut log, &batch(0, 0), Some(late)).unwrap_err();
    assert!(matches!(error, AppendError::GuardVoid { producer_id: ID }), "{error}");
    assert_eq!((log.open_transaction(), log.last_stable_offset()), (None, log.end()));
    let next = guard(&mut log, &batch(0, 0), false);
    assert_ne!(next, late);
    assert!(append(&mut log, &batch(0, 0), Some(late)).is_err());
    append(&mut log, &batch(0, 0), Some(next)).unwrap();
}

#[test]
fn where_markers_bump_the_epoch_the_next_transactions_guard_outlives_the_marker() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let first = guard(&mut log, &batch(0, 0), true);
    append(&mut log, &batch(0, 0), Some(first)).unwrap();
    // The coordinator has answered the client, but its marker is not here yet.
    let next = guard(&mut log, &batch(1, 0), true);
    end(&mut log, 1, 2);
    append(&mut log, &batch(1, 0), Some(next)).unwrap();
    let old = log.begin_verification(batch(0, 1).header(), true).unwrap_err();
    assert!(matches!(old, AppendError::Fenced { got: 0, current: 1, .. }), "{old}");
}

#[test]
fn a_guard_is_void_once_a_newer_epoch_has_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let old = guard(&mut log, &batch(0, 0), false);
    let new = guard(&mut log, &batch(1, 0), false);
    append(&mut log, &batch(1, 0), Some(new)).unwrap();
    let error = append(&mut log, &batch(0, 0), Some(old)).unwrap_err();
    assert!(matches!(error, AppendError::Fenced { .. }), "{error}");
    assert!(log.verifications.awaited.is_empty());
}

#[test]
fn who_claims_a_newer_epoch_and_writes_nothing_stands_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let own = guard(&mut log, &batch(0, 0), false);
    guard(&mut log, &batch(9, 0), false);
    append(&mut log, &batch(0, 0), Some(own)).unwrap();
}

#[test]
fn a_higher_sequence_is_not_written_before_a_lower_one_that_waits() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let shared = guard(&mut log, &batch(0, 1), false);
    assert_eq!(guard(&mut log, &batch(0, 0), false), shared);
    let error = append(&mut log, &batch(0, 1), Some(shared)).unwrap_err();
    assert!(matches!(error, AppendError::OutOfOrder { got: 1, .. }), "{error}");
    append(&mut log, &batch(0, 0), Some(shared)).unwrap();
    append(&mut log, &batch(0, 1), Some(shared)).unwrap();
}

#[test]
fn a_producer_whose_epoch_is_bumped_begins_at_sequence_zero() {
    for (bumps_epoch, allowed) in [(false, true), (true, false)] {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path());
        let first = guard(&mut log, &batch(0, 5), bumps_epoch);
        assert_eq!(append(&mut log, &batch(0, 5), Some(first)).is_ok(), allowed);
    }
}

#[test]
fn only_a_transactions_batch_is_asked_about_and_it_has_a_producer() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    assert!(log.begin_verification(batch_of(-1, -1, -1, true).header(), false).is_err());
    let plain = batch_of(ID, 0, 0, false);
    let verification = log.begin_verification(plain.header(), false).unwrap();
    assert_eq!(verification, Verification::Open);
    assert!(log.verifications.awaited.is_empty());
}

#[test]
fn those_who_wait_are_bounded_and_expire() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path());
    let guards: Vec<Guard> = (0..=AWAITED_AT_MOST as i64)
        .map(|id| guard(&mut log, &batch_of(id, 0, 0, true), false))
        .collect();
    assert_eq!(log.verifications.awaited.len(), AWAITED_AT_MOST);
    let oldest = append(&mut log, &batch_of(0, 0, 0, true), Some(guards[0]));
    assert!(matches!(oldest, Err(AppendError::GuardVoid { .. })));
    append(&mut log, &batch_of(1, 0, 0, true), Some(guards[1])).unwrap();
    log.expire_producers(i64::MAX);
    assert!(log.verifications.awaited.is_empty());
}
