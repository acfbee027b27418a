//! Options that several tests have in common.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use klog::base::TopicName;
use klog::client::{ClientConfig, ProducerConfig, Role};
use klog::perf::{Length, Pace, Payload};

use super::page::Settings;
use super::report::Test;
use crate::connect::Properties;
use crate::exit::{Hint as _, usage};
use crate::output::ListFormat;
use crate::producer_args::ProducerArgs;
use crate::values;

/// What goes on where nothing says how long.
const DURATION: Duration = Duration::from_secs(10);

/// Bytes of a record's value.
const DEFAULT_SIZE: usize = 1024;

/// What is sent, and how.
#[derive(clap::Args, Debug, Clone)]
pub struct RecordArgs {
    /// The size of each record's value [default: 1KiB]
    ///
    /// The bytes are random, so that no codec makes them smaller. Records have no key.
    #[arg(long, value_name = "SIZE", value_parser = values::size_in_memory, conflicts_with = "payload")]
    record_size: Option<usize>,

    /// Send the lines of a file, over and over, instead of random bytes
    ///
    /// For compression (-z) to find what it finds in real records.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,

    /// Use so many producers, each with connections of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub producers: u16,

    #[command(flatten)]
    sending: ProducerArgs,
}

impl RecordArgs {
    /// What records hold.
    ///
    /// # Errors
    /// If the file cannot be read, or has no line.
    pub fn payload(&self) -> anyhow::Result<Payload> {
        let Some(path) = &self.payload else {
            return Ok(Payload::Random(self.record_size.unwrap_or(DEFAULT_SIZE)));
        };
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = Payload::lines(&Bytes::from(text));
        lines
            .ok_or_else(|| usage(format!("{} is empty", path.display())))
            .hint("--payload takes a file of records, one per line")
    }

    /// What the properties and options say, the latter first.
    ///
    /// # Errors
    /// A usage error.
    pub fn configs(
        &self,
        mut properties: Properties,
        transaction_size: Option<u64>,
        timeout: Duration,
    ) -> anyhow::Result<(ClientConfig, ProducerConfig)> {
        self.sending.set(&mut properties);
        if transaction_size.is_some() && !properties.has("transactional.id") {
            properties.set("transactional.id", format!("klog-perf-{}", std::process::id()));
        }
        let (config, mut producer) =
            properties.configs(Role::Producer, timeout, ProducerConfig::from_properties)?;
        self.sending.apply(&mut producer);
        producer.may_reorder = true; // A load has no order to keep.
        if transaction_size.is_none() && producer.transactional_id.is_some() {
            return Err(usage("transactional.id needs --transaction-size"));
        }
        let (size, most) = (self.record_size.unwrap_or_default(), producer.max_request_bytes);
        if size > most {
            let error = usage(format!("a record of {size} bytes, max.request.size allows {most}"));
            return Err(error)
                .hint("-X max.request.size=BYTES allows more, as far as the broker does");
        }
        if !properties.has("max.block.ms") {
            producer.max_block = timeout;
        }
        Ok((config, producer))
    }
}

impl RecordArgs {
    /// What a page says of it.
    pub fn describe(&self, producer: &ProducerConfig) -> Settings {
        let value = match &self.payload {
            Some(path) => format!("the lines of {}", path.display()),
            None => format!("{} random bytes", self.record_size.unwrap_or(DEFAULT_SIZE)),
        };
        vec![
            named("records", value),
            named("producers", self.producers),
            named("acks", format!("{:?}", producer.acks).to_lowercase()),
            named("idempotent", producer.idempotent),
            named("compression", format!("{:?}", producer.compression).to_lowercase()),
            named("batch size", crate::output::size(producer.batch_bytes as u64)),
            named("linger", format!("{:?}", producer.linger)),
            named("buffer", crate::output::size(producer.buffer_bytes as u64)),
        ]
    }
}

/// Where records go.
#[derive(clap::Args, Debug, Clone)]
pub struct TargetArgs {
    /// The topic
    #[arg(long, value_name = "NAME", value_parser = values::topic)]
    pub topic: TopicName,

    /// Create the topic with so many partitions, if it is not there
    ///
    /// If it is there it must have as many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,

    /// Send so many records per transaction
    ///
    /// A record counts once its transaction is committed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub transaction_size: Option<u64>,
}

/// How long a test goes on.
#[derive(clap::Args, Debug, Clone)]
pub struct LengthArgs {
    /// Stop after so many records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub records: Option<u64>,

    /// Stop after so long [default: 10s, unless --records says when]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub duration: Option<Duration>,

    /// Do not count what is due in so long a time at the start
    ///
    /// It comes on top of --records and --duration.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    pub warmup: Duration,
}

/// What a page says of a test's length.
pub fn describe_length(length: Length) -> Settings {
    let duration = length.duration.map(|duration| named("duration", format!("{duration:?}")));
    let records = length.records.map(|records| named("records to send", records));
    let warm_up = Some(length.warm_up).filter(|warm_up| !warm_up.is_zero());
    let warm_up = warm_up.map(|warm_up| named("warm-up", format!("{warm_up:?}")));
    duration.into_iter().chain(records).chain(warm_up).collect()
}

impl TargetArgs {
    /// What a page says of it.
    pub fn describe(&self, servers: &[String], partitions: i32) -> Settings {
        let size = self.transaction_size.map(|size| named("records per transaction", size));
        let servers = named("servers", servers.join(", "));
        let target = [servers, named("topic", &self.topic), named("partitions", partitions)];
        target.into_iter().chain(size).collect()
    }
}

impl LengthArgs {
    /// Never without an end.
    pub fn length(&self) -> Length {
        let duration = self.duration.or(self.records.is_none().then_some(DURATION));
        Length { warm_up: self.warmup, records: self.records, duration }
    }
}

/// Where the outcome goes.
#[derive(clap::Args, Debug, Clone)]
pub struct OutArgs {
    /// How to print
    #[arg(long, value_enum, default_value = "table", display_order = 700)]
    pub format: ListFormat,

    /// Write the latencies of each second to a file, as an HdrHistogram log
    ///
    /// HdrHistogram's own tools read it. Latencies are in nanoseconds.
    #[arg(long, value_name = "FILE", display_order = 701)]
    pub hdr: Option<PathBuf>,

    /// Write a page with charts to a file
    ///
    /// Throughput and latency over time, latency by percentile, the settings and this machine. It needs nothing but a browser.
    #[arg(long, value_name = "FILE", display_order = 702)]
    pub html: Option<PathBuf>,
}

impl OutArgs {
    /// A test whose outcome goes there.
    pub fn test(
        &self,
        name: &'static str,
        pace: Pace,
        length: Length,
        settings: &[Settings],
    ) -> Test {
        let rate = match pace {
            Pace::Open(rate) => format!("{rate} records/s"),
            Pace::Closed => "as fast as it goes".to_owned(),
        };
        let (format, html) = (self.format, self.html.clone());
        let mut all = settings.concat();
        all.push(named("rate", rate));
        all.extend(describe_length(length));
        Test { name, pace: Some(pace), length, format, html, settings: all }
    }
}

/// A setting, for a page.
pub fn named(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// `--rate`
pub fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "max" => Ok(Pace::Closed),
        number => rate(number).map(Pace::Open),
    }
}

/// Records a second.
pub fn rate(text: &str) -> Result<u64, String> {
    let rate = text.parse().ok().filter(|rate| *rate > 0);
    rate.ok_or_else(|| "it is a number of records a second, or max".to_owned())
}
