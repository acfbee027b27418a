//! What is counted agrees with what was done, while it is being scraped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use klog::wire::fetch::FetchRequest;
use klog::wire::offset_commit::OffsetCommitRequest;
use klog::wire::produce::ProduceRequest;

use crate::http;
use crate::kafka::{self, COMMIT, FETCH, PRODUCE};
use crate::node::Node;
use crate::scrape::{OPENMETRICS, Scrape, strictly};

const PRODUCERS: usize = 4;
const REQUESTS: usize = 150;
const RECORDS: usize = 5;

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis() as i64
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_under_load_count_every_request_and_every_byte() {
    let node = Node::start_with(|config| config.topic.flush_messages = 1).await;
    kafka::create(&mut node.connect(), ["events"]);
    let batch = kafka::batch(RECORDS, now_ms());
    let request = kafka::produce("events", 0, batch.clone());
    let done = AtomicBool::new(false);
    let answers: usize = std::thread::scope(|scope| {
        let scraping = scope.spawn(|| {
            let mut last = node.scrape();
            let mut count = 0;
            while !done.load(Ordering::Acquire) || count < 10 {
                let next = node.scrape();
                next.assert_not_before(&last);
                (last, count) = (next, count + 1);
            }
        });
        let produce = || {
            let mut kafka = node.connect();
            let mut bytes = 0;
            for _ in 0..REQUESTS {
                let sent = kafka.send(PRODUCE, &request);
                let frame = kafka.frame();
                bytes += frame.len() + size_of::<i32>();
                let (id, _) = klog::wire::decode_response_header(
                    <ProduceRequest as klog::wire::Request>::API,
                    PRODUCE,
                    frame,
                )
                .expect("a header");
                assert_eq!(id, sent);
            }
            bytes
        };
        let producers: Vec<_> = (0..PRODUCERS).map(|_| scope.spawn(produce)).collect();
        let answers = producers.into_iter().map(|one| one.join().expect("it produces")).sum();
        done.store(true, Ordering::Release);
        scraping.join().expect("it scrapes");
        answers
    });
    let scrape = node.scrape();
    let requests = (PRODUCERS * REQUESTS) as f64;
    let one = kafka::size(PRODUCE, &request) as f64;
    assert_eq!(scrape.value(r#"klog_request_duration_seconds_count{api="Produce"}"#), requests);
    assert_eq!(scrape.value(r#"klog_request_bytes_total{api="Produce"}"#), requests * one);
    assert_eq!(scrape.value(r#"klog_response_bytes_total{api="Produce"}"#), answers as f64);
    let records = requests * RECORDS as f64;
    assert_eq!(scrape.value(r#"klog_topic_appended_records_total{topic="events"}"#), records);
    let bytes = requests * batch.len() as f64;
    assert_eq!(scrape.value(r#"klog_topic_appended_bytes_total{topic="events"}"#), bytes);
    assert_eq!(scrape.value(r#"klog_topic_size_bytes{topic="events"}"#), bytes);
    assert_eq!(scrape.value(r#"klog_topic_segments{topic="events"}"#), 1.0);
    let dir = format!("{{dir=\"{}\"}}", node.dir());
    assert_eq!(scrape.value(&format!("klog_log_dir_size_bytes{dir}")), bytes);
    // A group commit serves several producers, and each needs one.
    let flushes = scrape.value(&format!("klog_flush_duration_seconds_count{dir}"));
    assert!(flushes >= REQUESTS as f64 && flushes <= requests, "{flushes}");
    assert!(scrape.value(&format!("klog_fsync_duration_seconds_count{dir}")) >= flushes);
    assert_eq!(scrape.sum("klog_request_errors_total"), 0.0, "{}", scrape.text);
    node.wait_for("connections are gone", |scrape| scrape.value("klog_connections") == 0.0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_fetch_and_errors_in_answers_are_seen() {
    let node = Node::start().await;
    let mut kafka = node.connect();
    kafka::create(&mut kafka, ["events"]);
    let nowhere = kafka::produce("events", 7, kafka::batch(1, 0));
    let refused = kafka.call::<ProduceRequest>(PRODUCE, &nowhere);
    assert_eq!(refused.responses[0].partition_responses[0].error_code, 3);
    let parked = r#"klog_parked_requests{api="Fetch"}"#;
    let mut reader = node.connect();
    reader.send::<FetchRequest>(FETCH, &kafka::fetch("events", 0, 60_000));
    let scrape = node.wait_for("a fetch is parked", |scrape| scrape.value(parked) == 1.0);
    let errors = r#"klog_request_errors_total{api="Produce",error="UNKNOWN_TOPIC_OR_PARTITION"}"#;
    assert_eq!(scrape.value(errors), 1.0);
    assert_eq!(scrape.value("klog_connections"), 2.0);
    assert_eq!(scrape.value(r#"klog_request_duration_seconds_count{api="Fetch"}"#), 0.0);
    kafka.call::<ProduceRequest>(PRODUCE, &kafka::produce("events", 0, kafka::batch(1, 0)));
    reader.receive::<FetchRequest>(FETCH);
    let scrape = node.scrape();
    assert_eq!(scrape.value(parked), 0.0);
    assert_eq!(scrape.value(r#"klog_request_duration_seconds_count{api="Fetch"}"#), 1.0);
    drop(reader);
    kafka.send_bytes(b"\0\0\0\x08\x7f\xff\0\0\0\0\0\0");
    let refused = r#"klog_connections_closed_total{reason="refused"}"#;
    let gone = |scrape: &Scrape| scrape.value(refused) == 1.0;
    node.wait_for("what is no request is refused", gone);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_lag_is_told_in_records_and_in_seconds() {
    const OLD_MS: i64 = 300_000;
    let node = Node::start().await;
    let mut kafka = node.connect();
    kafka::create(&mut kafka, ["events"]);
    kafka::begin_groups(&mut kafka);
    let made = now_ms() - OLD_MS;
    for (records, timestamp) in [(70, made), (20, made + 100_000), (5, now_ms())] {
        let batch = kafka::batch(records, timestamp);
        kafka.call::<ProduceRequest>(PRODUCE, &kafka::produce("events", 0, batch));
    }
    let group = "the \"nightly\" \\ job\nof two lines";
    let labels = r#"{group="the \"nightly\" \\ job\nof two lines",topic="events"}"#;
    let mut lag_at = |offset: i64| {
        let done =
            kafka.call::<OffsetCommitRequest>(COMMIT, &kafka::commit(group, "events", offset));
        assert_eq!(done.topics[0].partitions[0].error_code, 0);
        let scrape = node.scrape();
        let records = scrape.value(&format!("klog_group_lag_records{labels}"));
        (records, scrape.value(&format!("klog_group_lag_seconds{labels}")), scrape)
    };
    // A slow machine makes records older, never younger.
    let (records, seconds, _) = lag_at(0);
    assert_eq!(records, 95.0);
    assert!((300.0..360.0).contains(&seconds), "{seconds}");
    let (records, seconds, _) = lag_at(72);
    assert_eq!(records, 23.0);
    assert!((200.0..260.0).contains(&seconds), "{seconds}");
    let (records, seconds, _) = lag_at(90);
    assert_eq!(records, 5.0);
    assert!((0.0..60.0).contains(&seconds), "{seconds}");
    let (records, seconds, scrape) = lag_at(95);
    assert_eq!((records, seconds), (0.0, 0.0));
    assert!(scrape.values.contains_key(&format!("klog_group_lag_seconds{labels}")));
    assert_eq!(scrape.value(r#"klog_groups{state="Empty"}"#), 1.0);
    strictly(&scrape.text, false);
    let page = http::get(node.metrics, "/metrics", OPENMETRICS);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with(OPENMETRICS)));
    strictly(&page.body, true);
    node.stop().await;
}
