//! One change to a topic.

use klog::base::TopicName;
use serde::Serialize;

/// As it stands here, with `dry_run` behind, it is a line of JSON.
#[derive(Serialize)]
pub struct Done<'a> {
    /// Of which topic.
    pub topic: &'a str,
    /// Of which partition, if not of all.
    pub partition: Option<i32>,
    /// What was done: `create`, `set`, `unset`, `partitions`, `trim`, `delete`.
    pub change: &'static str,
    /// Which config.
    pub key: Option<&'a str>,
    /// The config's value, the number of partitions, the first offset that is left.
    pub value: Option<&'a str>,
}

impl<'a> Done<'a> {
    /// A change to a whole topic.
    pub fn of(topic: &'a TopicName, change: &'static str) -> Done<'a> {
        Done { topic: topic.as_str(), partition: None, change, key: None, value: None }
    }
}
