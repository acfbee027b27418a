//! The sums of one log by itself, in no more than a screenful.

use super::sums::{Segment, Sums, damage_of};
use crate::output::{Stdout, aligned, count, local_time, or_dash, size};

/// So many segments are listed at each end of a long log.
const LISTED: usize = 6;

/// Prints a page.
///
/// # Errors
/// If stdout cannot be written.
pub fn print(sums: &Sums) -> anyhow::Result<()> {
    let mut out = Stdout::new();
    let mut text = format!("{}\n", sums.path);
    let times = match (sums.min_timestamp, sums.max_timestamp) {
        (None, None) => "-".to_owned(),
        (from, to) => format!("{} to {}", local_time(from), local_time(to)),
    };
    let offsets = match (sums.first_offset, sums.last_offset) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (None, Some(last)) => format!("up to {last}"),
        _ => "-".to_owned(),
    };
    let missing = match sums.gaps {
        0 => "none".to_owned(),
        gaps => format!("{} in {}", count(sums.missing_offsets, "offset"), count(gaps, "place")),
    };
    let sizes = sums.batch_size.as_ref().map_or("-".to_owned(), |it| {
        let (min, max) = (size(it.min), size(it.max));
        format!("{min} to {max}, median {}, p99 {}", size(it.p50), size(it.p99))
    });
    let epochs = match (sums.first_epoch, sums.last_epoch) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => or_dash(&first),
    };
    let lines = [
        ("segments", format!("{}, {}", sums.segments, size(sums.bytes))),
        ("batches", format!("{} of {sizes}", sums.batches)),
        ("records", or_dash(&sums.records)),
        ("offsets", offsets),
        ("missing", missing),
        ("times", times),
        ("epochs", epochs),
        ("codecs", if sums.codecs.is_empty() { "-".to_owned() } else { sums.codecs().join(", ") }),
        (
            "producers",
            format!(
                "{} idempotent; batches in transactions: {}, control batches: {}",
                sums.producers, sums.transactional_batches, sums.control_batches
            ),
        ),
    ];
    for (name, value) in lines {
        text.push_str(&format!("  {name:<10}{value}\n"));
    }
    text.push('\n');
    text.push_str(&segments(&sums.of_segments));
    out.buffer().extend_from_slice(text.as_bytes());
    out.flush()
}

/// A line per file: all of a few, of many the first, the last and those that are damaged.
fn segments(all: &[Segment]) -> String {
    let header = ["segment", "size", "batches", "first", "last", "max_timestamp", "damaged"];
    let numbers = ["size", "batches", "first", "last"];
    let few = all.len() <= 2 * LISTED + 1;
    let mut rows = Vec::new();
    let (mut left_out, mut damaged) = (0, 0);
    for (at, segment) in all.iter().enumerate() {
        let stats = &segment.stats;
        let is_bad = stats.damaged > 0;
        let ends = at < LISTED || at + LISTED >= all.len();
        damaged += usize::from(is_bad && !ends);
        let stands_out = is_bad && damaged <= LISTED;
        if !(few || ends || stands_out) {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            rows.push(dots(std::mem::take(&mut left_out)));
        }
        let name = segment.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let damage = damage_of(stats.damaged, stats.damaged_bytes);
        let cells = vec![
            name.unwrap_or_default(),
            size(stats.bytes + stats.damaged_bytes),
            stats.batches.to_string(),
            or_dash(&stats.first_offset),
            or_dash(&stats.last_offset),
            local_time(stats.max_timestamp),
            damage,
        ];
        rows.push((cells, is_bad));
    }
    if left_out > 0 {
        rows.push(dots(left_out));
    }
    aligned(&header, &numbers, &["batches", "first"], rows.into_iter())
}

fn dots(count: usize) -> (Vec<String>, bool) {
    let mut cells = vec![String::new(); 7];
    cells[0] = format!("… {count} more");
    (cells, false)
}
