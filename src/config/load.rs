//! Puts a configuration together: command line over file over defaults; all that is wrong is said at once.

use super::broker::{BrokerConfig, Source};
use super::broker_keys::{self, BROKER_KEYS, SYNONYMS, is_refused, is_without_effect, synonym};
use super::topic_keys::{TOPIC_KEYS, broker_key, topic_key};
use super::value::nearest;

/// A key and its value, as somebody wrote them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Who wrote it.
    pub source: Source,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}{key}: {message}", match origin { Source::File { line } => format!("line {line}: "), _ => String::new() })]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// Who wrote it.
    pub origin: Source,
    /// What is wrong, and what it should be.
    pub message: String,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { line } => write!(f, "config file, line {line}"),
            Source::CommandLine => f.write_str("command line"),
        }
    }
}

/// A configuration, and what was taken without effect.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: BrokerConfig,
    /// Kafka's keys that have no effect in klog.
    pub without_effect: Vec<String>,
}

impl BrokerConfig {
    /// Sets all entries, later ones over earlier ones, and checks the whole.
    ///
    /// # Errors
    /// All that is wrong, in the order of the entries.
    pub fn load(entries: &[Entry]) -> Result<Loaded, Vec<ConfigError>> {
        let mut config = BrokerConfig::default();
        let mut errors = Vec::new();
        let mut without_effect = Vec::new();
        for entry in entries {
            match config.set(&entry.key, &entry.value) {
                Some(Ok(name)) => {
                    config.sources.insert(name, entry.source.clone());
                }
                Some(Err(message)) => errors.push(wrong(entry, message)),
                None if is_without_effect(&entry.key) => without_effect.push(entry.key.clone()),
                None => errors.push(wrong(entry, unknown(&entry.key))),
            }
        }
        let listed = config.listeners.len();
        let controllers = config.controller_listeners.clone();
        config.listeners.retain(|listener| !controllers.contains(&listener.name));
        config.advertised_listeners.retain(|listener| !controllers.contains(&listener.name));
        if config.listeners.len() < listed {
            without_effect.push("controller.listener.names".into());
        }
        config.check(entries, &mut errors);
        if errors.is_empty() { Ok(Loaded { config, without_effect }) } else { Err(errors) }
    }

    /// Sets one key, by any of its names; returns its first name. `None` if there is no such key.
    fn set(&mut self, key: &str, value: &str) -> Option<Result<String, String>> {
        let (name, factor) = synonym(key);
        let scaled = match (factor, value.trim().parse::<i64>()) {
            (1, _) => value.to_owned(),
            (_, Ok(number)) if number >= 0 => number.saturating_mul(factor).to_string(),
            (_, _) => value.to_owned(),
        };
        let done = match topic_key(name) {
            Some(topic_key) => self.topic.set(topic_key, &scaled),
            None => broker_keys::set(self, name, &scaled),
        };
        done.map(|result| result.map(|()| name.to_owned()))
    }

    /// A key's value as text. `None` if there is no such key.
    pub fn get(&self, key: &str) -> Option<String> {
        match topic_key(key) {
            Some(topic_key) => self.topic.get(topic_key),
            None => broker_keys::get(self, key),
        }
    }

    /// Where a key's value came from.
    pub fn source(&self, key: &str) -> Source {
        self.sources.get(key).cloned().unwrap_or(Source::Default)
    }

    /// The names of all keys, sorted.
    pub fn names() -> Vec<&'static str> {
        let own = BROKER_KEYS.iter().map(|key| key.name);
        let topics = TOPIC_KEYS.iter().filter_map(|key| broker_key(key.name));
        let mut names: Vec<&str> = own.chain(topics).collect();
        names.sort_unstable();
        names
    }

    fn check(&self, entries: &[Entry], errors: &mut Vec<ConfigError>) {
        let entry_of = |key: &str| entries.iter().rev().find(|entry| synonym(&entry.key).0 == key);
        let mut refuse = |key: &str, message: String| {
            let origin = entry_of(key).map_or(Source::Default, |entry| entry.source.clone());
            errors.push(ConfigError { key: key.into(), origin, message });
        };
        if self.listeners.is_empty() {
            refuse("listeners", "has none but those of controllers".into());
        }
        for (key, listeners) in
            [("listeners", &self.listeners), ("advertised.listeners", &self.advertised_listeners)]
        {
            for listener in listeners {
                let protocol = listener.protocol(&self.security_protocols);
                if protocol != "PLAINTEXT" {
                    let why = format!("{listener} speaks {protocol}; only PLAINTEXT is there yet");
                    refuse(key, why);
                }
            }
        }
        if !self.allow_anonymous
            && let Some(open) = self.listeners.iter().find(|listener| !listener.is_local())
        {
            refuse(
                "listeners",
                format!(
                    "{open} is open to other machines, and nobody has to authenticate; to accept that, set klog.allow.anonymous.listeners=true"
                ),
            );
        }
        if !self.allow_anonymous
            && let Some(open) = self.metrics_listener.as_ref().filter(|address| !address.is_local())
        {
            refuse(
                "klog.metrics.listener",
                format!(
                    "{} is open to other machines, and nobody has to authenticate; to accept that, set klog.allow.anonymous.listeners=true",
                    open.address()
                ),
            );
        }
        let (queued, largest) = (self.queued_request_bytes, self.request_max_bytes);
        if usize::try_from(queued).is_ok_and(|queued| queued < largest) {
            refuse(
                "queued.max.request.bytes",
                format!(
                    "{queued} leaves no room for one request of socket.request.max.bytes, which is {largest}"
                ),
            );
        }
        let wild = self
            .listeners
            .iter()
            .any(|listener| matches!(listener.host.as_str(), "" | "0.0.0.0" | "::"));
        if wild && self.advertised_listeners.is_empty() {
            refuse("listeners", "all addresses are listened on; advertised.listeners has to say where clients connect".into());
        }
        if self
            .advertised_listeners
            .iter()
            .any(|listener| matches!(listener.host.as_str(), "" | "0.0.0.0" | "::"))
        {
            refuse("advertised.listeners", "must name a host that clients can reach".into());
        }
    }
}

fn wrong(entry: &Entry, message: String) -> ConfigError {
    ConfigError { key: entry.key.clone(), origin: entry.source.clone(), message }
}

fn unknown(key: &str) -> String {
    if let Some(why) = is_refused(key) {
        return why.into();
    }
    let synonyms = SYNONYMS.iter().map(|(name, ..)| *name);
    match nearest(key, BrokerConfig::names().into_iter().chain(synonyms)) {
        Some(name) => format!("is not a key; did you mean {name}?"),
        None => "is not a key that klog knows".into(),
    }
}
