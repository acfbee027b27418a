//! The defaults of all topics: the config file's; over them what was set on all brokers while they ran, then on this one (KIP-226).

use crate::config::{BrokerConfig, TopicConfig, topic_key};
use crate::meta::{ConfigResource, Image};

/// What a topic has that sets nothing itself.
pub fn topic_defaults(config: &BrokerConfig, image: &Image) -> TopicConfig {
    let mut defaults = config.topic.clone();
    for name in [String::new(), config.node_id.to_string()] {
        let set = image.configs(&ConfigResource::broker(&name));
        for (key, value) in set.into_iter().flatten() {
            // They were checked when they were set; what a Kafka made of them is told by `tell_unused`.
            let _ = topic_key(key).map(|key| defaults.take(key, value));
        }
    }
    defaults
}

/// Says of the configs that were set on brokers while they ran which ones klog does not act on.
pub fn tell_unused(config: &BrokerConfig, image: &Image) {
    for name in [String::new(), config.node_id.to_string()] {
        for (key, value) in image.configs(&ConfigResource::broker(&name)).into_iter().flatten() {
            match topic_key(key).and_then(|key| TopicConfig::default().take(key, value)) {
                Some(Ok(())) => {}
                Some(Err(message)) => {
                    tracing::warn!(key, value, message, "a broker's config is not used");
                }
                None => tracing::warn!(
                    key,
                    value,
                    "a broker's config is kept, but has no effect in klog"
                ),
            }
        }
    }
}
