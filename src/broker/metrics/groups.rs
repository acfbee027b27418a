//! Consumer groups: how many there are, and how far each is behind.

use std::fmt::Result;

use super::lag::{self, Lag, Pair, Survey};
use super::sheet::Sheet;
use super::shown::{OTHERS, Shown};
use crate::broker::node::Node;

/// Groups with longer names are among the others: a name may have 32 kB.
const NAME_AT_MOST: usize = 255;

/// What scrapes remember of groups.
#[derive(Debug)]
pub struct Memory {
    shown: Shown<Pair>,
    lag: lag::Memory,
}

impl Memory {
    /// So many pairs of a group and a topic have rows of their own.
    pub fn new(most: usize) -> Memory {
        Memory { shown: Shown::new(most), lag: lag::Memory::default() }
    }
}

/// Writes them. Pairs of a group and a topic beyond the bound are summed up in one row.
pub fn write(sheet: &mut Sheet<'_>, node: &Node, memory: &mut Memory) -> Result {
    let Survey { states, members, lags, unknown } = lag::survey(node, &mut memory.lag);
    let states = states.iter().map(|(state, count)| ([("state", *state)], *count));
    sheet.gauges("klog_groups", "Consumer groups, by state", states)?;
    sheet.gauge("klog_group_members", "Members of all consumer groups", members)?;
    let named = lags.iter().filter(|(pair, _)| may_be_named(pair));
    memory.shown.choose(named.map(|(pair, lag)| (pair, lag.records)));
    let mut rows: Vec<([(&str, &str); 2], Lag)> = Vec::new();
    let mut others: Option<Lag> = None;
    for (pair, lag) in &lags {
        match memory.shown.has(pair) {
            true => rows.push(([("group", &pair.0), ("topic", &pair.1)], *lag)),
            false => others.get_or_insert_default().add(*lag),
        }
    }
    rows.extend(others.map(|lag| ([("group", OTHERS), ("topic", OTHERS)], lag)));
    sheet.gauges(
        "klog_group_lag_records",
        "Records from what a group has committed to the end of the log, all partitions of a topic together",
        rows.iter().map(|(labels, lag)| (*labels, lag.records)),
    )?;
    sheet.gauges(
        "klog_group_lag_seconds",
        "How old the batch is, by its timestamp, that a group has to read next, in the partition where it is oldest; 0 without lag",
        rows.iter().map(|(labels, lag)| (*labels, lag.ms as f64 / 1e3)),
    )?;
    sheet.gauge(
        "klog_group_lag_unknown_partitions",
        "Partitions with lag that klog_group_lag_seconds leaves out: their batch has no timestamp or could not be read, or there were too many to look at",
        unknown,
    )
}

/// A real group may be called as the row of the others is.
fn may_be_named((group, _): &Pair) -> bool {
    group.len() <= NAME_AT_MOST && *group != *OTHERS
}
