//! `klog consume`

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::server::{Server, fresh, stderr};
use crate::signal::{self, Signal};

/// A topic with two partitions, each with `pN-0` to `pN-9` at times 1000 to 1009.
fn two_partitions(server: &Server) {
    server.output_of(["topics", "create", "t", "-p", "2"]);
    for partition in ["0", "1"] {
        let line = |n| {
            format!(
                "{{\"value\":\"p{partition}-{n}\",\"key\":\"k{n}\",\"timestamp\":{}}}\n",
                1000 + n
            )
        };
        let lines: String = (0..10).map(line).collect();
        server
            .klog(["produce", "t", "-p", partition, "--input", "json"])
            .write_stdin(lines)
            .assert()
            .success();
    }
}

fn consumed(server: &Server, options: &[&str]) -> Vec<String> {
    let args: Vec<&str> =
        ["consume", "t", "-e"].into_iter().chain(options.iter().copied()).collect();
    let mut lines: Vec<String> = server.output_of(args).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn reading_starts_where_it_is_told() {
    let (server, _data) = fresh();
    two_partitions(&server);
    assert_eq!(consumed(&server, &[]).len(), 20);
    assert_eq!(consumed(&server, &["-o", "earliest"]).len(), 20);
    assert_eq!(consumed(&server, &["-o", "latest"]), Vec::<String>::new());
    assert_eq!(consumed(&server, &["-o", "8"]), ["p0-8", "p0-9", "p1-8", "p1-9"]);
    assert_eq!(consumed(&server, &["-o", "-1"]), ["p0-9", "p1-9"]);
    assert_eq!(consumed(&server, &["-o", "@1009"]), ["p0-9", "p1-9"]);
    assert_eq!(consumed(&server, &["-o", "1970-01-01T00:00:01.008Z", "-p", "1"]), ["p1-8", "p1-9"]);
    assert_eq!(consumed(&server, &["-o", "-15m"]), Vec::<String>::new());
}

#[test]
fn an_offset_that_is_not_there_goes_where_reset_says() {
    let (server, _data) = fresh();
    two_partitions(&server);
    assert_eq!(consumed(&server, &["-o", "99"]).len(), 20);
    assert_eq!(consumed(&server, &["-o", "99", "--reset", "latest"]).len(), 0);
    let said = stderr(
        &server.klog(["consume", "t", "-e", "-o", "99", "--reset", "error"]).assert().code(1),
    );
    assert!(said.contains("the first is 0, the end is 10"), "{said}");
}

#[test]
fn reading_stops_before_what_until_names() {
    let (server, _data) = fresh();
    two_partitions(&server);
    let until = |until| {
        let mut lines: Vec<String> = server
            .output_of(["consume", "t", "--until", until])
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(until("1"), ["p0-0", "p1-0"]);
    assert_eq!(until("@1002"), ["p0-0", "p0-1", "p1-0", "p1-1"]);
    assert_eq!(until("end").len(), 20);
    assert_eq!(until("0"), Vec::<String>::new());
}

#[test]
fn partitions_counts_and_filters_choose_what_is_printed() {
    let (server, _data) = fresh();
    two_partitions(&server);
    assert_eq!(consumed(&server, &["-p", "1", "-n", "3"]), ["p1-0", "p1-1", "p1-2"]);
    assert_eq!(consumed(&server, &["--key-regex", "^k3$"]), ["p0-3", "p1-3"]);
    assert_eq!(consumed(&server, &["--value-regex", "-4", "-K", "="]), ["k4=p0-4", "k4=p1-4"]);
    assert_eq!(consumed(&server, &["--header-regex", "a=1"]), Vec::<String>::new());
    let said = stderr(&server.klog(["consume", "t", "-e", "-p", "5"]).assert().code(1));
    assert!(said.contains("has no partition 5"), "{said}");
}

#[test]
fn a_pattern_reads_every_topic_that_it_matches() {
    let (server, _data) = fresh();
    server.produce("logs-a", "a\n");
    server.produce("logs-b", "b\n");
    server.produce("other", "c\n");
    let lines = server.output_of(["consume", "-r", "logs-.*", "-e", "--template", r"%t=%v\n"]);
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["logs-a=a", "logs-b=b"]);
    let said = stderr(&server.klog(["consume", "-r", "nothing.*", "-e"]).assert().code(1));
    assert!(said.contains("no topic matches"), "{said}");
    let said = stderr(&server.klog(["consume", "-r", "(", "-e"]).assert().code(2));
    assert!(said.starts_with("klog: "), "{said}");
}

#[test]
fn an_empty_topic_ends_at_once() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "3"]);
    assert_eq!(consumed(&server, &[]), Vec::<String>::new());
}

#[test]
fn the_end_is_reached_after_records_were_trimmed() {
    let (server, _data) = fresh();
    two_partitions(&server);
    server.output_of(["topics", "trim", "t", "--before", "latest", "--yes"]);
    assert_eq!(consumed(&server, &[]), Vec::<String>::new());
    server.klog(["produce", "t", "-p", "0"]).write_stdin("new\n").assert().success();
    assert_eq!(consumed(&server, &[]), ["new"]);
    assert_eq!(consumed(&server, &["-o", "-5"]), ["new"]);
}

#[test]
fn null_values_print_as_asked() {
    let (server, _data) = fresh();
    server.klog(["produce", "t", "--null-marker", "-"]).write_stdin("a\n-\n").assert().success();
    assert_eq!(server.output_of(["consume", "t", "-e"]), "a\n\n");
    assert_eq!(server.output_of(["consume", "t", "-e", "--null-marker", "NULL"]), "a\nNULL\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (server, _data) = fresh();
    server.produce("t", &"a line of some length\n".repeat(200_000));
    let mut child = server
        .process(["consume", "t"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("klog runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("it can be read"), "a line of some length");
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn ctrl_c_prints_what_was_read_and_exits_130() {
    let (server, _data) = fresh();
    server.produce("t", "a\n");
    let mut child =
        server.process(["consume", "t"]).stdout(Stdio::piped()).spawn().expect("klog runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("it can be read"), "a");
    signal::send(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn a_broker_that_is_gone_is_told_once_it_stays_away_and_so_is_its_return() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    let address = server.address.clone();
    server.produce("t", "one\n");
    // What is not said would be waited for without end.
    let mut command = Command::new("timeout");
    command.arg("60").arg(env!("CARGO_BIN_EXE_klog")).args(["consume", "t", "-n", "2"]);
    command.args(["-b", &server.address]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("klog runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    assert_eq!(output.next().expect("a line").expect("UTF-8"), "one");
    server.stop();
    let told = said.next().expect("a line").expect("UTF-8");
    assert!(told.contains(&address) && told.contains("trying on"), "{told}");
    let server = Server::start_at(data.path(), &address);
    let told = said.next().expect("a line").expect("UTF-8");
    assert!(told.contains(&address) && told.contains("answers again"), "{told}");
    server.produce("t", "two\n");
    assert_eq!(output.next().expect("a line").expect("UTF-8"), "two");
    assert!(child.wait().expect("it ends").success());
}
