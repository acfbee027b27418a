//! `klog groups describe`: how far groups have read.

use std::collections::{BTreeMap, BTreeSet};

use klog::client::{Admin, Client, GroupDescription, GroupMember, GroupOffsets};
use serde::Serialize;

use super::lag::{self, Unread};
use crate::cluster::{self, Offsets, Partition};
use crate::connect::explain;
use crate::output::{Failures, ListFormat, Row, Rows, or_dash};
use crate::values;

#[derive(Serialize)]
struct Place {
    group: String,
    topic: String,
    partition: i32,
    committed: Option<i64>,
    log_start: Option<i64>,
    log_end: Option<i64>,
    lag: Option<i64>,
    lag_ms: Option<i64>,
    member_id: Option<String>,
    client_id: Option<String>,
    host: Option<String>,
    pending: bool,
}

impl Row for Place {
    const HEADER: &'static [&'static str] = &[
        "group",
        "topic",
        "partition",
        "committed",
        "log_start",
        "log_end",
        "lag",
        "lag_ms",
        "member_id",
        "client_id",
        "host",
        "pending",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.topic.clone(),
            self.partition.to_string(),
            or_dash(&self.committed),
            or_dash(&self.log_start),
            or_dash(&self.log_end),
            or_dash(&self.lag),
            or_dash(&self.lag_ms),
            or_dash(&self.member_id),
            or_dash(&self.client_id),
            or_dash(&self.host),
            if self.pending { "yes" } else { "-" }.to_owned(),
        ]
    }
}

/// What is known of one group.
struct Known<'a> {
    group: &'a GroupDescription,
    committed: GroupOffsets,
    owners: BTreeMap<Partition, &'a GroupMember>,
    /// Where an open transaction has offsets.
    pending: BTreeSet<Partition>,
}

impl Known<'_> {
    /// What is committed or assigned.
    fn partitions(&self) -> BTreeSet<Partition> {
        self.committed.keys().chain(self.owners.keys()).cloned().collect()
    }
}

/// A line per partition of each group. A group whose offsets cannot be read is a failure.
///
/// # Errors
/// If the cluster does not answer, or stdout cannot be written.
pub async fn print(
    client: &Client,
    groups: &[GroupDescription],
    format: ListFormat,
    failures: &mut Failures,
) -> anyhow::Result<()> {
    let admin = Admin::new(client);
    let known = gather(&admin, groups, failures).await;
    let all: BTreeSet<Partition> = known.iter().flat_map(Known::partitions).collect();
    let there = cluster::that_exist(&admin, all).await?;
    let (earliest, latest) = cluster::ends_that_tell(&admin, &there).await?;
    let mut rows = Rows::new(format);
    for known in known {
        let places = places(&known, &earliest, &latest);
        if places.is_empty() {
            anstream::eprintln!("group {} has committed nothing", known.group.group);
        }
        let unread: BTreeMap<Partition, Unread> =
            places.iter().filter_map(|(partition, place)| unread(partition, place)).collect();
        let oldest = lag::first_timestamps(client, unread).await;
        let now = values::now();
        for (partition, mut place) in places {
            place.lag_ms = match oldest.get(&partition) {
                Some(timestamp) => timestamp.map(|at| now.0.saturating_sub(at).max(0)),
                // Nothing, or but markers and gaps.
                None => place.lag.map(|_| 0),
            };
            rows.push(place)?;
        }
    }
    rows.finish()
}

async fn gather<'a>(
    admin: &Admin,
    groups: &'a [GroupDescription],
    failures: &mut Failures,
) -> Vec<Known<'a>> {
    let names: Vec<String> = groups.iter().map(|group| group.group.clone()).collect();
    let mut out = Vec::new();
    for (name, committed) in admin.list_group_offsets(&names, false).await {
        let Some(group) = groups.iter().find(|group| group.group == name) else { continue };
        match committed {
            Ok(committed) => {
                let pending = BTreeSet::new();
                let mut known = Known { group, committed, owners: owners(group), pending };
                match admin.pending_group_offsets(&name, &known.partitions()).await {
                    Ok(pending) => known.pending = pending,
                    Err(error) => failures.add(explain(error)),
                }
                out.push(known);
            }
            Err(error) => failures.add(explain(error)),
        }
    }
    out
}

/// Who has which partition.
fn owners(group: &GroupDescription) -> BTreeMap<Partition, &GroupMember> {
    let mut owners = BTreeMap::new();
    for member in &group.members {
        for (topic, partitions) in member.assignment.iter().flatten() {
            owners.extend(partitions.iter().map(|partition| ((topic.clone(), *partition), member)));
        }
    }
    owners
}

/// The lines of one group, but for how old what is unread is.
fn places(known: &Known<'_>, earliest: &Offsets, latest: &Offsets) -> Vec<(Partition, Place)> {
    let place = |partition: Partition| {
        let offset = |found: &Offsets| found.get(&partition).and_then(|found| found.offset);
        let committed = known.committed.get(&partition).map(|committed| committed.offset);
        let log_end = offset(latest);
        let lag = committed.zip(log_end).map(|(committed, end)| (end - committed).max(0));
        let owner = known.owners.get(&partition);
        let place = Place {
            group: known.group.group.clone(),
            topic: partition.0.to_string(),
            partition: partition.1,
            committed,
            log_start: offset(earliest),
            log_end,
            lag,
            lag_ms: None,
            member_id: owner.map(|member| member.id.clone()),
            client_id: owner.map(|member| member.client_id.clone()),
            host: owner.map(|member| member.host.clone()),
            pending: known.pending.contains(&partition),
        };
        (partition, place)
    };
    known.partitions().into_iter().map(place).collect()
}

/// What of the log the group has yet to read, if there is something.
fn unread(partition: &Partition, place: &Place) -> Option<(Partition, Unread)> {
    let (committed, end) = (place.committed?, place.log_end?);
    let unread = Unread { from: committed.max(place.log_start.unwrap_or(0)), end };
    (committed < end).then(|| (partition.clone(), unread))
}
