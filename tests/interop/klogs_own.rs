//! Tests that are about klog alone, and why. They start klog whatever `KLOG_TEST_BROKER` says, so that none of them passes by
//! doing nothing; all others are asked of Apache Kafka as well.

use std::fmt;
use std::path::Path;

use crate::broker::Broker;

/// Why a test is not asked of Apache Kafka.
#[derive(Clone, Copy, Debug)]
pub enum Own {
    /// Memory, time and turns that clients may take from a broker and from each other: Kafka's bounds are those of its heap,
    /// its quotas and its pools of threads.
    Bounds,
    /// Damaged files: Kafka rebuilds less, serves a flipped bit for the client to find, and checks nothing in the background.
    Damage,
    /// Power cuts: Kafka leaves them to its replicas. It does not start again after one, as the bootstrap.checkpoint that its
    /// storage tool wrote is gone.
    PowerCut,
    /// A broker's log, whose words are its own.
    Words,
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Own::Bounds => "Kafka has other bounds",
            Own::Damage => "Kafka treats damage otherwise",
            Own::PowerCut => "Kafka leaves power cuts to its replicas",
            Own::Words => "Kafka logs in other words",
        })
    }
}

/// klog with further settings, whatever is under test.
pub fn klog_with(why: Own, settings: &[(&str, &str)]) -> Broker {
    println!("this test is about klog alone: {why}");
    Broker::klog(None, settings)
}

/// klog with its data in a folder that outlives it, whatever is under test.
pub fn klog_on(why: Own, data: &Path) -> Broker {
    println!("this test is about klog alone: {why}");
    Broker::klog(Some(data), &[])
}
