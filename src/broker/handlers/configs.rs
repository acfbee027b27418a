//! What the handlers of configs share: the resources that have configs, their values, and where those come from.

use std::collections::BTreeMap;

use super::outcome::Failure;
use crate::base::ErrorCode;
use crate::config::{BROKER_KEYS, BrokerConfig, Key, Source, TOPIC_KEYS, broker_key};
use crate::meta::{ConfigResource, Image};

/// A topic's configs.
pub const TOPIC: i8 = 2;
/// A broker's configs.
pub const BROKER: i8 = 4;
/// The levels of a broker's log.
pub const BROKER_LOGGER: i8 = 8;

/// Where a value comes from (the protocol's numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Set on the topic.
    Topic = 1,
    /// Set on this broker while it ran.
    DynamicBroker = 2,
    /// Set on all brokers while they ran.
    DynamicDefault = 3,
    /// In the broker's file or on its command line.
    Static = 4,
    /// Nobody set it.
    Default = 5,
}

/// A key's value, and where it comes from.
#[derive(Clone, Debug)]
pub struct ConfigEntry {
    /// The key.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where the value comes from.
    pub source: Origin,
    /// All values that were given, the one that counts first.
    pub synonyms: Vec<(&'static str, String, Origin)>,
    /// What is known of the key.
    pub key: Key,
}

impl ConfigEntry {
    /// An entry of what was given, the value that counts first.
    fn new(name: &'static str, key: &Key, synonyms: Vec<(&'static str, String, Origin)>) -> Self {
        let (_, value, source) = synonyms[0].clone();
        ConfigEntry { name, value, source, synonyms, key: *key }
    }
}

/// All configs of a topic that has these overrides.
pub fn topic_entries(
    broker: &BrokerConfig,
    image: &Image,
    overrides: &BTreeMap<String, String>,
) -> Vec<ConfigEntry> {
    let entry = |key: &Key| {
        let own = overrides.get(key.name).map(|value| (key.name, value.clone(), Origin::Topic));
        let of_broker = broker_key(key.name).unwrap_or(key.name);
        let given = own.into_iter().chain(broker_values(broker, image, of_broker)).collect();
        ConfigEntry::new(key.name, key, given)
    };
    TOPIC_KEYS.iter().map(entry).collect()
}

/// All configs of this broker.
pub fn broker_entries(broker: &BrokerConfig, image: &Image) -> Vec<ConfigEntry> {
    let of_topics = TOPIC_KEYS.iter().filter_map(|key| Some((broker_key(key.name)?, key)));
    let keys = BROKER_KEYS.iter().map(|key| (key.name, key)).chain(of_topics);
    keys.map(|(name, key)| ConfigEntry::new(name, key, broker_values(broker, image, name)))
        .collect()
}

/// What was set on all brokers while they ran.
pub fn dynamic_defaults(image: &Image) -> Vec<ConfigEntry> {
    let set = image.configs(&ConfigResource::broker("")).cloned().unwrap_or_default();
    let entry = |key: &Key| {
        let name = broker_key(key.name)?;
        let value = set.get(name)?.clone();
        Some(ConfigEntry::new(name, key, vec![(name, value, Origin::DynamicDefault)]))
    };
    TOPIC_KEYS.iter().filter_map(entry).collect()
}

/// All values that were given to a broker's key, the one that counts first.
fn broker_values(
    broker: &BrokerConfig,
    image: &Image,
    name: &'static str,
) -> Vec<(&'static str, String, Origin)> {
    let own = ConfigResource::broker(&broker.node_id.to_string());
    let layers =
        [(own, Origin::DynamicBroker), (ConfigResource::broker(""), Origin::DynamicDefault)];
    let mut values: Vec<_> = layers
        .iter()
        .filter_map(|(resource, origin)| {
            Some((name, image.configs(resource)?.get(name)?.clone(), *origin))
        })
        .collect();
    if broker.source(name) != Source::Default {
        values.push((name, broker.get(name).unwrap_or_default(), Origin::Static));
    }
    values.push((name, BrokerConfig::default().get(name).unwrap_or_default(), Origin::Default));
    values
}

/// Whether a resource's name means this broker.
///
/// # Errors
/// INVALID_REQUEST where it means another one.
pub fn check_broker(node_id: i32, name: &str) -> Result<(), Failure> {
    if name.parse() == Ok(node_id) {
        return Ok(());
    }
    let message = format!("this is broker {node_id}, not '{name}'");
    Err(Failure::new(ErrorCode::InvalidRequest, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_tells_where_it_comes_from() {
        let overrides = BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]);
        let entries = topic_entries(&BrokerConfig::default(), &Image::default(), &overrides);
        let entry = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
        assert_eq!(
            (entry("retention.ms").value.as_str(), entry("retention.ms").source),
            ("5", Origin::Topic)
        );
        assert_eq!(entry("retention.ms").synonyms.len(), 2);
        assert_eq!(entry("segment.ms").source, Origin::Default);
    }
}
