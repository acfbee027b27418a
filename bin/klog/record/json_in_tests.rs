//! The fuzzing targets compile `json_in.rs` by itself, so its tests stand beside it.

use bytes::Bytes;

use super::json_in::{JsonRecord, Timestamp, parse_json};
use super::{Shown, write_json};

fn parse(line: &str) -> Result<JsonRecord, String> {
    parse_json(&Bytes::copy_from_slice(line.as_bytes()))
}

#[test]
fn what_consume_prints_is_read_back_the_same() {
    let shown = Shown {
        topic: "t",
        partition: 3,
        offset: 9,
        timestamp: Some(17),
        append_time: false,
        key: Some(b"k\"\n\xc3\xa9"),
        value: Some(b"\xff\xfe"),
        headers: vec![(b"h", None), (b"h", Some(b"\x80")), (b"e", Some(b""))],
    };
    let mut line = Vec::new();
    write_json(&mut line, &shown);
    let read = parse_json(&Bytes::from(line)).expect("it is read");
    assert_eq!(read.partition, Some(3));
    assert_eq!(read.timestamp, Timestamp::At(17));
    assert_eq!(read.key.as_deref(), shown.key);
    assert_eq!(read.value.as_deref(), shown.value);
    let headers: Vec<(&[u8], Option<&[u8]>)> =
        read.headers.iter().map(|(k, v)| (k.as_bytes().as_ref(), v.as_deref())).collect();
    assert_eq!(headers, shown.headers);
}

#[test]
fn missing_and_null_differ() {
    let read = parse(r#"{"value":null}"#).expect("it is read");
    assert_eq!((read.timestamp, read.value, read.partition), (Timestamp::Now, None, None));
    let read =
        parse(r#"{"value":"","timestamp":null,"partition":null,"key":null}"#).expect("it is read");
    assert_eq!((read.timestamp, read.key), (Timestamp::Absent, None));
    assert_eq!(read.value.as_deref(), Some(&b""[..]));
}

#[test]
fn unescaped_text_is_a_slice_of_the_line() {
    let line = Bytes::from_static(br#"{"value":"plain"}"#);
    let value = parse_json(&line).expect("it is read").value.expect("it is not null");
    assert!(line.as_ptr_range().contains(&value.as_ptr()));
}

#[test]
fn a_wrong_line_is_refused_in_words() {
    let refusal = |line| parse(line).expect_err(line);
    assert_eq!(refusal(r#"{"key":"k"}"#), "`value` is missing (null makes a tombstone)");
    assert_eq!(
        refusal(r#"{"value":"a","value_base64":"YQ=="}"#),
        "`value` and `value_base64` exclude each other"
    );
    assert!(refusal(r#"{"value":5}"#).contains("expected a string or null"));
    assert!(refusal(r#"{"value":{"a":1}}"#).contains("quote JSON that is a value"));
    assert!(refusal(r#"{"value_base64":"?"}"#).contains("not base64"));
    assert!(refusal(r#"{"value":"a","partition":-1}"#).contains("no partition -1"));
    assert!(refusal(r#"{"value":"a","control":{"type":"commit"}}"#).contains("control record"));
    for decoded in [
        r#"{"key":{"type":1,"data":{}},"value":null,"decoded":true}"#,
        r#"{"key":null,"value":{"type":2},"decoded":true}"#,
        r#"{"key":null,"value":null,"decoded":true}"#,
    ] {
        assert!(refusal(decoded).contains("--raw"), "{decoded}");
    }
    for none in ["plain text", "[1]", "5", "\"value\""] {
        assert!(refusal(none).contains("not a JSON object"), "{none}");
    }
    assert!(refusal(r#"{"value" "a"}"#).contains("column 10"));
}
