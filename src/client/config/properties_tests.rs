//! What happens to each kind of property.

use std::time::Duration;

use super::*;
use crate::client::{Acks, Compression, OffsetReset};

fn entries(pairs: &[(&str, &str)]) -> Vec<Entry> {
    pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

#[test]
fn both_clients_names_are_honoured() {
    let given = entries(&[
        ("metadata.broker.list", "a:1,b:2"),
        ("queue.buffering.max.ms", "0.5"),
        ("request.required.acks", "-1"),
        ("compression.level", "7"),
        ("compression.codec", "zstd"),
        ("buffer.memory", "1000"),
    ]);
    let client = ClientConfig::from_properties(Role::Producer, &given).unwrap();
    assert_eq!(client.bootstrap, ["a:1", "b:2"]);
    let producer = ProducerConfig::from_properties(&given).unwrap();
    assert_eq!(producer.linger, Duration::from_micros(500));
    assert_eq!(producer.compression, Compression::Zstd(Some(7)));
    assert_eq!(producer.buffer_bytes, 1000);
    let given = entries(&[("auto.offset.reset", "by_duration:PT1H"), ("fetch.wait.max.ms", "7")]);
    ClientConfig::from_properties(Role::Consumer, &given).unwrap();
    let consumer = ConsumerConfig::from_properties(&given).unwrap();
    assert_eq!(consumer.offset_reset, OffsetReset::ByDuration(Duration::from_secs(3600)));
    assert_eq!(consumer.fetch_max_wait, Duration::from_millis(7));
}

#[test]
fn every_problem_is_told_at_once() {
    let given = entries(&[
        ("bootstrap.server", "a:1"),
        ("ssl.ca.location", "/x"),
        ("fetch.min.bytes", "1"),
        ("acks", "1"),
        ("socket.timeout.ms", "soon"),
    ]);
    let problems = ClientConfig::from_properties(Role::Producer, &given).unwrap_err();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "there is no property `bootstrap.server`; nearest is `bootstrap.servers`",
            "`ssl.ca.location` is known and not honoured: klog's client has no TLS yet",
            "`fetch.min.bytes` is a property of consumers",
            "`socket.timeout.ms` wants a number of milliseconds, not \"soon\"",
        ]
    );
}

#[test]
fn weaker_acks_turn_idempotence_off_unless_it_was_asked_for() {
    let weak = ProducerConfig::from_properties(&entries(&[("acks", "1")])).unwrap();
    assert_eq!((weak.acks, weak.idempotent), (Acks::Leader, false));
    let asked = entries(&[("acks", "1"), ("enable.idempotence", "true")]);
    assert_eq!(
        ProducerConfig::from_properties(&asked).unwrap_err()[0].to_string(),
        "`acks` wants all, as enable.idempotence is true, not \"1\""
    );
}

#[test]
fn who_asks_for_more_than_one_in_flight_gets_them_without_idempotence_too() {
    let told = |pairs: &[(&str, &str)]| ProducerConfig::from_properties(&entries(pairs)).unwrap();
    assert!(!told(&[("acks", "1")]).may_reorder);
    let many = told(&[("acks", "1"), ("max.in.flight.requests.per.connection", "7")]);
    assert_eq!((many.may_reorder, many.max_in_flight), (true, 7));
    assert!(!told(&[("acks", "1"), ("max.in.flight", "1")]).may_reorder);
}

#[test]
fn a_transactional_id_makes_a_producer_idempotent_and_contradictions_are_told() {
    let given = entries(&[("transactional.id", "id"), ("transaction.timeout.ms", "5000")]);
    let producer = ProducerConfig::from_properties(&given).unwrap();
    assert_eq!(producer.transactional_id.as_deref(), Some("id"));
    assert_eq!((producer.transaction_timeout, producer.idempotent), (Duration::from_secs(5), true));
    let told = |pairs: &[(&str, &str)]| {
        let given = entries(&[&[("transactional.id", "id")], pairs].concat());
        ProducerConfig::from_properties(&given).map_err(|problems| problems[0].to_string())
    };
    let weak = told(&[("acks", "1")]).unwrap_err();
    assert_eq!(weak, "`acks` wants all, as enable.idempotence is true, not \"1\"");
    let weak = told(&[("enable.idempotence", "false")]).unwrap_err();
    assert!(weak.starts_with("`transactional.id` wants enable.idempotence"), "{weak}");
    assert!(told(&[("transaction.timeout.ms", "0")]).is_err());
    assert!(ProducerConfig::from_properties(&entries(&[("transactional.id", "")])).is_err());
}

#[test]
fn no_name_is_listed_twice() {
    let known = KNOWN.iter().flat_map(|(names, _)| names.iter());
    let refused = REFUSED.iter().flat_map(|(_, names)| names.iter());
    let mut all: Vec<&str> = known.chain(refused).copied().collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn properties_files_are_read_as_java_reads_them() {
    let text =
        "# comment\n! another\n\na=1\n b : two words \nc d\ne=x\\\n   y\nf\\=g=\\u0041\\t\\\\\n";
    let got = parse_properties(text).unwrap();
    assert_eq!(
        got,
        entries(&[("a", "1"), ("b", "two words"), ("c", "d"), ("e", "xy"), ("f=g", "A\t\\")])
    );
    assert_eq!(
        parse_properties("ok=1\nnothing\n").unwrap_err(),
        [PropertyError::BadLine { line: 2 }]
    );
}
