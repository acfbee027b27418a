//! What klog is for: a log goes in, and comes out the same.

use std::fs;
use std::process::Stdio;

use crate::server::{Server, fresh};

/// Some 20 MB of lines like those of a package manager's log.
fn log_file() -> String {
    let mut text = String::new();
    for n in 0..250_000u32 {
        let state = ["unpacked", "half-configured", "installed"][n as usize % 3];
        text.push_str(&format!(
            "2026-01-{:02} 12:{:02}:{:02} status {state} package-{}:amd64 1.{n}-{}\n",
            n / 8640 % 28 + 1,
            n / 60 % 60,
            n % 60,
            n % 977,
            n % 7
        ));
    }
    text
}

#[test]
fn a_file_that_is_produced_is_consumed_byte_for_byte() {
    let (server, data) = fresh();
    let (file, copy) = (data.path().join("in.log"), data.path().join("out.log"));
    let text = log_file();
    fs::write(&file, &text).expect("the file can be written");

    let input = fs::File::open(&file).expect("the file can be read");
    let status = server.process(["produce", "events"]).stdin(input).status();
    assert!(status.expect("klog runs").success());

    let output = fs::File::create(&copy).expect("the copy can be made");
    let status = server.process(["consume", "events", "-e"]).stdout(output).status();
    assert!(status.expect("klog runs").success());
    assert!(fs::read_to_string(&copy).expect("the copy can be read") == text, "they differ");
}

#[test]
fn a_restarted_broker_serves_all_that_it_had() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.output_of(["topics", "create", "kept", "-p", "3"]);
    let lines: String = (0..1000).map(|n| format!("k{n}:v{n}\n")).collect();
    server.klog(["produce", "kept", "-K", ":"]).write_stdin(lines).assert().success();
    let before = server.output_of(["consume", "kept", "-e", "--format", "json"]);
    assert_eq!(before.lines().count(), 1000);
    assert!(server.stop().success(), "SIGTERM is a clean stop");
    assert!(data.path().join(".kafka_cleanshutdown").exists());

    let server = Server::start(data.path());
    let after = server.output_of(["consume", "kept", "-e", "--format", "json"]);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&after), sorted(&before));
}

#[test]
fn a_killed_broker_serves_all_that_was_acknowledged() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.produce("kept", "a\nb\nc\n");
    drop(server); // kill -9

    let server = Server::start(data.path());
    assert_eq!(server.output_of(["consume", "kept", "-e"]), "a\nb\nc\n");
}

#[test]
fn a_consumer_waits_for_what_is_to_come() {
    use std::io::{BufRead as _, BufReader};
    let (server, _data) = fresh();
    server.produce("live", "first\n");
    let mut follower =
        server.process(["consume", "live"]).stdout(Stdio::piped()).spawn().expect("klog runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("it can be read");
    assert_eq!(next(), "first");
    server.produce("live", "second\n");
    assert_eq!(next(), "second");
    follower.kill().expect("it runs");
    follower.wait().expect("it ends");
}
