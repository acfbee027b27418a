//! `klog produce`

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::server::{fresh, stderr};
use crate::signal::{self, Signal};

#[test]
fn keys_are_split_at_the_first_separator_and_markers_make_null() {
    let (server, _data) = fresh();
    server
        .klog([
            "produce",
            "t",
            "-K",
            ":",
            "--null-marker",
            "NULL",
            "-H",
            "a=1",
            "-H",
            "a=2",
            "--timestamp",
            "@5",
        ])
        .write_stdin("k:v:w\nk:NULL\n:\n")
        .assert()
        .success();
    let lines = server.output_of([
        "consume",
        "t",
        "-e",
        "--template",
        r"%T %k %v %h %K %V\n",
        "--null-marker",
        "-",
    ]);
    assert_eq!(lines, "5 k v:w a=1,a=2 1 3\n5 k - a=1,a=2 1 -1\n5   a=1,a=2 0 0\n");
}

#[test]
fn a_line_without_separator_is_named_by_its_number_and_those_before_are_written() {
    let (server, _data) = fresh();
    let assert = server
        .klog(["produce", "t", "-K", ":"])
        .write_stdin("a:1\nb:2\nno separator\nc:3\n")
        .assert()
        .code(1);
    let said = stderr(&assert);
    assert!(said.contains("klog: line 3 is no record"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    assert_eq!(server.output_of(["consume", "t", "-e"]), "1\n2\n");
}

#[test]
fn a_bad_json_line_is_named_by_its_number() {
    let (server, _data) = fresh();
    let input = "{\"value\":\"a\"}\n\n{\"valeu\":\"b\"}\n";
    let assert =
        server.klog(["produce", "t", "--input", "json"]).write_stdin(input).assert().code(1);
    let said = stderr(&assert);
    assert!(said.contains("klog: line 3 is no record"), "{said}");
    assert!(said.contains("`value` is missing"), "{said}");
}

#[test]
fn empty_lines_are_empty_values_and_the_last_line_needs_no_end() {
    let (server, _data) = fresh();
    server.produce("t", "a\n\nb");
    assert_eq!(server.output_of(["consume", "t", "-e"]), "a\n\nb\n");
}

#[test]
fn other_delimiters_hold_lines_together_and_raw_takes_all() {
    let (server, _data) = fresh();
    server.klog(["produce", "t", "-D", r"\0"]).write_stdin("a\nb\0c\n").assert().success();
    server.klog(["produce", "t", "--input", "raw"]).write_stdin("x\ny\n").assert().success();
    assert_eq!(server.output_of(["consume", "t", "-e", "-D", "|"]), "a\nb|c\n|x\ny\n|");
}

#[test]
fn offsets_are_printed_in_the_order_of_the_input() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "2"]);
    let print = |format| {
        let output = server
            .klog([
                "produce",
                "t",
                "-p",
                "1",
                "--print-offsets",
                "--format",
                format,
                "--timestamp",
                "@7",
            ])
            .write_stdin("a\nb\n")
            .assert()
            .success();
        String::from_utf8_lossy(&output.get_output().stdout).into_owned()
    };
    assert_eq!(print("plain"), "t[1]@0\nt[1]@1\n");
    assert_eq!(
        print("json"),
        "{\"topic\":\"t\",\"partition\":1,\"offset\":2,\"timestamp\":7}\n\
         {\"topic\":\"t\",\"partition\":1,\"offset\":3,\"timestamp\":7}\n"
    );
}

#[test]
fn every_codec_and_acks_is_taken() {
    let (server, _data) = fresh();
    for (codec, acks) in
        [("none", "0"), ("gzip:9", "1"), ("snappy", "all"), ("lz4", "all"), ("zstd:3", "all")]
    {
        server
            .klog(["produce", "t", "-z", codec, "-a", acks])
            .write_stdin("line\n".repeat(100))
            .assert()
            .success();
    }
    // What acks=0 sent before has arrived: the broker answers one connection's requests in order, not two's.
    let lines = server.output_of(["consume", "t", "-n", "500"]);
    assert_eq!(lines, "line\n".repeat(500));
}

#[test]
fn a_record_that_is_too_large_is_refused_with_its_number_and_what_sets_the_bound() {
    let (server, _data) = fresh();
    let input = format!("small\n{}\n", "x".repeat(2_000_000));
    let said = stderr(&server.klog(["produce", "t"]).write_stdin(input).assert().code(1));
    assert!(said.contains("max.request.size"), "{said}");
}

#[test]
fn a_partition_that_is_not_there_fails_and_is_counted() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "1"]);
    let assert = server.klog(["produce", "t", "-p", "7"]).write_stdin("a\nb\n").assert().code(1);
    let said = stderr(&assert);
    assert!(said.contains("klog: 0 records delivered"), "{said}");
    assert!(said.contains("has no partition 7"), "{said}");
}

#[test]
fn ctrl_c_delivers_what_was_read_and_exits_130() {
    let (server, _data) = fresh();
    let mut child = server
        .process(["produce", "t", "--print-offsets"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("klog runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    stdin.write_all(b"one\ntwo\n").expect("it reads");
    for want in ["t[0]@0", "t[0]@1"] {
        assert_eq!(printed.next().expect("a line").expect("it can be read"), want);
    }
    signal::send(&child, Signal::INT);
    // stdin is still open: only the signal ends it.
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(stdin);
    assert_eq!(server.output_of(["consume", "t", "-e"]), "one\ntwo\n");
}

#[test]
fn sigterm_does_what_ctrl_c_does_and_exits_143() {
    let (server, _data) = fresh();
    let mut child = server
        .process(["produce", "t", "--print-offsets", "--linger", "0ms"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("klog runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    stdin.write_all(b"one\n").expect("it reads");
    printed.next().expect("a line").expect("it can be read");
    signal::send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}

#[test]
fn a_rate_spreads_records_over_time() {
    let (server, _data) = fresh();
    let began = std::time::Instant::now();
    server.klog(["produce", "t", "--rate", "100"]).write_stdin("x\n".repeat(51)).assert().success();
    assert!(began.elapsed() >= std::time::Duration::from_millis(490), "{:?}", began.elapsed());
}
