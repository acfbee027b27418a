//! Rank 1. What can be configured, by Kafka's own names: the keys of broker and topic, their types, defaults, meanings and
//! checks; config files as text. Pure: it reads text, not files.
//!
//! A file becomes [`Entry`]s by [`parse_yaml`] or [`parse_properties`], and entries a [`BrokerConfig`] by
//! [`BrokerConfig::load`], which says all that is wrong at once. A bad value is refused, never repaired.

mod broker;
mod broker_keys;
mod key;
mod listener;
mod load;
#[cfg(test)]
mod tests;
mod text;
mod topic;
mod topic_keys;
mod value;

pub use broker::{BrokerConfig, Source};
pub use broker_keys::BROKER_KEYS;
pub use key::{Key, Kind};
pub use listener::Listener;
pub use load::{ConfigError, Entry, Loaded};
pub use text::{parse_properties, parse_yaml};
pub use topic::{CompressionType, TopicConfig};
pub use topic_keys::{TOPIC_KEYS, broker_key, topic_key};
pub use value::nearest;
