//! Partitions by topic, as they are printed.

use klog::base::TopicName;
use serde::Serialize;

/// One topic's.
#[derive(Serialize)]
pub struct Partitions {
    /// The topic.
    pub topic: String,
    /// Its partitions, in order.
    pub partitions: Vec<i32>,
}

/// Gathers partitions that are sorted.
pub fn by_topic(sorted: &[(TopicName, i32)]) -> Vec<Partitions> {
    let topics = sorted.chunk_by(|a, b| a.0 == b.0);
    let topic = |run: &[(TopicName, i32)]| Partitions {
        topic: run.first().map(|(topic, _)| topic.to_string()).unwrap_or_default(),
        partitions: run.iter().map(|(_, partition)| *partition).collect(),
    };
    topics.map(topic).collect()
}

/// `t:0,1 u:0`; a dash for none.
pub fn in_short(topics: &[Partitions]) -> String {
    let topic = |topic: &Partitions| {
        let numbers: Vec<String> = topic.partitions.iter().map(ToString::to_string).collect();
        format!("{}:{}", topic.topic, numbers.join(","))
    };
    match topics {
        [] => "-".to_owned(),
        topics => topics.iter().map(topic).collect::<Vec<_>>().join(" "),
    }
}
