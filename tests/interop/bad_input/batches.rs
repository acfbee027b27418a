//! Batches that are not sound: each gets its error, with words, and appends nothing.

use std::thread;
use std::time::{Duration, Instant};

use klog::record::{BatchOptions, Codec};
use klog::wire::produce::ProduceRequest;

use super::{MIB, assert_takes_at_most};
use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::{PRODUCE, Raw, batch, batch_at, batch_of, produce_request};

const CORRUPT_MESSAGE: i16 = 2;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TIMESTAMP: i16 = 32;
const INVALID_RECORD: i16 = 87;

/// Where a batch's fields stand.
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
const RECORD_COUNT_AT: usize = 57;

/// Makes the CRC right again after a change.
fn seal(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    batch
}

const BYTES_BEHIND: &str = "bytes behind the batch";

#[test]
fn a_batch_that_is_not_sound_gets_its_error_and_appends_nothing() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("bad");
    let good = batch(&[b"one", b"two", b"three"]);
    let changed = |at: usize, to: u8| {
        let mut batch = good.clone();
        batch[at] = to;
        batch
    };
    let last = good.len() - 1;
    let control = BatchOptions { control: true, ..BatchOptions::default() };
    for (what, records, code, said) in [
        ("a bit flipped in a record", changed(last, good[last] ^ 1), CORRUPT_MESSAGE, "CRC"),
        (
            "a count that is too large",
            seal(changed(RECORD_COUNT_AT + 3, 4)),
            INVALID_RECORD,
            "4 records up to offset delta 2",
        ),
        (
            "a count that is too small",
            seal(changed(RECORD_COUNT_AT + 3, 2)),
            INVALID_RECORD,
            "2 records up to offset delta 2",
        ),
        (
            "a last offset delta that is too large",
            seal(changed(LAST_OFFSET_DELTA_AT + 3, 9)),
            INVALID_RECORD,
            "3 records up to offset delta 9",
        ),
        (
            "a count and a delta that both say one record less",
            {
                let mut batch = changed(RECORD_COUNT_AT + 3, 2);
                batch[LAST_OFFSET_DELTA_AT + 3] = 1;
                seal(batch)
            },
            INVALID_RECORD,
            "bytes follow the last record",
        ),
        (BYTES_BEHIND, [&good[..], &[0; 7]].concat(), INVALID_RECORD, "7 bytes stand behind"),
        ("no batch at all", Vec::new(), INVALID_RECORD, "no record batch"),
        (
            "two batches",
            [good.clone(), good.clone()].concat(),
            INVALID_RECORD,
            "one batch is taken per partition",
        ),
        ("a control batch", batch_of(&[b"\0\0\0\x01"], control), INVALID_RECORD, "control"),
    ] {
        if what == BYTES_BEHIND && !broker.is_klog() {
            // Kafka drops them without a word. klog does not append less than it was sent.
            continue;
        }
        let answer = raw.produce("bad", &records);
        assert_eq!(answer.error_code, code, "{what}: {answer:?}");
        if broker.is_klog() {
            let message = answer.error_message.expect("there are words");
            assert!(message.contains(said), "{what}: {message}");
        }
        assert_eq!(raw.latest("bad"), 0, "{what} was appended");
    }
    assert_eq!((raw.produce("bad", &good).error_code, raw.latest("bad")), (0, 3));
}

#[test]
fn a_batch_over_the_topics_limit_is_too_large() {
    let broker = Broker::with(&[("message.max.bytes", "1000")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("small");
    let answer = raw.produce("small", &batch(&[&[b'x'; 1000]]));
    assert_eq!(answer.error_code, MESSAGE_TOO_LARGE);
    if broker.is_klog() {
        let message = answer.error_message.expect("there are words");
        assert!(message.contains("1000 are allowed"), "{message}");
    }
    assert_eq!(raw.produce("small", &batch(&[&[b'x'; 500]])).error_code, 0);
    assert_eq!(raw.latest("small"), 1);
}

/// A batch that is small and becomes 160 MiB: beyond what klog decompresses.
fn bomb(codec: Codec) -> Vec<u8> {
    batch_of(&[&vec![0; 160 * MIB]], BatchOptions { codec, ..BatchOptions::default() })
}

#[test]
fn a_decompression_bomb_of_every_codec_is_refused_in_bounded_memory() {
    let broker = klog_with(Own::Bounds, &[("message.max.bytes", "20000000")]);
    Raw::connect(broker.address()).make_topic("bombs");
    let address = broker.address();
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = bomb(codec);
        // 100 MiB are decompressed, into a buffer that doubles; and that by few at a time, whoever sends them.
        let throwers = 6;
        assert_takes_at_most(420 * MIB + throwers * 2 * bomb.len(), &broker, || {
            thread::scope(|scope| {
                for _ in 0..throwers {
                    scope.spawn(|| {
                        let answer = Raw::connect(address).produce("bombs", &bomb);
                        let message = answer.error_message.unwrap_or_default();
                        assert_eq!(answer.error_code, MESSAGE_TOO_LARGE, "{codec}: {message}");
                        let said = format!("{codec} data of more than 104857600 bytes");
                        assert!(message.contains(&said), "{message}");
                    });
                }
            });
        });
    }
    assert_eq!(Raw::connect(address).latest("bombs"), 0);
}

#[test]
fn compressed_bytes_that_are_none_are_an_invalid_record() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("broken");
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut batch = batch(&[b"not compressed at all"]);
        batch[ATTRIBUTES_AT + 1] = codec.id();
        let answer = raw.produce("broken", &seal(batch));
        if broker.is_klog() {
            assert_eq!(answer.error_code, INVALID_RECORD, "{codec}");
            let message = answer.error_message.expect("there are words");
            assert!(message.contains(&format!("broken {codec} data")), "{message}");
        }
    }
    assert_eq!(raw.latest("broken"), 0);
}

#[test]
fn what_takes_long_to_check_keeps_its_place_in_the_order() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("order");
    // Larger than what is decompressed at once, but within the limits.
    let large = BatchOptions { codec: Codec::Gzip, ..BatchOptions::default() };
    let heavy = batch_of(&[&vec![0; 8 * MIB]], large);
    let light = batch(&[b"light"]);
    for records in [&heavy, &light, &light, &heavy, &light] {
        raw.send(PRODUCE, &produce_request("order", -1, records));
    }
    for offset in 0..5 {
        let (_, answer) = raw.receive::<ProduceRequest>(PRODUCE);
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, offset), "{partition:?}");
    }
}

#[test]
fn a_record_from_the_far_future_is_refused() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("times");
    let future = batch_at(32_503_680_000_000, &[b"the year 3000"], BatchOptions::default());
    assert_eq!(raw.produce("times", &future).error_code, INVALID_TIMESTAMP);
    assert_eq!(raw.latest("times"), 0);
}

#[test]
fn timestamps_at_the_ends_of_their_type_are_refused_and_the_record_is_named() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("ends");
    let at = |base: i64| {
        let mut batch = batch_at(1_700_000_000_000, &[b"a", b"b"], BatchOptions::default());
        batch[BASE_TIMESTAMP_AT..BASE_TIMESTAMP_AT + 8].copy_from_slice(&base.to_be_bytes());
        seal(batch)
    };
    let last = raw.produce("ends", &at(i64::MAX - 1));
    assert_eq!(last.error_code, INVALID_TIMESTAMP, "{last:?}");
    if broker.is_klog() {
        assert_eq!(last.record_errors[0].batch_index, 0, "{last:?}");
        // The second record's timestamp would be beyond 64 bits.
        assert_eq!(raw.produce("ends", &at(i64::MAX)).error_code, INVALID_TIMESTAMP);
        raw.produce("ends", &at(i64::MIN));
    }
    assert_eq!(raw.produce("ends", &batch(&[b"sound"])).error_code, 0);
}

#[test]
fn retention_deletes_no_fresh_record_because_of_one_with_an_old_timestamp() {
    let broker = Broker::with(&[
        ("log.retention.ms", "3600000"),
        ("log.retention.check.interval.ms", "50"),
        ("log.segment.delete.delay.ms", "0"),
    ]);
    let mut raw = Raw::connect(broker.address());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_millis() as i64;
    let old = batch_at(0, &[b"from 1970"], BatchOptions::default());
    let fresh = batch_at(now, &[b"fresh"], BatchOptions::default());
    for topic in ["mixed", "old"] {
        raw.make_topic(topic);
    }
    for records in [&fresh, &old, &old] {
        assert_eq!(raw.produce("mixed", records).error_code, 0);
    }
    assert_eq!(raw.produce("old", &old).error_code, 0);
    // Retention has passed once what is old alone is gone, and again for a second one.
    let end = Instant::now() + Duration::from_secs(20);
    for start in 1..=2 {
        while raw.list("old", -2, -1).offset < start {
            assert!(Instant::now() < end, "retention does not come");
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(raw.produce("old", &old).error_code, 0);
    }
    assert_eq!((raw.list("mixed", -2, -1).offset, raw.latest("mixed")), (0, 3));
}
