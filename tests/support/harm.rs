//! Damage of every kind at a random place in a data directory of one partition, and what stays whole of it, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use klog::os::sim::Rng;
use klog::os::{Disk, OpenMode};

/// Files by their path within the data directory.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What was done.
#[derive(Debug)]
pub struct Harm {
    /// In words.
    pub what: String,
    /// The files that are not as they were.
    pub files: BTreeSet<String>,
    pub before: Files,
    pub after: Files,
}

/// The files of a data directory and of a partition in it.
pub fn files(disk: &dyn Disk, data: &Path, partition: &str) -> Files {
    let mut out = Files::new();
    for (folder, prefix) in
        [(data.to_path_buf(), String::new()), (data.join(partition), format!("{partition}/"))]
    {
        for entry in disk.list(&folder).expect("a folder") {
            let is_left_over = entry.name.ends_with(".deleted") || entry.name == ".lock";
            if !entry.is_dir && !is_left_over {
                let bytes = disk.read(&folder.join(&entry.name)).expect("readable").expect("there");
                out.insert(format!("{prefix}{}", entry.name), bytes);
            }
        }
    }
    out
}

/// Where batches stand in a segment, one after another.
pub fn batches(bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 12 {
        let length = i32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]);
        let Ok(length) = usize::try_from(length) else { break };
        let Some(batch) = rest.get(..12 + length).filter(|_| length > 48) else { break };
        out.push(batch);
        rest = &rest[batch.len()..];
    }
    out
}

/// A batch's first and last offset.
pub fn offsets(batch: &[u8]) -> (i64, i64) {
    let base = i64::from_be_bytes(batch[..8].try_into().expect("8 bytes"));
    let delta = i32::from_be_bytes(batch[23..27].try_into().expect("4 bytes"));
    (base, base + i64::from(delta))
}

/// Does harm, until something is not as it was.
pub fn harm(disk: &dyn Disk, data: &Path, partition: &str, rng: &mut Rng) -> Harm {
    let before = files(disk, data, partition);
    loop {
        let mut after = before.clone();
        let what = change(&mut after, rng);
        let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
        let differs = |name: &String| before.get(name) != after.get(name);
        let files: BTreeSet<String> = names.into_iter().filter(differs).collect();
        if files.is_empty() {
            continue;
        }
        for name in &files {
            put(disk, &data.join(name), after.get(name).map(Vec::as_slice));
        }
        return Harm { what, files, before, after };
    }
}

fn put(disk: &dyn Disk, path: &Path, bytes: Option<&[u8]>) {
    match bytes {
        None => disk.remove_file(path).expect("it can be removed"),
        Some(bytes) => {
            disk.open(path, OpenMode::Create).expect("it opens").set_len(0).expect("it is cut");
            disk.write(path, bytes).expect("it is written").sync_all().expect("it is synced");
        }
    }
    disk.sync_dir(path.parent().expect("a folder")).expect("it is synced");
}

fn change(files: &mut Files, rng: &mut Rng) -> String {
    let names: Vec<String> = files.keys().cloned().collect();
    let logs: Vec<String> = names.iter().filter(|name| name.ends_with(".log")).cloned().collect();
    let is_log = rng.chance(500) && !logs.is_empty();
    let name = if is_log {
        logs[rng.below(logs.len())].clone()
    } else {
        names[rng.below(names.len())].clone()
    };
    let suffix = name.rsplit('.').next().unwrap_or_default().to_owned();
    let alike: Vec<&String> = names
        .iter()
        .filter(|other| other.ends_with(&format!(".{suffix}")) && **other != name)
        .collect();
    let bytes = files.get_mut(&name).expect("it is there");
    let length = bytes.len();
    let what = match rng.below(if name.ends_with(".log") { 8 } else { 7 }) {
        0 | 1 if length > 0 => {
            let (at, bit) = (rng.below(length), rng.below(8));
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        2 if length > 0 => {
            let page = rng.pick(&[64, 512, 4096]);
            let at = rng.below(length) / page * page;
            let end = (at + page).min(length);
            bytes[at..end].fill(0);
            format!("bytes {at}..{end} zeroed")
        }
        3 if length > 0 => {
            let kept = rng.below(length);
            bytes.truncate(kept);
            format!("cut to {kept} bytes")
        }
        4 if length > 0 => {
            let at = rng.below(length);
            let end =
                if name.ends_with(".log") { (at + 1 + rng.below(300)).min(length) } else { length };
            bytes[at..end].iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
            format!("bytes {at}..{end} garbled")
        }
        5 if !alike.is_empty() => {
            let other = alike[rng.below(alike.len())].clone();
            let mine = files[&name].clone();
            let theirs = files.insert(other.clone(), mine).expect("it is there");
            files.insert(name.clone(), theirs);
            format!("swapped with {other}")
        }
        6 if !is_log => {
            files.remove(&name);
            "removed".to_owned()
        }
        6 => of_batches(bytes, rng, true),
        7 => of_batches(bytes, rng, false),
        _ => "left alone".to_owned(),
    };
    format!("{name}: {what}")
}

/// Removes a batch, or writes one a second time, behind itself or later.
fn of_batches(bytes: &mut Vec<u8>, rng: &mut Rng, remove: bool) -> String {
    let all: Vec<Vec<u8>> = batches(bytes).into_iter().map(<[u8]>::to_vec).collect();
    if all.is_empty() {
        return "left alone".to_owned();
    }
    let at = rng.below(all.len());
    let mut new = all.clone();
    let what = if remove {
        new.remove(at);
        format!("batch {at} of {} removed", all.len())
    } else {
        let to = at + 1 + rng.below(all.len() - at);
        new.insert(to, all[at].clone());
        format!("batch {at} of {} written again as {to}", all.len())
    };
    *bytes = new.concat();
    what
}

impl Harm {
    /// The batches that stand whole in some segment: where they stood, or elsewhere in a file that is not as it was.
    pub fn whole(&self) -> Vec<Vec<u8>> {
        let is_log = |name: &&String| name.ends_with(".log");
        let changed = self.files.iter().filter(is_log).filter_map(|name| self.after.get(name));
        let changed: Vec<&Vec<u8>> = changed.collect();
        let mut whole = Vec::new();
        for (name, bytes) in self.before.iter().filter(|(name, _)| is_log(name)) {
            let mut position = 0;
            for batch in batches(bytes) {
                let there = self.after.get(name).and_then(|bytes| bytes.get(position..));
                let stays = there.is_some_and(|there| there.starts_with(batch));
                let moved = || changed.iter().any(|log| memchr::memmem::find(log, batch).is_some());
                if stays || moved() {
                    whole.push(batch.to_vec());
                }
                position += batch.len();
            }
        }
        whole
    }
}
