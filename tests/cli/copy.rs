//! `consume --format json | produce --input json` loses nothing.

use std::process::Stdio;

use crate::server::{Server, fresh};

/// Records with everything that could get lost.
const RECORDS: &str = r#"{"partition":0,"timestamp":1,"key":null,"value":"plain","headers":[]}
{"partition":1,"timestamp":1700000000000,"key":"","value":"","headers":[{"key":"a","value":"1"},{"key":"a","value":"2"},{"key":"a","value":null}]}
{"partition":2,"timestamp":null,"key":"k","value":null,"headers":[{"key":"","value":""}]}
{"partition":2,"timestamp":3,"key_base64":"//4A","value_base64":"gIGC/w==","headers":[{"key":"bin","value_base64":"/w=="}]}
{"partition":0,"timestamp":2,"key":"quotes \" and \\ and \u0001","value":"line\nend, é, 😀","headers":[]}
"#;

/// What a topic holds, without its name, partition by partition.
fn contents(server: &Server, topic: &str) -> Vec<String> {
    let text = server.output_of(["consume", topic, "-e", "--format", "json"]);
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.replace(&format!(r#""topic":"{topic}""#), r#""topic":"T""#))
        .collect();
    lines.sort();
    lines
}

#[test]
fn keys_values_headers_bytes_times_and_partitions_are_copied_exactly() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "from", "to", "-p", "3"]);
    server.klog(["produce", "from", "--input", "json"]).write_stdin(RECORDS).assert().success();

    let mut reader = server
        .process(["consume", "from", "-e", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("klog runs");
    let pipe = reader.stdout.take().expect("a pipe");
    let writer = server.process(["produce", "to", "--input", "json"]).stdin(pipe).status();
    assert!(writer.expect("klog runs").success());
    assert!(reader.wait().expect("it ends").success());

    let copied = contents(&server, "to");
    assert_eq!(copied, contents(&server, "from"));
    assert_eq!(
        copied,
        [
            r#"{"topic":"T","partition":0,"offset":0,"timestamp":1,"timestamp_type":"create","key":null,"value":"plain","headers":[]}"#,
            r#"{"topic":"T","partition":0,"offset":1,"timestamp":2,"timestamp_type":"create","key":"quotes \" and \\ and \u0001","value":"line\nend, é, 😀","headers":[]}"#,
            r#"{"topic":"T","partition":1,"offset":0,"timestamp":1700000000000,"timestamp_type":"create","key":"","value":"","headers":[{"key":"a","value":"1"},{"key":"a","value":"2"},{"key":"a","value":null}]}"#,
            r#"{"topic":"T","partition":2,"offset":0,"timestamp":null,"timestamp_type":"create","key":"k","value":null,"headers":[{"key":"","value":""}]}"#,
            r#"{"topic":"T","partition":2,"offset":1,"timestamp":3,"timestamp_type":"create","key_base64":"//4A","value_base64":"gIGC/w==","headers":[{"key":"bin","value_base64":"/w=="}]}"#,
        ]
    );
}

#[test]
fn partition_and_time_can_be_left_to_the_target() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "one", "-p", "1"]);
    server
        .klog(["produce", "one", "--input", "json", "--ignore-partition", "--ignore-timestamp"])
        .write_stdin(r#"{"partition":7,"timestamp":1,"value":"v"}"#)
        .assert()
        .success();
    let line = server.output_of(["consume", "one", "-e", "--format", "json"]);
    assert!(line.contains(r#""partition":0"#), "{line}");
    assert!(!line.contains(r#""timestamp":1,"#), "{line}");
}
