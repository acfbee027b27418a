//! Fetches that want too much.

use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};

use super::{FIRST, MIB, assert_takes_at_most};
use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::{PRODUCE, Raw, batch, produce_to};

const NOT_LEADER_OR_FOLLOWER: i16 = 6;
const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
/// The last version that names topics.
const FETCH: i16 = 12;

fn fetch(topic: &str, partitions: usize, max_bytes: i32) -> FetchRequest {
    let one = |partition| FetchPartition {
        partition,
        partition_max_bytes: i32::MAX,
        ..Default::default()
    };
    let partitions = (0..partitions as i32).map(one).collect();
    let topic = FetchTopic { topic: topic.into(), partitions, ..Default::default() };
    FetchRequest {
        replica_id: -1,
        max_bytes,
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

#[test]
fn a_client_that_says_it_is_a_replica_gets_no_records() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("secret");
    assert_eq!(raw.produce("secret", &batch(&[b"value"])).error_code, 0);
    let partitions = vec![FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() }];
    let topic = FetchTopic { topic: "secret".into(), partitions, ..Default::default() };
    let request = FetchRequest { replica_id: 77, topics: vec![topic], ..Default::default() };
    let answer = raw.call(11, &request);
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, NOT_LEADER_OR_FOLLOWER, "{partition:?}");
    assert!(partition.records.as_ref().is_none_or(|records| records.is_empty()));
}

#[test]
fn ten_thousand_partitions_of_2_gib_share_one_budget() {
    let broker =
        klog_with(Own::Bounds, &[("fetch.max.bytes", "1000000"), ("num.partitions", "100")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("large");
    for partition in 0..20 {
        let request = produce_to("large", partition, &batch(&[&[b'x'; 100_000]]));
        let answer = raw.call(PRODUCE, &request);
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    assert_takes_at_most(FIRST + 32 * MIB, &broker, || {
        let answer = raw.call(FETCH, &fetch("large", 10_000, i32::MAX));
        let partitions = &answer.responses[0].partitions;
        assert_eq!(partitions.len(), 10_000);
        let known = partitions.iter().filter(|partition| partition.error_code == 0);
        let sizes = known.clone().filter_map(|one| Some(one.records.as_ref()?.len()));
        let bytes: usize = sizes.sum();
        assert_eq!(known.count(), 100);
        assert!((500_000..=1_000_000).contains(&bytes), "{bytes} bytes");
    });
}

#[test]
fn a_partition_that_is_named_ten_thousand_times_is_fetched_once() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("again");
    assert_eq!(raw.produce("again", &batch(&[b"value"])).error_code, 0);
    let mut request = fetch("again", 10_000, i32::MAX);
    for partition in &mut request.topics[0].partitions {
        partition.partition = 0;
    }
    let answer = raw.call(FETCH, &request);
    assert_eq!(answer.responses[0].partitions.len(), 1);
}

#[test]
fn a_flood_of_fetch_sessions_forgets_the_oldest() {
    let broker = Broker::with(&[("max.incremental.fetch.session.cache.slots", "50")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("sessions");
    let open = FetchRequest { session_epoch: 0, ..fetch("sessions", 1, MIB as i32) };
    let mut ids = Vec::new();
    assert_takes_at_most(FIRST, &broker, || {
        for _ in 0..1000 {
            let answer = raw.call(FETCH, &open);
            // Kafka evicts no session that is young: then there is none to have.
            assert_eq!((answer.error_code, answer.responses.len()), (0, 1));
            ids.push(answer.session_id);
        }
    });
    if broker.is_klog() {
        let next = |id: i32| FetchRequest {
            session_id: id,
            session_epoch: 1,
            topics: Vec::new(),
            ..fetch("", 0, MIB as i32)
        };
        assert_eq!(raw.call(FETCH, &next(ids[0])).error_code, FETCH_SESSION_ID_NOT_FOUND);
        assert_eq!(raw.call(FETCH, &next(ids[999])).error_code, 0);
    }
}

#[test]
fn a_session_does_not_keep_the_request_that_opened_it() {
    let broker = Broker::start();
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("kept");
    // A request of a MiB, nearly all of it partitions to forget that nobody knows.
    let forgotten_topics_data =
        vec![ForgottenTopic { partitions: vec![7; MIB / 4], ..Default::default() }];
    let open =
        FetchRequest { session_epoch: 0, forgotten_topics_data, ..fetch("kept", 1, MIB as i32) };
    assert_takes_at_most(FIRST + 120 * MIB, &broker, || {
        for _ in 0..300 {
            assert_ne!(raw.call(FETCH, &open).session_id, 0);
        }
    });
}
