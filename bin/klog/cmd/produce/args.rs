//! The options of `klog produce`.

use bytes::Bytes;
use clap::ValueEnum;
use klog::base::TopicName;

use crate::client_args::ClientArgs;
use crate::exit::usage;
use crate::output::LineFormat;
use crate::producer_args::ProducerArgs;
use crate::values;

/// Write records to a topic, one per line of stdin
///
/// Memory is bounded (`-X buffer.memory`, 32 MiB): while the broker is slow, reading waits. Ctrl-C stops reading, delivers
/// what was read, and exits 130. If a record fails, the exit code is 1, and stderr says how many were delivered, how many
/// were not, and the first error.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog produce events < /var/log/dpkg.log
  klog produce events -K : --print-offsets < pairs.txt
  klog produce events --transactional-id nightly-import < day.txt")]
pub struct Args {
    /// The topic
    #[arg(value_parser = values::topic)]
    pub topic: TopicName,

    /// The key of every record
    #[arg(
        short,
        long,
        value_name = "KEY",
        conflicts_with = "key_separator",
        allow_hyphen_values = true
    )]
    pub key: Option<String>,

    /// Split each line into key and value at the first SEP
    ///
    /// Escapes: \n \t \r \0 \\ \xHH. A line without SEP is refused, with its number.
    #[arg(short = 'K', long, value_name = "SEP", value_parser = separator, allow_hyphen_values = true)]
    pub key_separator: Option<Bytes>,

    /// Add a header to every record; names may repeat
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = values::key_value, allow_hyphen_values = true)]
    pub headers: Vec<(String, String)>,

    /// Write to this partition
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,

    /// Who chooses the partition [default: murmur2]
    #[arg(long, value_enum, value_name = "NAME")]
    pub partitioner: Option<PartitionerName>,

    #[command(flatten)]
    pub sending: ProducerArgs,

    /// What ends a record
    ///
    /// Escapes: \n \t \r \0 \\ \xHH. The last record need not end with it.
    #[arg(short = 'D', long, value_name = "STR", default_value = r"\n", value_parser = separator, allow_hyphen_values = true)]
    pub delimiter: Bytes,

    /// How stdin is read
    ///
    /// `json` takes what `klog consume --format json` prints: exactly one of `value` and `value_base64`, at most one of
    /// `key` and `key_base64`, `headers`, `partition`, `timestamp` (null: none; missing: now). Other fields are ignored.
    #[arg(long, value_enum, value_name = "HOW", default_value = "lines")]
    pub input: Input,

    /// With --input json: let the partitioner choose
    #[arg(long)]
    pub ignore_partition: bool,

    /// With --input json: the time of writing
    #[arg(long)]
    pub ignore_timestamp: bool,

    /// A value equal to STR is null
    #[arg(long, value_name = "STR", value_parser = values::text, allow_hyphen_values = true)]
    pub null_marker: Option<Bytes>,

    /// The timestamp of every record [default: the time of writing]
    ///
    /// RFC 3339, @UNIX_MS, or -15m (ago).
    #[arg(long, value_name = "TIME", value_parser = values::when, allow_hyphen_values = true)]
    pub timestamp: Option<values::When>,

    /// Write at most N records a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,

    /// Never write a record twice when a request is repeated [default: true]
    ///
    /// Needs acks=all; with another --acks it is off.
    #[arg(long, value_name = "BOOL")]
    pub idempotent: Option<bool>,

    /// Write all of the input in one transaction of this id
    ///
    /// It is committed at the input's end, and aborted on an error or Ctrl-C: readers of committed records see all of it or
    /// nothing. It may last for `-X transaction.timeout.ms` (60000). Another producer of the same id is fenced.
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub transactional_id: Option<String>,

    /// Print a line per record: topic[partition]@offset
    ///
    /// With --transactional-id once the transaction is committed, and nothing if it is not.
    #[arg(long)]
    pub print_offsets: bool,

    /// How --print-offsets prints
    #[arg(long, value_enum, default_value = "plain")]
    pub format: LineFormat,

    #[command(flatten)]
    pub client: ClientArgs,
}

impl Args {
    /// Options that would do nothing beside each other.
    ///
    /// # Errors
    /// A usage error.
    pub fn check(&self) -> anyhow::Result<()> {
        let json = self.input == Input::Json;
        if json && self.key_separator.is_some() {
            return Err(usage("-K splits lines; with --input json the key has a field of its own"));
        }
        if !json && (self.ignore_partition || self.ignore_timestamp) {
            return Err(usage("--ignore-partition and --ignore-timestamp need --input json"));
        }
        if !self.print_offsets && self.format == LineFormat::Json {
            return Err(usage("--format says how --print-offsets prints, which is not given"));
        }
        Ok(())
    }
}

/// `--input`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A record per line
    Lines,
    /// A record per line, in JSON
    Json,
    /// All of stdin is one record
    Raw,
}

/// `--partitioner`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionerName {
    /// By the key's murmur2, as Java's client does; without a key sticky
    Murmur2,
    /// One partition until a batch is full, whatever the key
    Sticky,
    /// In turn
    RoundRobin,
    /// At random
    Random,
    /// By the key's CRC-32, as librdkafka does
    Crc32,
}

impl PartitionerName {
    /// The library's name for it.
    pub fn name(self) -> &'static str {
        match self {
            PartitionerName::Murmur2 => "murmur2",
            PartitionerName::Sticky => "sticky",
            PartitionerName::RoundRobin => "round-robin",
            PartitionerName::Random => "random",
            PartitionerName::Crc32 => "crc32",
        }
    }
}

fn separator(text: &str) -> Result<Bytes, String> {
    let bytes = values::text(text)?;
    if bytes.is_empty() { Err("it has at least one byte".to_owned()) } else { Ok(bytes) }
}
