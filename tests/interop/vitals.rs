//! What a process takes of its machine, and whether that grows.

use std::fs;

/// One look at a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vitals {
    pub rss_kib: u64,
    pub descriptors: u64,
    pub threads: u64,
}

impl Vitals {
    pub fn of(pid: u32) -> Vitals {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("is there");
            line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("is a number")
        };
        let descriptors = open_files(pid).len() as u64;
        Vitals { rss_kib: field("VmRSS:"), descriptors, threads: field("Threads:") }
    }
}

/// Where the process's descriptors lead.
pub fn open_files(pid: u32) -> Vec<String> {
    let listed = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process lives");
    let link = |entry: std::io::Result<fs::DirEntry>| {
        // A descriptor may be closed while they are listed.
        fs::read_link(entry.ok()?.path()).ok().map(|path| path.display().to_string())
    };
    listed.filter_map(link).collect()
}

/// Says where a figure grew: its peak in the last third of the time lies above that in the middle third by more than a tenth
/// and `room`. The first third is for warming up.
pub fn growth(samples: &[u64], room: u64) -> Option<String> {
    let third = samples.len() / 3;
    let peak = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (middle, last) = (peak(&samples[third..2 * third]), peak(&samples[2 * third..]));
    let limit = middle + middle / 10 + room;
    (last > limit).then(|| format!("its peak rose from {middle} to {last}, above {limit}"))
}

#[test]
fn what_stays_within_a_tenth_does_not_grow_and_what_climbs_does() {
    let warming: Vec<u64> = (0..90).map(|at| if at < 30 { at } else { 100 + at % 7 }).collect();
    assert_eq!(growth(&warming, 0), None);
    let climbing: Vec<u64> = (0..90).map(|at| 1000 + at * 10).collect();
    assert!(growth(&climbing, 0).is_some());
    assert_eq!(growth(&climbing, 200), None);
}
