//! kcat, as Debian ships it, on its own librdkafka: an old one, which gates its features on single advertised versions.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::broker::Broker;
use crate::dump::dump;
use crate::librdkafka::Admin;
use crate::process::run;

/// Runs kcat to its end; gives what it printed.
pub fn kcat(broker: &Broker, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("kcat");
    // cargo's library path holds the librdkafka that the tests were built with; kcat is to use Debian's.
    command.env_remove("LD_LIBRARY_PATH");
    command.args(["-b", broker.address()]).args(arguments);
    run(&mut command, input, Duration::from_secs(60)).text()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("kcat -J prints JSON")).collect()
}

#[test]
fn kcat_reads_back_what_it_wrote_with_each_codec() {
    let mut broker = Broker::start();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        Admin::new(broker.address()).create(codec, 1, &[]);
        let lines: String = (0..1000).map(|i| format!("key {i}:value {i}\n")).collect();
        let codec_option = format!("compression.codec={codec}");
        let produce =
            ["-P", "-t", codec, "-p", "0", "-K:", "-X", &codec_option, "-X", "linger.ms=100"];
        kcat(&broker, &produce, lines.as_bytes());
        let read = kcat(&broker, &["-C", "-q", "-t", codec, "-e", "-K:"], b"");
        assert!(read == lines, "{codec}: what was read differs: {}", &read[..read.len().min(200)]);
    }
    broker.stop();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let dumped = dump(&broker, &format!("{codec}-0"));
        assert!(dumped.contains(&format!("compresscodec: {codec}")), "{codec}\n{dumped}");
    }
}

#[test]
fn kcat_writes_and_reads_headers_nulls_and_empty_values() {
    let broker = Broker::start();
    Admin::new(broker.address()).create("t", 1, &[]);
    let headers = ["-H", "twice=1", "-H", "twice=2", "-H", "null", "-H", "empty="];
    let produce = [&["-P", "-t", "t", "-p", "0", "-K:", "-Z"][..], &headers].concat();
    kcat(&broker, &produce, b"key:value\n:null key\nnull value:\n");
    let read = json_lines(&kcat(&broker, &["-C", "-q", "-t", "t", "-e", "-J"], b""));
    let field = |name: &str| -> Vec<Value> { read.iter().map(|r| r[name].clone()).collect() };
    assert_eq!(field("offset"), [0, 1, 2]);
    assert_eq!(field("key"), [Value::from("key"), Value::Null, Value::from("null value")]);
    assert_eq!(field("payload"), [Value::from("value"), Value::from("null key"), Value::Null]);
    for record in &read {
        let wanted = serde_json::json!(["twice", "1", "twice", "2", "null", null, "empty", ""]);
        assert_eq!(record["headers"], wanted);
    }
}

#[test]
fn kcat_writes_idempotently_and_a_megabyte_at_once() {
    let broker = Broker::start();
    Admin::new(broker.address()).create("t", 3, &[("max.message.bytes", "2097152")]);
    let idempotent = ["-X", "enable.idempotence=true", "-X", "message.max.bytes=2097152"];
    let produce = [&["-P", "-t", "t", "-D", ";"][..], &idempotent].concat();
    let megabyte = "m".repeat(1 << 20);
    kcat(&broker, &produce, format!("{megabyte};small;{megabyte}").as_bytes());
    let read = kcat(&broker, &["-C", "-q", "-t", "t", "-e", "-f", "%S\n"], b"");
    let mut sizes: Vec<&str> = read.lines().collect();
    sizes.sort_unstable();
    assert_eq!(sizes, ["1048576", "1048576", "5"]);
}

#[test]
fn kcat_lists_queries_and_ends_at_the_end_of_an_empty_topic() {
    let broker = Broker::start();
    let admin = Admin::new(broker.address());
    admin.create("empty", 2, &[]);
    admin.create("full", 1, &[]);
    let listed = kcat(&broker, &["-L"], b"");
    assert!(listed.contains("topic \"empty\" with 2 partitions"), "{listed}");
    assert!(listed.contains(broker.address()), "{listed}");
    assert_eq!(kcat(&broker, &["-C", "-q", "-t", "empty", "-e"], b""), "");

    kcat(&broker, &["-P", "-t", "full"], b"a\nb\nc\nd\n");
    let read =
        |from: &str| kcat(&broker, &["-C", "-q", "-t", "full", "-p", "0", "-e", "-o", from], b"");
    assert_eq!(read("beginning"), "a\nb\nc\nd\n");
    assert_eq!(read("2"), "c\nd\n");
    assert_eq!(read("-1"), "d\n");
    assert_eq!(read("end"), "");
    assert_eq!(read("s@1"), "a\nb\nc\nd\n");
    let query = |at: &str| kcat(&broker, &["-Q", "-t", &format!("full:0:{at}")], b"");
    assert_eq!(query("1"), "full [0] offset 0\n");
    assert_eq!(query("-1"), "full [0] offset 4\n");
    assert_eq!(query("-2"), "full [0] offset 0\n");
}

#[test]
fn kcat_makes_a_topic_by_writing_to_it() {
    let broker = Broker::start();
    kcat(&broker, &["-P", "-t", "made-by-writing"], b"first\n");
    assert_eq!(kcat(&broker, &["-C", "-q", "-t", "made-by-writing", "-e"], b""), "first\n");
}
