//! The options of `klog consume`.

use bytes::Bytes;
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use klog::base::TopicName;
use klog::client::{Assignor, Isolation, OffsetReset};
use regex::bytes::Regex;

use crate::client_args::ClientArgs;
use crate::exit::{Hint as _, usage};
use crate::output::RecordFormat;
use crate::record::Template;
use crate::values;

/// Print the records of topics
///
/// Without -e, --until or -n it goes on and waits for more. Output is written whenever no more is at hand, so it can be
/// followed in a pipe.
#[derive(clap::Args, Clone, Debug)]
#[command(after_long_help = "Examples:
  klog consume events -e > events.txt
  klog consume events --format json -e | klog produce copy --input json
  klog consume orders -g billing >> orders.txt")]
pub struct Args {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    pub topics: Vec<String>,

    /// TOPIC is a regular expression: read every topic that it matches
    ///
    /// It has to match the whole name. Topics of Kafka's own are left out unless the pattern starts with __.
    #[arg(short, long)]
    pub regex: bool,

    /// Share the topics with the members of this group, from where it has read to
    ///
    /// An offset is committed only after its record was written out: killed at any moment, nothing is skipped.
    #[arg(short, long, value_name = "GROUP", value_parser = NonEmptyStringValueParser::new())]
    pub group: Option<String>,

    /// When the group hears how far it was read [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub commit: Option<Commit>,

    /// How members share partitions [default: cooperative-sticky]
    ///
    /// All members of a group need one in common.
    #[arg(long, value_enum, value_name = "NAME")]
    pub assignor: Option<AssignorName>,

    /// Stay a member under this name over a restart
    ///
    /// Nobody else gets its partitions until session.timeout.ms (45 s) have passed.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub static_id: Option<String>,

    /// Read only these partitions; not with a group
    #[arg(short, long, value_name = "N[,…]", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Vec<i32>,

    /// Where to start: earliest, latest, stored, OFFSET, -N, TIME
    ///
    /// The default is stored with a group, else earliest. -N is the last N records of each partition. A time is RFC 3339, @UNIX_MS, or -15m (ago): the first record that is
    /// not older. With a group, anything but stored is where each partition starts that this process gets for the first time.
    #[arg(short = 'o', long, value_name = "WHERE", value_parser = values::from, allow_hyphen_values = true)]
    pub from: Option<values::From>,

    /// Where to go on if that offset is not there (any more) [default: earliest]
    #[arg(long, value_enum, value_name = "WHERE")]
    pub reset: Option<Reset>,

    /// Where to stop: end, OFFSET, TIME; it is not read itself
    ///
    /// `end` is the end as it is at the start. With OFFSET and TIME each partition stops for itself. With a group it is over
    /// once all partitions are done that this member has; without any it waits for some.
    #[arg(long, value_name = "WHERE", value_parser = values::until, allow_hyphen_values = true)]
    pub until: Option<values::Until>,

    /// Stop at the end, as it is at the start: --until end
    #[arg(short = 'e', conflicts_with = "until")]
    pub end: bool,

    /// Stop after N records were printed
    #[arg(short = 'n', long, value_name = "N")]
    pub max_messages: Option<u64>,

    /// Which transactions are read [default: read_committed]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub isolation: Option<IsolationName>,

    /// Print only records whose key matches; a null key does not
    #[arg(long, value_name = "RE", value_parser = values::pattern, allow_hyphen_values = true)]
    pub key_regex: Option<Regex>,

    /// Print only records whose value matches; null does not
    #[arg(long, value_name = "RE", value_parser = values::pattern, allow_hyphen_values = true)]
    pub value_regex: Option<Regex>,

    /// Print only records with a header NAME whose value matches
    #[arg(long, value_name = "NAME=RE", value_parser = header_pattern, allow_hyphen_values = true)]
    pub header_regex: Vec<(String, Regex)>,

    /// Print records by a template
    ///
    /// %t topic, %p partition, %o offset, %T timestamp in ms, %k key, %v value, %h headers, %K and %V sizes of key and
    /// value (-1: null), %% a percent sign. Escapes: \n \t \r \0 \\ \xHH. No line end is added.
    #[arg(long, value_name = "STR", value_parser = Template::parse, conflicts_with_all = ["key_separator", "delimiter", "format"], allow_hyphen_values = true)]
    pub template: Option<Template>,

    /// Print the key before the value, and SEP between them
    #[arg(short = 'K', long, value_name = "SEP", value_parser = values::text, allow_hyphen_values = true)]
    pub key_separator: Option<Bytes>,

    /// What to print for null [default: nothing]
    #[arg(long, value_name = "STR", default_value = "", hide_default_value = true, value_parser = values::text, allow_hyphen_values = true)]
    pub null_marker: Bytes,

    /// What to print after each record
    ///
    /// Escapes: \n \t \r \0 \\ \xHH.
    #[arg(short = 'D', long, value_name = "STR", default_value = r"\n", value_parser = values::text, allow_hyphen_values = true)]
    pub delimiter: Bytes,

    /// How to print records
    #[arg(long, value_enum, default_value = "plain")]
    pub format: RecordFormat,

    #[command(flatten)]
    pub client: ClientArgs,
}

impl Args {
    /// Whether the topics are names, or with -r patterns.
    ///
    /// # Errors
    /// A usage error where they are not.
    pub fn check_topics(&self) -> anyhow::Result<()> {
        if self.regex { self.patterns().map(drop) } else { self.named().map(drop) }
    }

    /// Whether the options go together, with a group or without.
    ///
    /// # Errors
    /// A usage error where they do not.
    pub fn check_group(&self, grouped: bool) -> anyhow::Result<()> {
        let only_grouped = [
            ("--commit", self.commit.is_some()),
            ("--assignor", self.assignor.is_some()),
            ("--static-id", self.static_id.is_some()),
            ("-o stored", self.from == Some(values::From::Stored)),
        ];
        if grouped && !self.partition.is_empty() {
            return Err(usage("-p has no place with a group: the group says who reads what"));
        }
        let alone = only_grouped.iter().find(|(_, given)| *given && !grouped);
        alone.map_or(Ok(()), |(name, _)| Err(usage(format!("{name} needs a group: -g GROUP"))))
    }

    /// The topics that are named, without -r.
    ///
    /// # Errors
    /// A usage error where a text is no topic's name.
    pub fn named(&self) -> anyhow::Result<Vec<TopicName>> {
        let named = self.topics.iter().map(|name| values::topic(name));
        named
            .collect::<Result<_, _>>()
            .map_err(|e| usage(e.to_string()))
            .hint("-r reads topics by a pattern")
    }

    /// The patterns that are given, with -r.
    ///
    /// # Errors
    /// A usage error where a text is no regular expression.
    pub fn patterns(&self) -> anyhow::Result<Vec<regex::Regex>> {
        let pattern = |text: &String| {
            values::whole_name(text).map_err(|why| usage(format!("{text:?} is {why}")))
        };
        self.topics.iter().map(pattern).collect()
    }
}

/// `--commit`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Every 5 s (auto.commit.interval.ms), and at exit
    Auto,
    /// After each write; no more is read until the group has heard of it
    Sync,
    /// After each write, without waiting; and at exit
    Async,
    /// Never
    None,
}

/// `--assignor`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignorName {
    /// Each topic in ranges
    Range,
    /// All partitions in turn
    #[value(name = "roundrobin")]
    RoundRobin,
    /// As even as can be, with few moves
    Sticky,
    /// The same, and nobody stops for what does not move
    CooperativeSticky,
}

impl From<AssignorName> for Assignor {
    fn from(name: AssignorName) -> Assignor {
        match name {
            AssignorName::Range => Assignor::Range,
            AssignorName::RoundRobin => Assignor::RoundRobin,
            AssignorName::Sticky => Assignor::Sticky,
            AssignorName::CooperativeSticky => Assignor::CooperativeSticky,
        }
    }
}

/// `--reset`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At the first record
    Earliest,
    /// At the end
    Latest,
    /// Nowhere: fail
    Error,
}

/// `--isolation`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum IsolationName {
    /// Committed ones, up to the first that is still open
    ReadCommitted,
    /// All, also aborted ones
    ReadUncommitted,
}

impl From<IsolationName> for Isolation {
    fn from(name: IsolationName) -> Isolation {
        match name {
            IsolationName::ReadCommitted => Isolation::ReadCommitted,
            IsolationName::ReadUncommitted => Isolation::ReadUncommitted,
        }
    }
}

impl From<Reset> for OffsetReset {
    fn from(reset: Reset) -> OffsetReset {
        match reset {
            Reset::Earliest => OffsetReset::Earliest,
            Reset::Latest => OffsetReset::Latest,
            Reset::Error => OffsetReset::Error,
        }
    }
}

fn header_pattern(text: &str) -> Result<(String, Regex), String> {
    let (name, pattern) = values::key_value(text).map_err(|_| "it is written NAME=RE")?;
    Ok((name, values::pattern(&pattern)?))
}
