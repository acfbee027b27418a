//! What the handlers of configs share: values with their sources, and changes to them.

use std::collections::BTreeMap;

use super::outcome::Failure;
use crate::base::ErrorCode;
use crate::config::{BrokerConfig, Key, Kind, Source, TOPIC_KEYS, TopicConfig, broker_key};
use crate::meta::{ConfigChange, ConfigResource, Image, MetadataRecord, Refused, change_configs};

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

/// The source of a broker's key.
pub fn broker_origin(config: &BrokerConfig, name: &str) -> Origin {
    match config.source(name) {
        Source::Default => Origin::Default,
        Source::File { .. } | Source::CommandLine => Origin::Static,
    }
}

/// All configs of a topic that has these overrides.
pub fn topic_entries(
    broker: &BrokerConfig,
    overrides: &BTreeMap<String, String>,
) -> Vec<ConfigEntry> {
    let entry = |key: &Key| {
        let mut synonyms = Vec::new();
        if let Some(value) = overrides.get(key.name) {
            synonyms.push((key.name, value.clone(), Origin::Topic));
        }
        let of_broker = broker_key(key.name).unwrap_or(key.name);
        if broker_origin(broker, of_broker) == Origin::Static {
            let value = broker.topic.get(key.name).unwrap_or_default();
            synonyms.push((of_broker, value, Origin::Static));
        }
        let value = TopicConfig::default().get(key.name).unwrap_or_default();
        synonyms.push((of_broker, value, Origin::Default));
        let (_, value, source) = synonyms[0].clone();
        ConfigEntry { name: key.name, value, source, synonyms, key: *key }
    };
    TOPIC_KEYS.iter().map(entry).collect()
}

/// Checks a topic's own configs, all of them.
///
/// # Errors
/// INVALID_CONFIG, naming all that is wrong.
pub fn check_topic(
    defaults: &TopicConfig,
    overrides: &BTreeMap<String, String>,
) -> Result<(), Refused> {
    let mut config = defaults.clone();
    let mut wrong = Vec::new();
    for (name, value) in overrides {
        match config.set(name, value) {
            Some(Ok(())) => {}
            Some(Err(message)) => wrong.push(format!("{name}={value}: {message}")),
            None => wrong.push(format!("{name}: is not a config of topics{}", nearest(name))),
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Refused { code: ErrorCode::InvalidConfig, message: wrong.join("; ") }),
    }
}

fn nearest(name: &str) -> String {
    crate::config::nearest(name, TOPIC_KEYS.iter().map(|key| key.name))
        .map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// What to do with one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Give it this value.
    Set(String),
    /// Take its value away.
    Unset,
    /// Add these items to its list.
    Append(String),
    /// Take these items from its list.
    Subtract(String),
}

/// Decides changes of a topic's configs. With `replace`, what is not named is unset.
///
/// # Errors
/// No such topic; a change of a list that is none; values that cannot be.
pub fn change_topic(
    image: &Image,
    defaults: &TopicConfig,
    topic: &str,
    changes: &[(String, Change)],
    replace: bool,
) -> Result<Vec<MetadataRecord>, Refused> {
    if image.topic(topic).is_none() {
        let message = format!("topic '{topic}' does not exist");
        return Err(Refused { code: ErrorCode::UnknownTopicOrPartition, message });
    }
    let resource = ConfigResource::topic(topic);
    let today = image.configs(&resource).cloned().unwrap_or_default();
    let mut wanted = if replace { BTreeMap::new() } else { today.clone() };
    for (name, change) in changes {
        apply(defaults, &mut wanted, name, change)?;
    }
    check_topic(defaults, &wanted)?;
    let unset = today.keys().filter(|name| !wanted.contains_key(*name));
    let mut records: Vec<ConfigChange> = unset.map(|name| (name.clone(), None)).collect();
    records.extend(wanted.into_iter().map(|(name, value)| (name, Some(value))));
    Ok(change_configs(image, &resource, &records))
}

fn apply(
    defaults: &TopicConfig,
    wanted: &mut BTreeMap<String, String>,
    name: &str,
    change: &Change,
) -> Result<(), Refused> {
    let items = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(String::from).collect()
    };
    let (value, adds) = match change {
        Change::Set(value) => {
            wanted.insert(name.into(), value.clone());
            return Ok(());
        }
        Change::Unset => {
            wanted.remove(name);
            return Ok(());
        }
        Change::Append(value) => (value, true),
        Change::Subtract(value) => (value, false),
    };
    let key = TOPIC_KEYS.iter().find(|key| key.name == name);
    if key.is_none_or(|key| key.kind != Kind::List) {
        let message = format!("{name} is not a list: it can be set and unset only");
        return Err(Refused { code: ErrorCode::InvalidConfig, message });
    }
    let today = wanted.get(name).cloned().or_else(|| defaults.get(name)).unwrap_or_default();
    let (mut list, given) = (items(&today), items(value));
    if adds {
        list.extend(given.into_iter().filter(|item| !items(&today).contains(item)));
    } else {
        list.retain(|item| !given.contains(item));
    }
    wanted.insert(name.into(), list.join(","));
    Ok(())
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
    use crate::meta::{NewTopic, create_topic, register_broker};

    fn image() -> Image {
        let mut image = Image::default();
        let broker = crate::meta::records::nodes::RegisterBrokerRecord {
            broker_id: 1,
            fenced: false,
            ..Default::default()
        };
        let wish = NewTopic {
            name: "t".into(),
            partitions: 1,
            replication_factor: 1,
            configs: vec![("retention.ms".into(), "5".into())],
            ..NewTopic::default()
        };
        register_broker(broker).iter().for_each(|record| image.replay(record).unwrap());
        let id = crate::base::TopicId([1; 16]);
        let records = create_topic(&image, &wish, id, || id).unwrap();
        records.iter().for_each(|record| image.replay(record).unwrap());
        image
    }

    fn change(name: &str, change: Change, replace: bool) -> Result<Image, ErrorCode> {
        let mut image = image();
        let changes = [(name.to_owned(), change)];
        let records = change_topic(&image, &TopicConfig::default(), "t", &changes, replace)
            .map_err(|refused| refused.code)?;
        records.iter().for_each(|record| image.replay(record).unwrap());
        Ok(image)
    }

    fn value(image: &Image, name: &str) -> Option<String> {
        image.configs(&ConfigResource::topic("t")).and_then(|configs| configs.get(name)).cloned()
    }

    #[test]
    fn setting_a_config_keeps_the_others_and_replacing_does_not() {
        let set = Change::Set("7".into());
        let kept = change("segment.ms", set.clone(), false).unwrap();
        assert_eq!(value(&kept, "retention.ms").as_deref(), Some("5"));
        assert_eq!(value(&kept, "segment.ms").as_deref(), Some("7"));
        let replaced = change("segment.ms", set, true).unwrap();
        assert_eq!(value(&replaced, "retention.ms"), None);
        assert_eq!(
            value(&change("retention.ms", Change::Unset, false).unwrap(), "retention.ms"),
            None
        );
    }

    #[test]
    fn what_cannot_be_is_an_invalid_config() {
        let bad = [
            ("segment.ms", Change::Set("soon".into())),
            ("segment.mss", Change::Set("7".into())),
            ("segment.ms", Change::Append("7".into())),
            ("cleanup.policy", Change::Append("compact".into())),
            ("cleanup.policy", Change::Subtract("delete".into())),
        ];
        for (name, wrong) in bad {
            assert_eq!(
                change(name, wrong.clone(), false).err(),
                Some(ErrorCode::InvalidConfig),
                "{name} {wrong:?}"
            );
        }
        let same = change("cleanup.policy", Change::Append("delete".into()), false).unwrap();
        assert_eq!(value(&same, "cleanup.policy").as_deref(), Some("delete"));
    }

    #[test]
    fn a_value_tells_where_it_comes_from() {
        let overrides = BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]);
        let entries = topic_entries(&BrokerConfig::default(), &overrides);
        let entry = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
        assert_eq!(
            (entry("retention.ms").value.as_str(), entry("retention.ms").source),
            ("5", Origin::Topic)
        );
        assert_eq!(entry("retention.ms").synonyms.len(), 2);
        assert_eq!(entry("segment.ms").source, Origin::Default);
    }
}
