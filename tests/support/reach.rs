//! A client, a topic, and what is in it: where every spec begins.

use std::time::Duration;

use klog::base::TopicName;
use klog::client::{Admin, Client, ClientConfig, ConsumedRecord, Consumer, NewTopic};

/// Long enough for a busy machine; a spec that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of one broker.
pub async fn client(address: &str) -> Client {
    let bootstrap = vec!["127.0.0.1:1".into(), address.to_owned()];
    Client::connect(ClientConfig { bootstrap, ..ClientConfig::default() }).await.unwrap()
}

/// A fresh topic. It keeps records with timestamps of long ago, which Kafka's retention would delete half a minute after its start.
pub async fn topic(client: &Client, name: &str, partitions: i32) -> TopicName {
    topic_with(client, name, partitions, &[("retention.ms", "-1")]).await
}

/// A fresh topic with these settings. A Kafka that is told of them later heeds them later.
pub async fn topic_with(
    client: &Client,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> TopicName {
    let name = TopicName::new(name).unwrap();
    let configs = configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let new = NewTopic { partitions: Some(partitions), configs, ..NewTopic::new(name.clone()) };
    let created = Admin::new(client).create_topics(&[new], false).await.unwrap();
    let result = created.into_iter().next().unwrap().1.unwrap();
    assert_eq!(result.partitions, partitions);
    name
}

/// Reads from one partition until `count` records are there.
pub async fn read(consumer: &Consumer, count: usize) -> Vec<ConsumedRecord> {
    let mut out = Vec::new();
    let give_up_at = tokio::time::Instant::now() + PATIENCE;
    while out.len() < count {
        assert!(tokio::time::Instant::now() < give_up_at, "{} of {count} records", out.len());
        out.extend(consumer.poll(Duration::from_secs(1)).await.unwrap());
    }
    out
}
