//! How records are sent: what every command takes that has a producer.

use std::time::Duration;

use clap::{Args, ValueEnum};
use klog::client::{Compression, ProducerConfig};

use crate::connect::Properties;
use crate::values;

/// Options that go before properties of the same meaning.
#[derive(Args, Debug, Clone)]
pub struct ProducerArgs {
    /// Who must have a record before it counts as delivered [default: all]
    #[arg(short, long, value_enum, value_name = "WHO")]
    pub acks: Option<AcksName>,

    /// Compress batches: none, gzip, snappy, lz4, zstd; a level may follow
    ///
    /// For example `zstd:9`. The default is none.
    #[arg(short = 'z', long, value_name = "CODEC[:LEVEL]", value_parser = compression)]
    pub compression: Option<Compression>,

    /// Send a batch once it has this size [default: 16KiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size_in_memory)]
    pub batch_size: Option<usize>,

    /// Send a batch that is not full after so long [default: 5ms]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub linger: Option<Duration>,
}

impl ProducerArgs {
    /// What decides over other properties, too.
    pub fn set(&self, properties: &mut Properties) {
        if let Some(acks) = self.acks {
            properties.set("acks", acks.value());
        }
    }

    /// All else, once the properties are read.
    pub fn apply(&self, config: &mut ProducerConfig) {
        if let Some(compression) = self.compression {
            config.compression = compression;
        }
        if let Some(bytes) = self.batch_size {
            config.batch_bytes = bytes;
        }
        if let Some(linger) = self.linger {
            config.linger = linger;
        }
    }
}

/// `--acks`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcksName {
    /// Nobody: it was sent
    #[value(name = "0")]
    None,
    /// The leader
    #[value(name = "1")]
    Leader,
    /// All in-sync replicas
    #[value(name = "all", alias = "-1")]
    All,
}

impl AcksName {
    /// The property's value.
    pub fn value(self) -> &'static str {
        match self {
            AcksName::None => "0",
            AcksName::Leader => "1",
            AcksName::All => "all",
        }
    }
}

fn compression(text: &str) -> Result<Compression, String> {
    let (codec, level) = match text.split_once(':') {
        None => (text, None),
        Some((codec, level)) => {
            let level: i32 = level.parse().map_err(|_| "a level is a number, as in zstd:9")?;
            (codec, Some(level))
        }
    };
    let within = |low: i32, high: i32| match level {
        Some(level) if level < low || level > high => {
            Err(format!("{codec} has levels {low} to {high}"))
        }
        level => Ok(level),
    };
    match codec {
        "none" | "snappy" if level.is_some() => Err(format!("{codec} has no levels")),
        "none" => Ok(Compression::None),
        "snappy" => Ok(Compression::Snappy),
        "gzip" => within(1, 9).map(Compression::Gzip),
        "lz4" => within(1, 17).map(Compression::Lz4),
        "zstd" => within(-131_072, 22).map(Compression::Zstd),
        _ => Err("one of none, gzip, snappy, lz4, zstd".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_take_their_levels() {
        assert_eq!(compression("zstd:9"), Ok(Compression::Zstd(Some(9))));
        assert_eq!(compression("gzip"), Ok(Compression::Gzip(None)));
        for bad in ["gzip:10", "snappy:1", "brotli", "zstd:x"] {
            assert!(compression(bad).is_err(), "{bad}");
        }
    }
}
