//! Damage that no byte contradicts, each kind with its reason. What is none of them has to be found.

use std::collections::BTreeMap;

use crate::harm::{Files, Harm, batches, offsets};

/// Every reason that there is.
pub const REASONS: [&str; 13] = [
    "a log that ends earlier, at a batch, where nothing tells of what came after",
    "an epoch or offset below where the log starts or its epochs are known",
    "an index may lack entries at its end",
    "older Kafkas noted the last offset of all that was appended at once",
    "older Kafkas noted any offset of the youngest batch",
    "the active segment's indexes are behind it",
    "where transactions began before the log, their beginnings are not known",
    "a snapshot may be missing: it is made again",
    "a snapshot may be the older one where only markers came between",
    "epochs may be forgotten below the start of the log, and begun where nothing was written",
    "an id is as good as another",
    "a checkpoint may be missing or behind",
    "the mark of a clean stop may be missing or empty",
];

/// The same of the metadata log alone.
const OF_A_QUORUM: &str = "whom a quorum elected stands in one place alone, and may be forgotten";

/// Why nothing contradicts what was done; `None` if something does.
pub fn excuse(harm: &Harm, partition: &str) -> Option<&'static str> {
    let truth = Truth::of(&harm.before, partition);
    let mut reason = None;
    for name in &harm.files {
        reason = Some(truth.excuse(harm, name)?);
    }
    reason
}

struct Truth {
    /// First offset of each segment and its batches: position, first and last offset, youngest timestamp.
    segments: BTreeMap<i64, Vec<(u64, i64, i64, i64)>>,
    clean: bool,
    log_start: i64,
    end: i64,
    sure: bool,
    partition: String,
}

impl Truth {
    fn of(files: &Files, partition: &str) -> Truth {
        let mut segments = BTreeMap::new();
        for (name, bytes) in files {
            let Some(base) = base_of(name, ".log") else { continue };
            let mut position = 0;
            let mut all = Vec::new();
            for batch in batches(bytes) {
                let (first, last) = offsets(batch);
                let count = i32::from_be_bytes(batch[57..61].try_into().expect("4 bytes"));
                let time = i64::from_be_bytes(batch[35..43].try_into().expect("8 bytes"));
                all.push((position, first, last, if count > 0 { time } else { -1 }));
                position += batch.len() as u64;
            }
            segments.insert(base, all);
        }
        let first = segments.keys().next().copied().unwrap_or(0);
        let end = segments
            .iter()
            .next_back()
            .map_or(0, |(base, all)| all.last().map_or(*base, |it| it.2 + 1));
        let number = |name: &str| number_in(files.get(name)?, partition);
        Truth {
            clean: files.contains_key(".kafka_cleanshutdown"),
            log_start: number("log-start-offset-checkpoint").unwrap_or(0),
            end,
            sure: first == 0 || files.contains_key(&format!("{partition}/{first:020}.snapshot")),
            segments,
            partition: partition.to_owned(),
        }
    }

    fn is_active(&self, base: i64) -> bool {
        self.segments.keys().next_back() == Some(&base)
    }

    fn excuse(&self, harm: &Harm, name: &str) -> Option<&'static str> {
        let (before, after) = (harm.before.get(name)?, harm.after.get(name));
        let short = name.rsplit('/').next().unwrap_or(name);
        if let Some(base) = base_of(name, ".log") {
            return self.of_log(harm, base, before, after);
        }
        if let Some(base) = base_of(name, ".index") {
            return self.of_index(base, before, after);
        }
        if let Some(base) = base_of(name, ".timeindex") {
            return self.of_time_index(base, before, after);
        }
        if let Some(base) = base_of(name, ".txnindex") {
            return self.of_txn_index(base, before, after);
        }
        if let Some(offset) = base_of(name, ".snapshot") {
            return of_snapshot(offset, after);
        }
        match short {
            "leader-epoch-checkpoint" => self.of_epochs(before, after),
            "partition.metadata" => klog::log::topic_id_in(after?).map(|_| REASONS[10]),
            "meta.properties" => match after {
                Some(after) => properties_are_read(after).then_some(REASONS[10]),
                None => Some(REASONS[10]),
            },
            ".kafka_cleanshutdown" => match after {
                Some(after) if !after.is_empty() => {
                    serde_json::from_slice::<serde_json::Value>(after).ok().map(|_| REASONS[12])
                }
                _ => Some(REASONS[12]),
            },
            "quorum-state" => {
                let after = after.map_or(&[][..], Vec::as_slice);
                let read = serde_json::from_slice::<serde_json::Value>(after);
                (after.is_empty() || read.is_ok()).then_some(OF_A_QUORUM)
            }
            _ if after.is_none() && short.ends_with(".checkpoint") => Some(REASONS[7]),
            _ => self.of_checkpoint(short, after),
        }
    }

    fn of_log(
        &self,
        harm: &Harm,
        base: i64,
        before: &[u8],
        after: Option<&Vec<u8>>,
    ) -> Option<&'static str> {
        let empty = Vec::new();
        let after = after.unwrap_or(&empty);
        let batches = &self.segments[&base];
        if after.len() < before.len() && before.starts_with(after) {
            let at = batches.iter().find(|it| it.0 == after.len() as u64)?;
            let end = at.1;
            return (self.is_active(base)
                && !self.tells_beyond(harm, base, end, after.len() as u64))
            .then_some(REASONS[0]);
        }
        let first = before.iter().zip(after).position(|(a, b)| a != b)? as u64;
        let last = before.iter().zip(after).rposition(|(a, b)| a != b)? as u64;
        let at = batches.iter().rfind(|it| it.0 <= first)?;
        let uncovered = before.len() == after.len() && last < at.0 + 16;
        let epochs =
            epochs_in(harm.before.get(&format!("{}/leader-epoch-checkpoint", self.partition))?)?;
        let below = at.2 < self.log_start || epochs.first().is_none_or(|(_, start)| *start > at.1);
        (uncovered && below).then_some(REASONS[1])
    }

    /// Whether another file knows of offsets from `end` on, or of bytes from `size` on.
    fn tells_beyond(&self, harm: &Harm, base: i64, end: i64, size: u64) -> bool {
        let file = |name: &str| harm.after.get(&format!("{}/{name}", self.partition));
        let point = harm.after.get("recovery-point-offset-checkpoint");
        let point = point.and_then(|bytes| number_in(bytes, &self.partition)).unwrap_or(0);
        let start = harm.after.get("log-start-offset-checkpoint");
        let start = start.and_then(|bytes| number_in(bytes, &self.partition)).unwrap_or(0);
        let snapshot =
            harm.after.keys().filter_map(|name| base_of(name, ".snapshot")).max().unwrap_or(0);
        let epochs =
            file("leader-epoch-checkpoint").and_then(|bytes| epochs_in(bytes)).unwrap_or_default();
        let epoch = epochs.last().map_or(0, |(_, start)| *start);
        let index = file(&format!("{base:020}.index")).cloned().unwrap_or_default();
        let indexed = index.chunks_exact(8).any(|it| be(&it[4..]) as u64 >= size && be(it) != 0);
        let times = file(&format!("{base:020}.timeindex")).cloned().unwrap_or_default();
        let timed = times.chunks_exact(12).any(|it| base + be(&it[8..]) >= end && be(it) != 0);
        let txn = file(&format!("{base:020}.txnindex")).cloned().unwrap_or_default();
        let aborted = txn.chunks_exact(34).any(|it| be(&it[18..26]) >= end);
        point > end
            || start > end
            || (self.clean && point != end)
            || snapshot > end
            || epoch > end
            || indexed
            || timed
            || aborted
    }

    fn of_index(&self, base: i64, before: &[u8], after: Option<&Vec<u8>>) -> Option<&'static str> {
        let Some(after) = after else { return self.without_index(base) };
        let (old, new) = (trimmed(before, 8), trimmed(after, 8));
        if after.len().is_multiple_of(8) && old.starts_with(new) {
            return Some(REASONS[2]);
        }
        if old.len() != new.len() || !after.len().is_multiple_of(8) {
            return None;
        }
        let batches = &self.segments[&base];
        let (old, new): (Vec<_>, Vec<_>) =
            (old.chunks_exact(8).collect(), new.chunks_exact(8).collect());
        for at in 0..old.len() {
            let (position, offset) = (be(&new[at][4..]), base + be(&new[at][..4]));
            let next = new.get(at + 1).map_or(i64::MAX, |it| base + be(&it[..4]));
            let later = batches.iter().any(|it| it.0 as i64 >= position && it.2 == offset);
            if old[at][4..] != new[at][4..] || !later || offset >= next {
                return None;
            }
        }
        Some(REASONS[3])
    }

    fn without_index(&self, base: i64) -> Option<&'static str> {
        let is_empty = self.segments[&base].is_empty();
        (self.is_active(base) || is_empty).then_some(REASONS[5])
    }

    fn of_time_index(
        &self,
        base: i64,
        before: &[u8],
        after: Option<&Vec<u8>>,
    ) -> Option<&'static str> {
        let Some(after) = after else { return self.without_index(base) };
        let (old, new) = (trimmed(before, 12), trimmed(after, 12));
        if after.len().is_multiple_of(12)
            && old.starts_with(new)
            && (self.is_active(base) || old == new)
        {
            return Some(REASONS[5]);
        }
        if old.len() != new.len() || !after.len().is_multiple_of(12) {
            return None;
        }
        let batches = &self.segments[&base];
        for (old, new) in old.chunks_exact(12).zip(new.chunks_exact(12)) {
            let (time, offset) = (be(&new[..8]), base + be(&new[8..]));
            let holds = batches.iter().any(|it| (it.1..=it.2).contains(&offset) && it.3 == time);
            if old[..8] != new[..8] || !holds {
                return None;
            }
        }
        Some(REASONS[4])
    }

    fn of_txn_index(
        &self,
        base: i64,
        before: &[u8],
        after: Option<&Vec<u8>>,
    ) -> Option<&'static str> {
        let empty = Vec::new();
        let new = after.unwrap_or(&empty);
        if self.is_active(base)
            && !self.clean
            && new.len().is_multiple_of(34)
            && before.starts_with(new)
        {
            return Some(REASONS[5]);
        }
        if before.is_empty() && new.is_empty() {
            return Some(REASONS[2]);
        }
        let below = |entry: &[u8]| be(&entry[10..18]).min(be(&entry[26..34])) < self.log_start;
        (!self.sure || before.chunks_exact(34).any(below)).then_some(REASONS[6])
    }

    fn of_epochs(&self, before: &[u8], after: Option<&Vec<u8>>) -> Option<&'static str> {
        if self.segments.values().all(Vec::is_empty) {
            return Some(REASONS[9]);
        }
        let (old, new) = (epochs_in(before)?, epochs_in(after?)?);
        let of = |epochs: &[(i64, i64)], at: i64| {
            epochs.iter().rfind(|(_, start)| *start <= at).map(|(epoch, _)| *epoch)
        };
        let ascends = new.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let agrees = |it: &(u64, i64, i64, i64)| {
            [it.1, it.2].iter().all(|at| {
                of(&new, *at).is_none_or(|epoch| of(&old, *at).is_none_or(|old| old == epoch))
            })
        };
        let same = self.segments.values().flatten().all(agrees);
        let within = new.last().is_some_and(|(_, start)| *start <= self.end);
        (ascends && same && within).then_some(REASONS[9])
    }

    fn of_checkpoint(&self, short: &str, after: Option<&Vec<u8>>) -> Option<&'static str> {
        let Some(after) = after.filter(|after| !after.is_empty()) else { return Some(REASONS[11]) };
        let text = std::str::from_utf8(after).ok()?;
        let mut lines = text.lines();
        let version = lines.next()?;
        let count: usize = lines.next()?.parse().ok()?;
        let lines: Vec<&str> = lines.collect();
        let read = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let named = words.len() == 3 && klog::base::TopicName::new(words[0]).is_ok();
            named
                && words[1].parse::<i32>().is_ok_and(|it| it >= 0)
                && words[2].parse::<i64>().is_ok_and(|it| it >= 0)
        };
        if version != "0" || lines.len() != count || !lines.iter().all(read) {
            return None;
        }
        let wrong = number_in(after, &self.partition).is_some_and(|number| {
            number > self.end
                || (short == "recovery-point-offset-checkpoint" && self.clean && number != self.end)
        });
        (!wrong).then_some(REASONS[11])
    }
}

fn of_snapshot(offset: i64, after: Option<&Vec<u8>>) -> Option<&'static str> {
    let Some(after) = after else { return Some(REASONS[7]) };
    let entries = klog::log::snapshot_entries(after.clone().into()).ok()?;
    let below = entries.iter().all(|it| it.last_offset < offset && it.transaction_start < offset);
    below.then_some(REASONS[8])
}

fn base_of(name: &str, suffix: &str) -> Option<i64> {
    klog::log::offset_of(name.rsplit('/').next()?, suffix)
}

fn be(bytes: &[u8]) -> i64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

fn trimmed(bytes: &[u8], entry: usize) -> &[u8] {
    let whole = &bytes[..bytes.len() / entry * entry];
    let end = whole.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    &whole[..end.next_multiple_of(entry)]
}

fn number_in(bytes: &[u8], partition: &str) -> Option<i64> {
    let (topic, number) = partition.rsplit_once('-')?;
    let text = std::str::from_utf8(bytes).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{topic} {number} ")))?;
    line.parse().ok()
}

fn epochs_in(bytes: &[u8]) -> Option<Vec<(i64, i64)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    let count: usize =
        lines.next().filter(|line| *line == "0").and_then(|_| lines.next()?.parse().ok())?;
    let entries: Vec<(i64, i64)> = lines
        .map(|line| {
            let (epoch, start) = line.split_once(' ')?;
            let (epoch, start): (i32, i64) = (epoch.parse().ok()?, start.parse().ok()?);
            (epoch >= 0 && start >= 0).then_some((i64::from(epoch), start))
        })
        .collect::<Option<_>>()?;
    (entries.len() == count).then_some(entries)
}

fn properties_are_read(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let value = |key: &str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .rfind(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().to_owned())
    };
    value("version").as_deref() == Some("1")
        && value("cluster.id").is_some()
        && value("node.id").and_then(|id| id.parse::<i32>().ok()).is_some_and(|id| id >= 0)
        && value("directory.id").is_some_and(|id| klog::base::TopicId::parse(&id).is_some())
}
