//! A type per number, so that an offset never meets a timestamp by mistake.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::TopicName;

/// Declares a number whose negative values mean "absent" on the wire.
macro_rules! non_negative {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($raw);

        impl $name {
            /// The smallest value.
            pub const ZERO: $name = $name(0);

            /// Wraps a value that klog itself made.
            ///
            /// # Panics
            /// If `raw` is negative: that is a bug of the caller. Use [`Self::from_wire`] for outside values.
            pub const fn new(raw: $raw) -> $name {
                assert!(raw >= 0);
                $name(raw)
            }

            /// Takes a value from outside; a negative one means "absent".
            pub fn from_wire(raw: $raw) -> Option<$name> {
                (raw >= 0).then_some($name(raw))
            }

            /// The plain number.
            pub const fn get(self) -> $raw {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

non_negative! {
    /// Position of one record in a partition; the first is 0.
    Offset(i64)
}
non_negative! {
    /// How many leaders a partition had before this one (KIP-101).
    LeaderEpoch(i32)
}
non_negative! {
    /// A broker's `node.id`.
    BrokerId(i32)
}
non_negative! {
    /// Number of a partition within its topic; the first is 0.
    PartitionIndex(i32)
}
non_negative! {
    /// Names one idempotent producer, as the cluster hands them out (KIP-98).
    ProducerId(i64)
}
non_negative! {
    /// Fences older incarnations of a producer id (KIP-98).
    ProducerEpoch(i16)
}

impl Offset {
    /// The offset `count` records further on; stays at `i64::MAX` rather than wrap.
    pub fn plus(self, count: i64) -> Offset {
        Offset::new(self.0.saturating_add(count).max(0))
    }
}

/// Milliseconds since the Unix epoch; may be negative in what old producers wrote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Millis(pub i64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A topic's stable identity (KIP-516): 16 bytes, shown as 22 characters of URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// "No id": what older clients send.
    pub const ZERO: TopicId = TopicId([0; 16]);

    /// The id of `__cluster_metadata`, fixed (Kafka's `Uuid.METADATA_TOPIC_ID`).
    pub const METADATA: TopicId = TopicId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// Whether this is the absent id.
    pub fn is_zero(self) -> bool {
        self == TopicId::ZERO
    }

    /// Reads Kafka's text form.
    pub fn parse(text: &str) -> Option<TopicId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(TopicId(bytes.try_into().ok()?))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One partition of one topic, by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: PartitionIndex,
}

impl fmt::Display for TopicPartition {
    /// `topic-3`, as Kafka names the partition's folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_offset_from_the_wire_is_absent() {
        assert_eq!(Offset::from_wire(-1), None);
        assert_eq!(Offset::from_wire(7), Some(Offset::new(7)));
    }

    #[test]
    fn topic_ids_read_what_they_print() {
        let id = TopicId([7; 16]);
        assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        assert_eq!(TopicId::parse("short"), None);
    }
}
