//! Batches that librdkafka makes: produced into its own mock broker, fetched back as they were sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use klog::base::Millis;
use klog::record::{
    Batch, BatchOptions, Codec, Header, Limits, Record, Scratch, TimestampType, split_batches,
    validate_produced,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rdkafka::ClientConfig;
use rdkafka::message::{Header as TheirHeader, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::sample::{build, read, sample};

const TOPIC: &str = "batches";

#[test]
fn batches_of_librdkafka_are_sound_and_hold_what_was_sent_in_every_codec() {
    for codec in Codec::ALL {
        for idempotent in [false, true] {
            let broker = Mock::start(codec, idempotent);
            let sent = sample(500, 0);
            broker.send(&sent);
            let batches = broker.fetch(0);
            assert!(batches.iter().any(|batch| batch.header().codec() == Ok(codec)), "{codec}");
            let ids = batches.iter().all(|batch| batch.header().has_producer_id());
            assert_eq!(ids, idempotent);
            assert_eq!(check(&batches), sent, "{codec}");
        }
    }
}

#[test]
fn what_librdkafka_makes_of_any_records_is_read_as_it_was_sent() {
    for codec in Codec::ALL {
        let broker = Mock::start(codec, false);
        let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
        let random = runner.run(&vec(record(), 1..40), |mut sent| {
            let from = NEXT.get();
            for (at, record) in sent.iter_mut().enumerate() {
                record.offset = from + at as i64;
            }
            NEXT.set(from + sent.len() as i64);
            broker.send(&sent);
            let read: Vec<Record> =
                check(&broker.fetch(from)).into_iter().filter(|r| r.offset >= from).collect();
            prop_assert_eq!(read, sent);
            Ok(())
        });
        assert_eq!(random, Ok(()), "{codec}");
        assert!(NEXT.replace(0) > 0, "something was sent");
    }
}

#[test]
fn the_same_records_make_the_same_uncompressed_bytes() {
    let broker = Mock::start(Codec::None, false);
    let sent = sample(40, 0);
    broker.send(&sent);
    for theirs in broker.fetch(0) {
        let ours = build(BatchOptions::default(), &read(&theirs));
        assert_eq!(ours.payload(), theirs.payload());
    }
}

thread_local! {
    /// Where the next case starts: one that is tried again, smaller, goes on where the one before ended.
    static NEXT: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

fn record() -> impl Strategy<Value = Record> {
    let part = |max| option::of(vec(any::<u8>(), 0..max).prop_map(Bytes::from));
    let header =
        ("[a-c]{1,2}", part(9)).prop_map(|(key, value)| Header { key: Bytes::from(key), value });
    (1i64..1 << 42, part(30), part(3000), vec(header, 0..4)).prop_map(
        |(timestamp, key, value, headers)| Record { offset: 0, timestamp, key, value, headers },
    )
}

/// Checks each batch as a broker would, and reads its records.
fn check(batches: &[Batch]) -> Vec<Record> {
    let mut scratch = Scratch::new();
    let limits = Limits { timestamp_after_max_ms: i64::MAX, ..Limits::default() };
    batches
        .iter()
        .flat_map(|batch| {
            let checked = validate_produced(batch, &limits, &mut scratch).expect("sound");
            assert_eq!(batch.header().timestamp_type(), TimestampType::CreateTime);
            assert_eq!(checked.max_timestamp, Millis(batch.header().max_timestamp));
            read(batch)
        })
        .collect()
}

/// librdkafka's mock broker and a producer on it.
struct Mock {
    producer: ThreadedProducer<DefaultProducerContext>,
    address: String,
    _cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    fn start(codec: Codec, idempotent: bool) -> Mock {
        let cluster = MockCluster::new(1).expect("a mock cluster starts");
        cluster.create_topic(TOPIC, 1, 1).expect("a topic");
        let address = cluster.bootstrap_servers();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &address)
            .set("compression.type", codec.name())
            .set("enable.idempotence", idempotent.to_string())
            .set("linger.ms", "50")
            .set("batch.num.messages", "100")
            .create()
            .expect("a producer");
        Mock { producer, address, _cluster: cluster }
    }

    fn send(&self, records: &[Record]) {
        for record in records {
            let mut headers = OwnedHeaders::new();
            for header in &record.headers {
                let key = header.key_str().expect("UTF-8");
                headers = headers.insert(TheirHeader { key, value: header.value.as_deref() });
            }
            let mut sending: BaseRecord<'_, [u8], [u8]> =
                BaseRecord::to(TOPIC).partition(0).timestamp(record.timestamp).headers(headers);
            sending.key = record.key.as_deref();
            sending.payload = record.value.as_deref();
            self.producer.send(sending).map_err(|(error, _)| error).expect("it is queued");
        }
        self.producer.flush(Duration::from_secs(30)).expect("it is sent");
    }

    /// All batches from the one with offset `from` on.
    fn fetch(&self, from: i64) -> Vec<Batch> {
        let mut all: Vec<Batch> = Vec::new();
        loop {
            let next = all.last().map_or(from, |batch| batch.header().last_offset() + 1);
            let more = self.fetch_some(next);
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// Some batches, by Fetch v4 in plain bytes.
    fn fetch_some(&self, from: i64) -> Vec<Batch> {
        let mut request = Vec::new();
        request.put_slice(&[0, 1, 0, 4]); // Fetch, version 4
        request.put_i32(77);
        put_text(&mut request, "test");
        request.put_i32(-1); // a client, not a replica
        request.put_i32(0); // no wait
        request.put_i32(1);
        request.put_i32(i32::MAX);
        request.put_u8(0);
        request.put_i32(1);
        put_text(&mut request, TOPIC);
        request.put_i32(1);
        request.put_i32(0);
        request.put_i64(from);
        request.put_i32(i32::MAX);
        let mut reply = exchange(&self.address, &request);
        assert_eq!(reply.get_i32(), 77);
        reply.advance(4 + 4 + 2 + TOPIC.len() + 4 + 4); // throttle, one topic, one partition, its index
        assert_eq!(reply.get_i16(), 0, "no error");
        reply.advance(8 + 8);
        let aborted = reply.get_i32();
        assert!(aborted <= 0, "no transactions here");
        let length = reply.get_i32().max(0) as usize;
        let batches = split_batches(reply.split_to(length));
        batches.collect::<Result<_, _>>().expect("whole batches")
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

/// Sends one frame and takes one.
fn exchange(address: &str, request: &[u8]) -> Bytes {
    let mut socket = TcpStream::connect(address).expect("the mock broker listens");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let frame = [&(request.len() as i32).to_be_bytes()[..], request].concat();
    socket.write_all(&frame).expect("it takes the request");
    let mut length = [0; 4];
    socket.read_exact(&mut length).expect("it answers");
    let mut reply = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut reply).expect("the answer is whole");
    Bytes::from(reply)
}
