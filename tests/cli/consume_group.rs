//! `klog consume --group`

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::{Server, stderr};
use crate::signal::{self, Signal};

/// A broker that does not wait for more members than the first, with topic `t` of so many partitions and so many records, one by
/// one into each partition.
fn server(partitions: usize, records: usize) -> (Server, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let options = [
        "--set",
        "group.initial.rebalance.delay.ms=0",
        "--set",
        "group.min.session.timeout.ms=100",
    ];
    let server = Server::start_with(data.path(), &options);
    server.output_of(["topics", "create", "t", "-p", &partitions.to_string()]);
    write(&server, 0..records);
    (server, data)
}

fn write(server: &Server, numbers: std::ops::Range<usize>) {
    let lines: String = numbers.map(|n| format!("{n}\n")).collect();
    let args = ["produce", "t", "--partitioner", "round-robin", "--batch-size", "1"];
    server.klog(args).write_stdin(lines).assert().success();
}

/// What group `g` reads with these options, in order of number.
fn read(server: &Server, options: &[&str]) -> Vec<usize> {
    let args = ["consume", "t", "-g", "g"].into_iter().chain(options.iter().copied());
    let mut numbers: Vec<usize> =
        server.output_of(args).lines().map(|line| line.parse().expect("a number")).collect();
    numbers.sort_unstable();
    numbers
}

fn numbers(range: std::ops::Range<usize>) -> Vec<usize> {
    range.collect()
}

/// A member that runs on.
fn member(server: &Server, options: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let args = ["consume", "t", "-g", "g", "-X", "heartbeat.interval.ms=100"];
    let mut child = server
        .process(args.into_iter().chain(options.iter().copied()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("klog starts");
    let stdout = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
    (child, stdout)
}

fn line(of: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    of.read_line(&mut line).expect("its stdout can be read");
    line.trim_end().to_owned()
}

#[test]
fn a_group_goes_on_where_it_was() {
    let (server, _data) = server(3, 30);
    assert_eq!(read(&server, &["-e"]), numbers(0..30));
    assert_eq!(read(&server, &["-e"]), numbers(0..0));
    write(&server, 30..40);
    assert_eq!(read(&server, &["-e"]), numbers(30..40));
}

#[test]
fn only_what_was_printed_is_committed() {
    for commit in ["auto", "sync", "async"] {
        let (server, _data) = server(1, 10);
        let with = |more: &[&str]| read(&server, &[&["--commit", commit], more].concat());
        assert_eq!(with(&["-n", "3"]), numbers(0..3), "{commit}");
        assert_eq!(with(&["--until", "5"]), numbers(3..5), "{commit}");
        assert_eq!(with(&["-e", "--format", "table", "-n", "0"]), numbers(0..0), "{commit}");
        assert_eq!(with(&["-e"]), numbers(5..10), "{commit}");
        assert_eq!(with(&["-e"]), numbers(0..0), "{commit}");
    }
}

#[test]
fn a_table_is_committed_once_it_is_printed() {
    let (server, _data) = server(1, 10);
    let table = server.output_of(["consume", "t", "-g", "g", "-e", "--format", "table"]);
    assert_eq!(table.matches("t[0]").count(), 10, "{table}");
    assert_eq!(read(&server, &["-e"]), numbers(0..0));
}

#[test]
fn a_table_that_nobody_takes_is_not_committed() {
    let (server, _data) = server(1, 10);
    let args = ["consume", "t", "-g", "g", "-e", "--format", "table", "--commit", "sync"];
    let mut child = server.process(args).stdout(Stdio::piped()).spawn().expect("klog runs");
    drop(child.stdout.take());
    child.wait().expect("it ends");
    assert_eq!(read(&server, &["-e"]), numbers(0..10));
}

#[test]
fn without_commits_a_group_reads_again() {
    let (server, _data) = server(2, 10);
    assert_eq!(read(&server, &["-e", "--commit", "none"]), numbers(0..10));
    assert_eq!(read(&server, &["-e", "-X", "enable.auto.commit=false"]), numbers(0..10));
    assert_eq!(read(&server, &["-e"]), numbers(0..10));
}

#[test]
fn where_to_start_may_be_said_and_holds_for_once() {
    let (server, _data) = server(1, 10);
    assert_eq!(read(&server, &["-o", "8", "-e"]), numbers(8..10));
    assert_eq!(read(&server, &["-o", "stored", "-e"]), numbers(0..0));
    assert_eq!(read(&server, &["-o", "-4", "-e"]), numbers(6..10));
    assert_eq!(read(&server, &["-o", "earliest", "-e"]), numbers(0..10));
    write(&server, 10..12);
    assert_eq!(read(&server, &["-e"]), numbers(10..12));
}

#[test]
fn a_group_without_offsets_starts_where_reset_says() {
    let (server, _data) = server(1, 10);
    let fails = ["consume", "t", "-g", "g", "-e", "--reset", "error"];
    let said = stderr(&server.klog(fails).assert().code(1));
    assert!(said.contains("t[0] has no committed offset to start from"), "{said}");
    assert!(said.contains("hint: --reset earliest"), "{said}");
    assert_eq!(read(&server, &["-e", "--reset", "latest"]), numbers(0..0));
    assert_eq!(read(&server, &["-e"]), numbers(0..0), "that it is at the end is committed");
}

#[test]
fn a_member_that_is_told_to_stop_commits_what_it_wrote() {
    let (server, _data) = server(2, 10);
    for (name, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        write(&server, 0..10);
        let (mut child, mut stdout) = member(&server, &[]);
        (0..10).for_each(|_| drop(line(&mut stdout)));
        signal::send(&child, name);
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
    }
    let rest = read(&server, &["-e"]).len();
    assert!(
        rest <= 10,
        "the first ten of thirty were written and committed, and ten of each run: {rest} left"
    );
}

#[test]
fn a_killed_member_s_records_are_read_again_by_the_others() {
    let (server, _data) = server(1, 5);
    let session = ["-X", "session.timeout.ms=500"];
    let (mut killed, mut stdout) = member(&server, &[&session[..], &["--commit", "none"]].concat());
    (0..5).for_each(|n| assert_eq!(line(&mut stdout), n.to_string()));
    killed.kill().expect("it can be killed");
    killed.wait().expect("it ends");
    let (mut heir, mut stdout) = member(&server, &session);
    (0..5).for_each(|n| assert_eq!(line(&mut stdout), n.to_string()));
    signal::send(&heir, Signal::TERM);
    heir.wait().expect("it ends");
}

#[test]
fn members_share_partitions_whatever_the_assignor() {
    for assignor in ["range", "roundrobin", "sticky", "cooperative-sticky"] {
        let (server, _data) = server(4, 0);
        let options = ["--assignor", assignor];
        let (mut one, mut from_one) = member(&server, &options);
        let (mut two, mut from_two) = member(&server, &options);
        // Whoever reads first, in the end both read: records go on until the second has a share.
        let (mut seen, mut written) = ([false, false], 0);
        while seen != [true, true] {
            write(&server, written..written + 4);
            written += 4;
            for (at, from) in [&mut from_one, &mut from_two].into_iter().enumerate() {
                seen[at] |= has_input(from);
            }
        }
        for child in [&mut one, &mut two] {
            signal::send(child, Signal::TERM);
            assert_eq!(child.wait().expect("it ends").code(), Some(143), "{assignor}");
        }
        // What came too late for them is left to the next member, and nothing else.
        let mut read = read(&server, &["-e", "--assignor", assignor]);
        for from in [from_one, from_two] {
            read.extend(from.lines().map(|line| line.unwrap().parse::<usize>().unwrap()));
        }
        read.sort_unstable();
        assert_eq!(read, numbers(0..written), "{assignor}");
    }
}

/// Whether there is something to read, without waiting.
fn has_input(from: &BufReader<ChildStdout>) -> bool {
    let mut fds = [rustix::event::PollFd::new(from.get_ref(), rustix::event::PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)).expect("a pipe can be polled") > 0
}

#[test]
fn a_pattern_reads_topics_that_come_later() {
    let (server, _data) = server(1, 0);
    let args = [
        "consume",
        "-r",
        "logs-.*",
        "-g",
        "g",
        "-X",
        "metadata.max.age.ms=100",
        "-X",
        "heartbeat.interval.ms=100",
    ];
    let mut child = server.process(args).stdout(Stdio::piped()).spawn().expect("klog starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
    for topic in ["logs-a", "logs-b"] {
        server.output_of(["topics", "create", topic]);
        server.produce(topic, &format!("{topic}\n"));
        assert_eq!(line(&mut stdout), topic);
    }
    signal::send(&child, Signal::TERM);
    child.wait().expect("it ends");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (args, says) in [
        (&["-g", "g", "-p", "0"][..], "-p has no place with a group"),
        (&["--commit", "sync"], "--commit needs a group"),
        (&["--assignor", "range"], "--assignor needs a group"),
        (&["--static-id", "a"], "--static-id needs a group"),
        (&["-o", "stored"], "-o stored needs a group"),
        (&["-g", ""], "value is required"),
        (&["-g", "g", "-X", "group.protocol=consumer"], "classic"),
        (&["-g", "g", "-X", "heartbeat.interval.ms=50000"], "less than session.timeout.ms"),
    ] {
        let mut command = crate::server::klog_assert(["consume", "t"]);
        let said = stderr(&command.args(args).assert().code(2));
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn a_topic_that_is_not_there_is_said_at_once() {
    let (server, _data) = server(1, 0);
    let said = stderr(&server.klog(["consume", "nowhere", "-g", "g"]).assert().code(1));
    assert!(said.contains("topic nowhere does not exist"), "{said}");
}

#[test]
fn a_static_member_that_was_killed_comes_back_to_what_it_had_without_waiting_for_its_session() {
    let (server, _data) = server(2, 10);
    let (mut killed, mut stdout) = member(&server, &["--static-id", "one", "--commit", "sync"]);
    (0..10).for_each(|_| drop(line(&mut stdout)));
    killed.kill().expect("it can be killed");
    killed.wait().expect("it ends");
    write(&server, 10..14);
    let begin = Instant::now();
    let rest = read(&server, &["-e", "--static-id", "one"]);
    assert!(rest.ends_with(&numbers(10..14)), "{rest:?}");
    assert!(begin.elapsed() < Duration::from_secs(30), "a session takes 45 s");
}
