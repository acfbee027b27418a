//! Rank 1. What can be configured: the keys of broker and topic, their types, defaults and checks. Pure: it reads text, not
//! files.

mod topic;

pub use topic::{CompressionType, TopicConfig};
