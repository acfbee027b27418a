//! A page stays small, however much there is to tell.

use klog::wire::offset_commit::OffsetCommitRequest;
use klog::wire::produce::ProduceRequest;

use crate::kafka::{self, COMMIT, PRODUCE};
use crate::node::Node;
use crate::scrape::strictly;

const TOPICS: usize = 5000;
const GROUPS: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_topics_and_groups_make_no_more_rows_than_are_allowed() {
    let node = Node::start_with(|config| {
        (config.metrics_max_topics, config.metrics_max_groups) = (40, 30);
        config.offsets_partitions = 4;
    })
    .await;
    let mut kafka = node.connect();
    let names: Vec<String> = (0..TOPICS).map(|at| format!("topic-{at:04}")).collect();
    for names in names.chunks(500) {
        kafka::create(&mut kafka, names.iter().map(String::as_str));
    }
    kafka::begin_groups(&mut kafka);
    let batch = kafka::batch(3, 1);
    kafka.call::<ProduceRequest>(PRODUCE, &kafka::produce("topic-4999", 0, batch.clone()));
    let before = node.scrape();
    assert_eq!(before.rows("klog_topic_size_bytes").len(), 41);
    // Each lags by three records but the last one, which is called like the row of the others.
    for at in 0..GROUPS {
        let group = format!("group-{at:04}");
        kafka.call::<OffsetCommitRequest>(COMMIT, &kafka::commit(&group, "topic-4999", 0));
    }
    kafka.call::<OffsetCommitRequest>(COMMIT, &kafka::commit("(other)", "topic-4999", 3));
    let long = "g".repeat(1000);
    kafka.call::<OffsetCommitRequest>(COMMIT, &kafka::commit(&long, "topic-4999", 3));
    let scrape = node.scrape();
    assert!(scrape.values.len() < 700, "{} series", scrape.values.len());
    assert!(scrape.text.len() < 80_000, "{} bytes", scrape.text.len());

    let topics = scrape.rows("klog_topic_size_bytes");
    assert_eq!(topics.len(), 41);
    assert!(topics.iter().any(|(series, _)| series.contains("topic-4999")), "the largest");
    let kept = before.rows("klog_topic_size_bytes");
    let names =
        |rows: &[(&str, f64)]| rows.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&topics), names(&kept), "who has a row keeps it");
    let partitions = (TOPICS + 4) as f64;
    assert_eq!(scrape.sum("klog_topic_partitions"), partitions, "nothing is left out of the sum");
    assert_eq!(scrape.value("klog_partitions"), partitions);
    assert_eq!(scrape.value(r#"klog_topic_size_bytes{topic="topic-4999"}"#), batch.len() as f64);

    assert_eq!(scrape.rows("klog_group_lag_records").len(), 31);
    assert_eq!(scrape.rows("klog_group_lag_seconds").len(), 31);
    assert_eq!(scrape.sum("klog_group_lag_records"), (3 * GROUPS) as f64);
    assert_eq!(scrape.value(r#"klog_groups{state="Empty"}"#), (GROUPS + 2) as f64);
    assert!(!scrape.text.contains(&long));
    strictly(&scrape.text, false);
    node.stop().await;
}
