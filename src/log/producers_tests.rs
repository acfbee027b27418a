use super::*;

fn batch(epoch: i16, first_sequence: i32, count: i32) -> BatchHeader {
    let mut bytes = [0; crate::record::HEADER_LEN];
    bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
    bytes[16] = 2;
    let mut header = BatchHeader::parse(&bytes).unwrap();
    header.producer_id = 7;
    header.producer_epoch = epoch;
    header.base_sequence = first_sequence;
    header.record_count = count;
    header.last_offset_delta = count - 1;
    header
}

fn transactional(header: BatchHeader) -> BatchHeader {
    BatchHeader { attributes: header.attributes.with_transactional(true), ..header }
}

fn marker(producer_epoch: i16, coordinator_epoch: i32) -> Ended {
    let coordinator_epoch = Some(coordinator_epoch);
    Ended {
        producer_id: 7,
        producer_epoch,
        coordinator_epoch,
        aborts: false,
        offset: 99,
        timestamp: 5,
    }
}

fn end(producer_epoch: i16, coordinator_epoch: i32, transaction_version: i16) -> EndTxn {
    EndTxn { producer_id: 7, producer_epoch, coordinator_epoch, commit: true, transaction_version }
}

fn check(producers: &Producers, header: &BatchHeader) -> Result<(), AppendError> {
    producers.check(header, None)
}

fn refused(producers: &Producers, header: &BatchHeader) -> Option<i32> {
    match check(producers, header) {
        Err(AppendError::OutOfOrder { last, .. }) => Some(last),
        Ok(()) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_last_five_batches_are_known_again_with_their_offsets() {
    let mut producers = Producers::default();
    for at in 0..7 {
        producers.note(&batch(0, at * 10, 10), i64::from(at) * 10, 0);
    }
    for at in 2..7 {
        let known = producers.duplicate(&batch(0, at * 10, 10)).unwrap();
        assert_eq!(known.first_offset(), i64::from(at) * 10);
    }
    assert_eq!(producers.duplicate(&batch(0, 10, 10)), None);
    assert_eq!(refused(&producers, &batch(0, 10, 10)), Some(69));
    assert_eq!(refused(&producers, &batch(0, 70, 1)), None);
}

#[test]
fn sequence_numbers_wrap_after_the_largest() {
    let mut producers = Producers::default();
    producers.note(&batch(0, i32::MAX - 1, 2), 0, 0);
    assert_eq!(refused(&producers, &batch(0, 0, 3)), None);
    producers.note(&batch(0, i32::MAX, 1), 2, 0);
    let mut across = Producers::default();
    across.note(&batch(0, i32::MAX, 3), 0, 0);
    assert!(across.duplicate(&batch(0, i32::MAX, 3)).is_some());
    assert_eq!(refused(&across, &batch(0, 2, 1)), None);
}

#[test]
fn an_older_epoch_is_fenced_and_a_newer_one_starts_at_zero() {
    let mut producers = Producers::default();
    producers.note(&batch(3, 0, 1), 0, 0);
    let fenced = check(&producers, &batch(2, 1, 1));
    assert!(matches!(fenced, Err(AppendError::Fenced { current: 3, .. })));
    assert_eq!(refused(&producers, &batch(4, 1, 1)), Some(-1));
    assert_eq!(refused(&producers, &batch(4, 0, 1)), None);
}

#[test]
fn a_transaction_is_open_from_its_first_batch_to_its_marker() {
    let mut producers = Producers::default();
    producers.note(&transactional(batch(0, 0, 2)), 10, 0);
    producers.note(&transactional(batch(0, 2, 1)), 12, 0);
    assert_eq!(producers.first_open(), Some(10));
    assert_eq!(producers.open().next().unwrap().1.transaction_start, Some(10));
    // Since KIP-890 the marker bears the next epoch.
    assert_eq!(producers.end(&marker(1, 0)), Some(10));
    assert_eq!((producers.first_open(), producers.open().count()), (None, 0));
    assert_eq!(refused(&producers, &batch(1, 0, 1)), None);
    assert!(matches!(check(&producers, &batch(0, 3, 1)), Err(AppendError::Fenced { .. })));
}

#[test]
fn after_a_marker_with_a_new_epoch_the_sequence_starts_over_and_with_the_same_one_it_goes_on() {
    let mut producers = Producers::default();
    producers.note(&transactional(batch(0, 0, 2)), 10, 0);
    producers.end(&marker(0, 0));
    assert_eq!(refused(&producers, &transactional(batch(0, 0, 1))), Some(1));
    assert_eq!(refused(&producers, &transactional(batch(0, 2, 1))), None);
    producers.end(&marker(1, 0));
    assert_eq!(refused(&producers, &transactional(batch(1, 2, 1))), Some(-1));
    assert_eq!(refused(&producers, &transactional(batch(1, 0, 1))), None);
}

#[test]
fn a_batch_without_a_sequence_is_a_coordinators_and_repeats_none() {
    let mut producers = Producers::default();
    producers.note(&transactional(batch(0, -1, 2)), 10, 0);
    assert_eq!(producers.duplicate(&transactional(batch(0, -1, 2))), None);
    assert!(check(&producers, &transactional(batch(0, -1, 2))).is_ok());
}

#[test]
fn while_a_transaction_is_open_its_producer_writes_nothing_outside_of_it() {
    let mut producers = Producers::default();
    producers.note(&transactional(batch(0, 0, 1)), 10, 0);
    for header in [batch(0, 1, 1), batch(1, 0, 1)] {
        let refused = check(&producers, &header);
        assert!(matches!(refused, Err(AppendError::OutsideTransaction { .. })));
        assert!(check(&producers, &transactional(header)).is_ok());
    }
}

#[test]
fn a_marker_is_held_to_the_epochs_of_its_producer_and_its_coordinator() {
    let mut producers = Producers::default();
    assert!(producers.check_end(&end(0, 0, 2)).is_ok());
    producers.note(&transactional(batch(3, 0, 1)), 10, 0);
    for version in [0, 1, 2] {
        let old = producers.check_end(&end(2, 0, version));
        assert!(matches!(old, Err(AppendError::Fenced { got: 2, current: 3, .. })));
        assert!(producers.check_end(&end(4, 0, version)).is_ok());
    }
    // The same epoch ends a transaction only before version 2, or where no higher one is left.
    assert!(producers.check_end(&end(3, 0, 1)).is_ok());
    let late = producers.check_end(&end(3, 0, 2));
    assert!(matches!(late, Err(AppendError::Fenced { got: 3, current: 3, .. })));
    producers.note(&transactional(batch(i16::MAX, 0, 1)), 10, 0);
    assert!(producers.check_end(&end(i16::MAX, 0, 2)).is_ok());
    // One that ended it and comes again is let through.
    let mut producers = Producers::default();
    producers.note(&transactional(batch(3, 0, 1)), 10, 0);
    producers.end(&marker(4, 8));
    assert!(producers.check_end(&end(4, 8, 2)).is_ok());
    let fenced = producers.check_end(&end(4, 7, 2));
    let Err(error @ AppendError::CoordinatorFenced { got: 7, current: 8, .. }) = fenced else {
        panic!("{fenced:?}")
    };
    assert_eq!(error.code(), crate::base::ErrorCode::TransactionCoordinatorFenced);
}

#[test]
fn open_transactions_are_known_in_order_and_outlive_their_producers_silence() {
    let mut producers = Producers::default();
    for (id, offset) in [(5, 40), (6, 20), (7, 30)] {
        let header = BatchHeader { producer_id: id, ..transactional(batch(0, 0, 1)) };
        producers.note(&header, offset, 100);
    }
    producers.expire(1000);
    let ids = |producers: &Producers| producers.open().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(&producers), [6, 7, 5]);
    assert_eq!(producers.first_open(), Some(20));
    producers.end(&marker(0, 0));
    producers.expire(1000);
    assert_eq!(ids(&producers), [6, 5]);
    assert_eq!(producers.iter().count(), 2);
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    assert!(check(&Producers::default(), &batch(0, 55, 1)).is_ok());
}
