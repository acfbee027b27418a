//! Who chooses the partition of a record that names none.

mod murmur2;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub use murmur2::murmur2;

use super::config::Wanted;

/// What a partitioner sees of a record.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'a> {
    /// The record's topic.
    pub topic: &'a str,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// What a partitioner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This partition; it must be below the count given.
    Partition(u32),
    /// Whichever partition unkeyed records now go to: the producer stays with one for `batch.size` bytes and then
    /// takes another that has a leader, at random (KIP-480, KIP-794).
    Sticky,
}

/// Chooses partitions. Called once per record that names none, from any thread; it must not block.
pub trait Partitioner: Send + Sync + fmt::Debug {
    /// The partition for this record of a topic that has `partitions` of them (at least 1).
    fn choose(&self, record: Routed<'_>, partitions: u32) -> Choice;
}

/// Java's default: murmur2 of the key, else sticky.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultPartitioner;

impl Partitioner for DefaultPartitioner {
    fn choose(&self, record: Routed<'_>, partitions: u32) -> Choice {
        match record.key {
            Some(key) => Choice::Partition((murmur2(key) & 0x7fff_ffff) % partitions),
            None => Choice::Sticky,
        }
    }
}

/// librdkafka's default, `consistent_random`: CRC-32 of the key; without a key, or with an empty one, sticky.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crc32Partitioner;

impl Partitioner for Crc32Partitioner {
    fn choose(&self, record: Routed<'_>, partitions: u32) -> Choice {
        match record.key {
            Some(key) if !key.is_empty() => Choice::Partition(crc32fast::hash(key) % partitions),
            _ => Choice::Sticky,
        }
    }
}

/// Sticky for every record: keys are ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyPartitioner;

impl Partitioner for StickyPartitioner {
    fn choose(&self, _: Routed<'_>, _: u32) -> Choice {
        Choice::Sticky
    }
}

/// One after the other, whatever the key.
#[derive(Debug, Default)]
pub struct RoundRobinPartitioner {
    next: AtomicU32,
}

impl Partitioner for RoundRobinPartitioner {
    fn choose(&self, _: Routed<'_>, partitions: u32) -> Choice {
        Choice::Partition(self.next.fetch_add(1, Ordering::Relaxed) % partitions)
    }
}

/// Any one, whatever the key, each record on its own.
#[derive(Debug)]
pub struct RandomPartitioner {
    state: AtomicU32,
}

impl RandomPartitioner {
    /// Starts its sequence at `seed`.
    pub fn new(seed: u32) -> RandomPartitioner {
        RandomPartitioner { state: AtomicU32::new(seed) }
    }
}

impl Partitioner for RandomPartitioner {
    fn choose(&self, _: Routed<'_>, partitions: u32) -> Choice {
        // A Weyl sequence, mixed: every call gets another number, and threads need no lock.
        let mut x = self.state.fetch_add(0x9e37_79b9, Ordering::Relaxed);
        x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
        x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
        x ^= x >> 16;
        Choice::Partition(((u64::from(x) * u64::from(partitions)) >> 32) as u32)
    }
}

/// The names that `--partitioner` takes, and librdkafka's.
///
/// # Errors
/// In words, the names there are.
pub fn by_name(name: &str) -> Result<Arc<dyn Partitioner>, Wanted> {
    match name {
        "murmur2" | "murmur2_random" => Ok(Arc::new(DefaultPartitioner)),
        "crc32" | "consistent_random" => Ok(Arc::new(Crc32Partitioner)),
        "sticky" => Ok(Arc::new(StickyPartitioner)),
        "round-robin" => Ok(Arc::<RoundRobinPartitioner>::default()),
        "random" => Ok(Arc::new(RandomPartitioner::new(super::entropy::random_u32()))),
        _ => Err("murmur2, sticky, round-robin, random or crc32"),
    }
}

/// The classes that Java's client brings.
pub(super) fn by_java_class(name: &str) -> Result<Arc<dyn Partitioner>, Wanted> {
    match name {
        "org.apache.kafka.clients.producer.RoundRobinPartitioner" => by_name("round-robin"),
        _ => Err("org.apache.kafka.clients.producer.RoundRobinPartitioner, the only one known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: Option<&'static [u8]>) -> Routed<'static> {
        Routed { topic: "t", key, value: None }
    }

    fn chosen(partitioner: &dyn Partitioner, key: &'static [u8], partitions: u32) -> u32 {
        match partitioner.choose(record(Some(key)), partitions) {
            Choice::Partition(index) => index,
            Choice::Sticky => panic!("a key was not looked at"),
        }
    }

    #[test]
    fn a_keyed_record_goes_where_java_sends_it() {
        // Utils.toPositive(-973932308) % 10 = 1173551340 % 10, and so on.
        assert_eq!(chosen(&DefaultPartitioner, b"21", 10), 0);
        assert_eq!(chosen(&DefaultPartitioner, b"foobar", 1000), 166);
        assert_eq!(DefaultPartitioner.choose(record(None), 10), Choice::Sticky);
        assert_ne!(DefaultPartitioner.choose(record(Some(b"")), 10), Choice::Sticky);
    }

    #[test]
    fn crc32_is_librdkafkas_and_leaves_empty_keys_to_chance() {
        // The check value of CRC-32: "123456789" hashes to 0xcbf43926.
        assert_eq!(chosen(&Crc32Partitioner, b"123456789", 1000), 0xcbf4_3926 % 1000);
        assert_eq!(Crc32Partitioner.choose(record(Some(b"")), 7), Choice::Sticky);
    }

    #[test]
    fn round_robin_takes_each_in_turn_and_random_takes_all() {
        let robin = RoundRobinPartitioner::default();
        let got: Vec<u32> = (0..5).map(|_| chosen(&robin, b"same", 3)).collect();
        assert_eq!(got, [0, 1, 2, 0, 1]);
        let random = RandomPartitioner::new(1);
        let mut seen = [0u32; 7];
        for _ in 0..7_000 {
            seen[chosen(&random, b"same", 7) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
    }

    #[test]
    fn names_that_nobody_has_are_refused() {
        assert!(by_name("fnv1a").is_err());
        assert!(by_name("round-robin").is_ok());
        assert!(by_java_class("com.example.Mine").is_err());
    }
}
