//! What is exported and imported: a committed offset as a line of JSON.

use std::io::{BufRead, Read as _};

use anyhow::Context as _;
use klog::base::TopicName;
use klog::client::{CommittedOffset, GroupOffsets};
use serde::{Deserialize, Serialize};

use crate::exit::Hint as _;
use crate::values;

/// The longest line that is read. What a group remembers beside an offset has 4 KiB by default.
const LINE_BYTES: u64 = 1 << 20;

#[derive(Serialize)]
pub struct Written<'a> {
    pub group: &'a str,
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub leader_epoch: Option<i32>,
    pub metadata: &'a str,
}

/// Other fields are ignored, the group's name among them.
#[derive(Deserialize)]
struct Read {
    topic: String,
    partition: i32,
    offset: i64,
    leader_epoch: Option<i32>,
    #[serde(default)]
    metadata: String,
}

/// Reads lines until the end; blank ones are passed over.
///
/// # Errors
/// The first bad line, by its number.
pub fn read_all(mut input: impl BufRead) -> anyhow::Result<GroupOffsets> {
    let (mut out, mut line) = (GroupOffsets::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        if read.context("cannot read stdin")? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let failed = || format!("line {number} of stdin is not an offset");
        let (partition, committed) = offset_of(&line)
            .with_context(failed)
            .hint("a line is like {\"topic\":\"t\",\"partition\":0,\"offset\":42}")?;
        if out.insert(partition.clone(), committed).is_some() {
            let (topic, partition) = partition;
            anyhow::bail!("line {number} of stdin tells of {topic}[{partition}] again");
        }
    }
    Ok(out)
}

fn offset_of(line: &[u8]) -> anyhow::Result<((TopicName, i32), CommittedOffset)> {
    let read: Read = serde_json::from_slice(line)?;
    let topic = values::topic(&read.topic)?;
    anyhow::ensure!(read.partition >= 0, "partition {} is below 0", read.partition);
    anyhow::ensure!(read.offset >= 0, "offset {} is below 0", read.offset);
    let (leader_epoch, metadata) = (read.leader_epoch.filter(|epoch| *epoch >= 0), read.metadata);
    Ok(((topic, read.partition), CommittedOffset { offset: read.offset, leader_epoch, metadata }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_whole() {
        let written = Written {
            group: "g",
            topic: "t",
            partition: 3,
            offset: 42,
            leader_epoch: Some(7),
            metadata: "a \"note\"\n",
        };
        let text = serde_json::to_string(&written).expect("it is JSON");
        let read = read_all(format!("{text}\n\n").as_bytes()).expect("it is read");
        let committed =
            CommittedOffset { offset: 42, leader_epoch: Some(7), metadata: "a \"note\"\n".into() };
        let topic = TopicName::new("t").expect("a name");
        assert_eq!(read, GroupOffsets::from([((topic, 3), committed)]));
    }

    #[test]
    fn a_bad_line_is_told_by_its_number() {
        let good = "{\"topic\":\"t\",\"partition\":0,\"offset\":1}";
        for bad in [
            "x",
            "{\"topic\":\"t\",\"partition\":0}",
            "{\"topic\":\"t\",\"partition\":-1,\"offset\":1}",
            "{\"topic\":\"t\",\"partition\":0,\"offset\":-1}",
            "{\"topic\":\"a b\",\"partition\":0,\"offset\":1}",
            good,
        ] {
            let error = read_all(format!("{good}\n{bad}\n").as_bytes()).unwrap_err();
            assert!(format!("{error}").starts_with("line 2 of stdin"), "{bad}: {error:#}");
        }
    }
}
