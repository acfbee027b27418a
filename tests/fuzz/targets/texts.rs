//! Texts that people write: config files, and lines of JSON for `klog produce --input json`.

use bytes::Bytes;
use klog::config::{BrokerConfig, parse_properties, parse_yaml};

#[path = "../../../bin/klog/record/json_in.rs"]
mod json_in;

/// Whatever a file says is taken or refused with words.
pub fn configs(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for entries in [parse_yaml(text), Ok(parse_properties(text))] {
        let problems = match entries {
            Ok(entries) => match BrokerConfig::load(&entries) {
                Ok(loaded) => {
                    for key in BrokerConfig::names() {
                        loaded.config.get(key).expect("every key has a value");
                    }
                    continue;
                }
                Err(problems) => problems,
            },
            Err(problems) => problems,
        };
        assert!(!problems.is_empty());
        assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
    }
}

pub fn json(data: &[u8]) {
    if let Err(words) = json_in::parse_json(&Bytes::copy_from_slice(data)) {
        assert!(!words.is_empty());
    }
}
