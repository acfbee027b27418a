//! `klog groups` beside Kafka's own group tool: on klog and on Apache Kafka the two tell the same of the same broker, with members of
//! both protocols at work, and what one does the other sees.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use serde_json::Value;

use crate::broker::Broker;
use crate::groups::{DEADLINE, GROUPS, member_with, read, settle, tool};
use crate::kcat::kcat;
use crate::librdkafka::{Admin, next_despite_errors};
use crate::process::{Finished, run};

const SETTINGS: [(&str, &str); 5] = [
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "100"),
    ("group.consumer.heartbeat.interval.ms", "100"),
    ("group.consumer.min.heartbeat.interval.ms", "100"),
    ("group.consumer.assignment.interval.ms", "0"),
];

/// The broker under test, then Apache Kafka.
fn on_both(check: fn(&Broker)) {
    check(&Broker::with(&SETTINGS));
    check(&Broker::kafka_with(&SETTINGS));
}

fn run_klog(broker: &Broker, line: &str, input: &str) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
    command.arg("groups").args(line.split_whitespace());
    command.env("KLOG_BOOTSTRAP_SERVERS", broker.address());
    run(&mut command, input.as_bytes(), Duration::from_secs(60))
}

/// What `klog groups` prints.
fn klog(broker: &Broker, line: &str) -> Vec<Value> {
    let text = run_klog(broker, &format!("{line} --format json"), "").text();
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// What `klog groups` says that must fail.
fn refused(broker: &Broker, line: &str, input: &str) -> String {
    let finished = run_klog(broker, line, input);
    assert!(!finished.ok, "{line} did it");
    finished.stderr
}

/// The tables that Kafka's tool prints, each line by the names of its columns.
fn kafka(broker: &Broker, line: &str) -> Vec<BTreeMap<String, String>> {
    let text = tool(broker, GROUPS, line).ok().replace("COORDINATOR (ID)", "COORDINATOR ID");
    let (mut rows, mut names) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let cells: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if cells.first().is_some_and(|first| first == "GROUP") {
            names = cells;
        } else if cells.len() == names.len() && !names.is_empty() {
            rows.push(names.iter().cloned().zip(cells).collect());
        }
    }
    rows
}

/// A value as Kafka's tool writes it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `t:0,1;u:0`
fn share(value: &Value) -> String {
    let topic = |topic: &Value| {
        let numbers: Vec<String> =
            topic["partitions"].as_array().into_iter().flatten().map(cell).collect();
        format!("{}:{}", cell(&topic["topic"]), numbers.join(","))
    };
    let topics: Vec<String> = value.as_array().into_iter().flatten().map(topic).collect();
    topics.join(";")
}

fn classic(broker: &Broker, group: &str, client: &str) -> BaseConsumer {
    let more = [
        ("heartbeat.interval.ms", "100"),
        ("client.id", client),
        ("partition.assignment.strategy", "roundrobin"),
    ];
    member_with(broker, group, "t", &more)
}

fn modern(broker: &Broker, group: &str, client: &str) -> BaseConsumer {
    member_with(broker, group, "t", &[("group.protocol", "consumer"), ("client.id", client)])
}

/// Polls until the group's members all follow it.
fn until_stable(broker: &Broker, group: &str, members: &[&BaseConsumer]) {
    let end = Instant::now() + DEADLINE;
    while klog(broker, &format!("describe {group} --state"))[0]["state"] != "Stable" {
        assert!(Instant::now() < end, "{group} does not become stable");
        for member in members {
            next_despite_errors(member, Duration::from_millis(20));
        }
    }
}

/// Topic `t` of 4 partitions with 10 records in each.
fn fill(broker: &Broker) {
    Admin::new(broker.address()).create("t", 4, &[]);
    for partition in 0..4 {
        let lines: String = (0..10).map(|line| format!("{line}\n")).collect();
        kcat(broker, &["-P", "-t", "t", "-p", &partition.to_string()], lines.as_bytes());
    }
}

#[test]
fn groups_and_members_and_offsets_are_told_as_kafkas_tool_tells_them() {
    on_both(|broker| {
        fill(broker);
        let (a, b) = (classic(broker, "old", "a"), classic(broker, "old", "b"));
        let seen = settle(&[&a, &b], &[2, 2]).len();
        let (c, d) = (modern(broker, "new", "c"), modern(broker, "new", "d"));
        settle(&[&c, &d], &[2, 2]);
        let members = [&a, &b, &c, &d];
        read(&members[..2], 40_usize.saturating_sub(seen));
        for member in &members[..3] {
            // One member of the new group has committed nothing.
            member.commit_consumer_state(CommitMode::Sync).ok();
        }
        kcat(broker, &["-P", "-t", "t", "-p", "0"], b"more\n");
        kcat(broker, &["-G", "idle", "-q", "-e", "-X", "auto.offset.reset=earliest", "t"], b"");
        until_stable(broker, "old", &members[..2]);
        until_stable(broker, "new", &members[2..]);
        same_lists(broker);
        for group in ["old", "new", "idle"] {
            same_offsets(broker, group);
            same_state(broker, group);
        }
        for group in ["old", "new"] {
            same_members(broker, group);
        }
    });
}

fn same_lists(broker: &Broker) {
    let columns = ["group", "type", "state"];
    let ours = |line: &str| -> BTreeSet<Vec<String>> {
        let rows = klog(broker, line);
        rows.iter().map(|row| columns.map(|name| cell(&row[name])).to_vec()).collect()
    };
    let theirs = |line: &str| -> BTreeSet<Vec<String>> {
        let row = |row: &BTreeMap<String, String>| {
            vec![row["GROUP"].clone(), row["TYPE"].to_lowercase(), row["STATE"].clone()]
        };
        kafka(broker, line).iter().map(row).collect()
    };
    let all = ours("list");
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all, theirs("--list --type --state"));
    for state in ["Stable", "Empty"] {
        let some = ours(&format!("list --state {state}"));
        assert!(some.len() < all.len() && !some.is_empty(), "{some:?}");
        assert_eq!(some, theirs(&format!("--list --type --state {state}")));
    }
    let told: Vec<(String, String, String)> = klog(broker, "list")
        .iter()
        .map(|row| (cell(&row["group"]), cell(&row["protocol"]), cell(&row["members"])))
        .collect();
    let wanted = [("idle", "-", "0"), ("new", "uniform", "2"), ("old", "roundrobin", "2")];
    let wanted = wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(told, wanted);
}

fn same_offsets(broker: &Broker, group: &str) {
    let ours: BTreeSet<Vec<String>> = klog(broker, &format!("describe {group}"))
        .iter()
        .map(|row| {
            let lag = row["lag"].as_i64();
            assert_eq!(row["log_start"], 0);
            let old = row["lag_ms"].as_i64();
            assert!(
                lag.is_none() == old.is_none() && lag.is_none_or(|lag| lag > 0 || old == Some(0)),
                "{row}"
            );
            assert!(old.is_none_or(|old| (0..120_000).contains(&old)), "{row}");
            let columns =
                ["topic", "partition", "committed", "log_end", "lag", "member_id", "client_id"];
            let mut cells = columns.map(|name| cell(&row[name])).to_vec();
            cells.push(row["host"].as_str().map_or("-".into(), |host| format!("/{host}")));
            cells
        })
        .collect();
    let theirs: BTreeSet<Vec<String>> = kafka(broker, &format!("--describe --group {group}"))
        .iter()
        .map(|row| {
            let columns = [
                "TOPIC",
                "PARTITION",
                "CURRENT-OFFSET",
                "LOG-END-OFFSET",
                "LAG",
                "CONSUMER-ID",
                "CLIENT-ID",
                "HOST",
            ];
            columns.map(|name| row[name].clone()).to_vec()
        })
        .collect();
    assert_eq!(ours.len(), 4, "{ours:?}");
    assert_eq!(ours, theirs);
}

fn same_state(broker: &Broker, group: &str) {
    let ours = klog(broker, &format!("describe {group} --state")).remove(0);
    let text = tool(broker, GROUPS, &format!("--describe --group {group} --state")).ok();
    let row = text.lines().find(|line| line.starts_with(group)).expect("a line of the group");
    // An empty group has no strategy, and there is then one word less.
    let mut theirs: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(theirs.pop(), Some(&*cell(&ours["members"])), "{row}");
    assert_eq!(theirs.pop(), Some(&*cell(&ours["state"])), "{row}");
    if let Some(protocol) = ours["protocol"].as_str() {
        assert_eq!(theirs.pop(), Some(protocol), "{row}");
    }
    let coordinator = format!("({})", ours["coordinator"]);
    assert!(theirs.contains(&coordinator.as_str()), "{row}");
    if ours["type"] == "consumer" {
        let verbose = kafka(broker, &format!("--describe --group {group} --state --verbose"));
        assert_eq!(verbose[0]["GROUP-EPOCH"], cell(&ours["epoch"]));
    }
}

fn same_members(broker: &Broker, group: &str) {
    let ours: BTreeSet<Vec<String>> = klog(broker, &format!("describe {group} --members"))
        .iter()
        .map(|row| {
            vec![
                cell(&row["member_id"]),
                format!("/{}", cell(&row["host"])),
                cell(&row["client_id"]),
                cell(&row["epoch"]),
                share(&row["assignment"]),
            ]
        })
        .collect();
    let theirs: BTreeSet<Vec<String>> =
        kafka(broker, &format!("--describe --group {group} --members --verbose"))
            .iter()
            .map(|row| {
                let columns =
                    ["CONSUMER-ID", "HOST", "CLIENT-ID", "CURRENT-EPOCH", "CURRENT-ASSIGNMENT"];
                columns.map(|name| row[name].clone()).to_vec()
            })
            .collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert_eq!(ours, theirs);
}

/// What is committed of each partition, as Kafka's tool tells it.
fn committed(broker: &Broker, group: &str) -> BTreeMap<String, String> {
    let rows = kafka(broker, &format!("--describe --group {group}"));
    rows.into_iter().map(|row| (row["PARTITION"].clone(), row["CURRENT-OFFSET"].clone())).collect()
}

#[test]
fn a_reset_goes_where_kafkas_tool_goes() {
    on_both(|broker| {
        fill(broker);
        let when = jiff::Timestamp::now();
        for partition in 0..2 {
            kcat(broker, &["-P", "-t", "t", "-p", &partition.to_string()], b"a\nb\n");
        }
        run_klog(broker, "reset g --topic t --to 5", "").text();
        let datetime = format!("--to-datetime {}", when.strftime("%Y-%m-%dT%H:%M:%S.%3f"));
        for (to, theirs) in [
            ("earliest", "--to-earliest"),
            ("latest", "--to-latest"),
            ("3", "--to-offset 3"),
            ("11", "--to-offset 11"),
            ("+2", "--shift-by 2"),
            ("-2", "--shift-by -2"),
            ("+6", "--shift-by 6"),
            ("-6", "--shift-by -6"),
            (&*format!("@{}", when.as_millisecond()), &datetime),
        ] {
            for scope in [("--topic t", "--topic t"), ("--topic t:1,3", "--topic t:1,3")] {
                let ours = klog(broker, &format!("reset g {} --to {to} --dry-run", scope.0));
                let ours: BTreeMap<String, String> =
                    ours.iter().map(|row| (cell(&row["partition"]), cell(&row["to"]))).collect();
                let line = format!("--reset-offsets --group g {} {theirs} --dry-run", scope.1);
                let theirs: BTreeMap<String, String> = kafka(broker, &line)
                    .into_iter()
                    .map(|row| (row["PARTITION"].clone(), row["NEW-OFFSET"].clone()))
                    .collect();
                assert_eq!(ours, theirs, "--to {to}");
                assert_eq!(ours.len(), if scope.0.contains(':') { 2 } else { 4 });
            }
        }
        assert!(committed(broker, "g").values().all(|offset| offset == "5"), "a dry run did it");
        let steps = klog(broker, "reset g --all-topics --to -2");
        assert!(steps.iter().all(|step| step["from"] == 5 && step["to"] == 3), "{steps:?}");
        assert!(committed(broker, "g").values().all(|offset| offset == "3"));
    });
}

#[test]
fn a_group_with_members_is_not_changed_and_they_are_named() {
    on_both(|broker| {
        fill(broker);
        let (old, new) = (classic(broker, "old", "the-old"), modern(broker, "new", "the-new"));
        for member in [&old, &new] {
            let seen = settle(&[member], &[4]).len();
            read(&[member], 40 - seen);
            member.commit_consumer_state(CommitMode::Sync).expect("offsets are committed");
        }
        for (group, client) in [("old", "the-old"), ("new", "the-new")] {
            let line = "{\"topic\":\"t\",\"partition\":0,\"offset\":1}\n";
            for (change, input) in [
                (format!("reset {group} --topic t --to earliest"), ""),
                (format!("reset {group} --topic t --to earliest --dry-run"), ""),
                (format!("import {group}"), line),
                (format!("delete {group} --yes"), ""),
                (format!("delete {group} --dry-run"), ""),
            ] {
                let said = refused(broker, &change, input);
                assert!(said.contains(&format!("group {group} is in use: it is ")), "{said}");
                assert!(
                    said.contains(&format!("hint: stop its members first: {client} at 127.0.0.1")),
                    "{said}"
                );
            }
            let said = refused(broker, &format!("delete-offsets {group} --topic t --yes"), "");
            assert!(said.contains("GROUP_SUBSCRIBED_TO_TOPIC"), "{said}");
            assert!(said.contains("hint: stop the members that read t first"), "{said}");
            assert!(committed(broker, group).values().all(|offset| offset == "10"));
        }
        drop((old, new));
        for group in ["old", "new"] {
            goes_on_without_members(broker, group);
        }
        assert_eq!(tool(broker, GROUPS, "--list").ok().trim(), "copy");
    });
}

fn goes_on_without_members(broker: &Broker, group: &str) {
    let exported = run_klog(broker, &format!("export {group}"), "").text();
    run_klog(broker, "import copy", &exported).text();
    let copy = run_klog(broker, "export copy", "").text();
    assert_eq!(copy, exported.replace(&format!("\"{group}\""), "\"copy\""));
    assert_eq!(exported.lines().count(), 4, "{exported}");
    klog(broker, &format!("reset {group} --topic t:0,1 --to 7"));
    let told: Vec<String> = committed(broker, group).into_values().collect();
    assert_eq!(told, ["7", "7", "10", "10"]);
    let forgotten = klog(broker, &format!("delete-offsets {group} --topic t:1,2 --yes"));
    assert_eq!(forgotten.len(), 2);
    let left: Vec<String> = committed(broker, group).into_keys().collect();
    assert_eq!(left, ["0", "3"]);
    klog(broker, &format!("delete {group} --yes"));
}
