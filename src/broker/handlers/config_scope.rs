//! Changes of configs: which keys a topic or a broker has, what their values may be, and the records that a change amounts to.

use std::collections::BTreeMap;

use crate::base::ErrorCode;
use crate::config::{BROKER_KEYS, Kind, TOPIC_KEYS, TopicConfig, broker_key, topic_key};
use crate::config::{Key, nearest};
use crate::meta::{ConfigChange, ConfigResource, Image, MetadataRecord, Refused, change_configs};

/// Whose configs are changed: both set what topics do, a broker's by the names of its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// A topic's.
    Topic(String),
    /// A broker's, or those of all where the name is empty.
    Broker(String),
}

impl Scope {
    /// The topic's key that a name sets.
    fn topic_key(&self, name: &str) -> Option<&'static Key> {
        let name = match self {
            Scope::Topic(_) => name,
            Scope::Broker(_) => topic_key(name)?,
        };
        TOPIC_KEYS.iter().find(|key| key.name == name)
    }

    fn resource(&self) -> ConfigResource {
        match self {
            Scope::Topic(name) => ConfigResource::topic(name),
            Scope::Broker(name) => ConfigResource::broker(name),
        }
    }

    /// What a config that cannot be is answered with, as Kafka does it.
    fn refusal(&self) -> ErrorCode {
        match self {
            Scope::Topic(_) => ErrorCode::InvalidConfig,
            Scope::Broker(_) => ErrorCode::InvalidRequest,
        }
    }

    fn unknown(&self, name: &str) -> String {
        let near = match self {
            Scope::Topic(_) => nearest(name, TOPIC_KEYS.iter().map(|key| key.name)),
            Scope::Broker(_) => {
                nearest(name, TOPIC_KEYS.iter().filter_map(|key| broker_key(key.name)))
            }
        };
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        match self {
            Scope::Topic(_) => format!("{name}: is not a config of topics{near}"),
            Scope::Broker(_) if BROKER_KEYS.iter().any(|key| key.name == name) => {
                format!("{name}: cannot be changed while the broker runs, only in its config file")
            }
            Scope::Broker(_) => format!("{name}: is not a config of brokers{near}"),
        }
    }
}

/// Checks configs, all of them.
///
/// # Errors
/// INVALID_CONFIG, of a broker INVALID_REQUEST, naming all that is wrong.
pub fn check(
    scope: &Scope,
    defaults: &TopicConfig,
    overrides: &BTreeMap<String, String>,
) -> Result<(), Refused> {
    let mut config = defaults.clone();
    let mut wrong = Vec::new();
    for (name, value) in overrides {
        match scope.topic_key(name).and_then(|key| config.set(key.name, value)) {
            Some(Ok(())) => {}
            Some(Err(message)) => wrong.push(format!("{name}={value}: {message}")),
            None => wrong.push(scope.unknown(name)),
        }
    }
    let (least, most) = (config.min_compaction_lag_ms, config.max_compaction_lag_ms);
    if least > most {
        wrong.push(format!("min.compaction.lag.ms={least} is above max.compaction.lag.ms={most}"));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Refused { code: scope.refusal(), message: wrong.join("; ") }),
    }
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

/// Decides changes of configs. With `replace`, what is not named is unset.
///
/// # Errors
/// No such topic; a change of a list that is none; values that cannot be.
pub fn change(
    image: &Image,
    defaults: &TopicConfig,
    scope: &Scope,
    changes: &[(String, Change)],
    replace: bool,
) -> Result<Vec<MetadataRecord>, Refused> {
    if let Scope::Topic(topic) = scope
        && image.topic(topic).is_none()
    {
        let message = format!("topic '{topic}' does not exist");
        return Err(Refused { code: ErrorCode::UnknownTopicOrPartition, message });
    }
    let resource = scope.resource();
    let today = image.configs(&resource).cloned().unwrap_or_default();
    let mut wanted = if replace { BTreeMap::new() } else { today.clone() };
    for (name, change) in changes {
        apply(scope, defaults, &mut wanted, name, change)?;
    }
    check(scope, defaults, &wanted)?;
    let unset = today.keys().filter(|name| !wanted.contains_key(*name));
    let mut records: Vec<ConfigChange> = unset.map(|name| (name.clone(), None)).collect();
    records.extend(wanted.into_iter().map(|(name, value)| (name, Some(value))));
    Ok(change_configs(image, &resource, &records))
}

fn apply(
    scope: &Scope,
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
    let Some(key) = scope.topic_key(name).filter(|key| key.kind == Kind::List) else {
        let message = format!("{name} is not a list: it can be set and unset only");
        return Err(Refused { code: ErrorCode::InvalidConfig, message });
    };
    let today = wanted.get(name).cloned().or_else(|| defaults.get(key.name)).unwrap_or_default();
    let (mut list, given) = (items(&today), items(value));
    if adds {
        list.extend(given.into_iter().filter(|item| !items(&today).contains(item)));
    } else {
        list.retain(|item| !given.contains(item));
    }
    wanted.insert(name.into(), list.join(","));
    Ok(())
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

    fn changed(name: &str, change: Change, replace: bool) -> Result<Image, ErrorCode> {
        let mut image = image();
        let changes = [(name.to_owned(), change)];
        let defaults = TopicConfig::default();
        let records =
            super::change(&image, &defaults, &Scope::Topic("t".into()), &changes, replace)
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
        let kept = changed("segment.ms", set.clone(), false).unwrap();
        assert_eq!(value(&kept, "retention.ms").as_deref(), Some("5"));
        assert_eq!(value(&kept, "segment.ms").as_deref(), Some("7"));
        let replaced = changed("segment.ms", set, true).unwrap();
        assert_eq!(value(&replaced, "retention.ms"), None);
        assert_eq!(
            value(&changed("retention.ms", Change::Unset, false).unwrap(), "retention.ms"),
            None
        );
    }

    #[test]
    fn what_cannot_be_is_an_invalid_config() {
        let bad = [
            ("segment.ms", Change::Set("soon".into())),
            ("segment.mss", Change::Set("7".into())),
            ("segment.ms", Change::Append("7".into())),
            ("cleanup.policy", Change::Append("compress".into())),
            ("cleanup.policy", Change::Subtract("delete".into())),
        ];
        for (name, wrong) in bad {
            assert_eq!(
                changed(name, wrong.clone(), false).err(),
                Some(ErrorCode::InvalidConfig),
                "{name} {wrong:?}"
            );
        }
        let lags = [("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")];
        let lags = BTreeMap::from(lags.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(check(&Scope::Topic("t".into()), &TopicConfig::default(), &lags).is_err());
        let same = changed("cleanup.policy", Change::Append("delete".into()), false).unwrap();
        assert_eq!(value(&same, "cleanup.policy").as_deref(), Some("delete"));
    }
}
