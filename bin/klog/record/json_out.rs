//! A record as one line of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Shown;

/// Appends the record's JSON, without a line end. Bytes that are not UTF-8 stand in `…_base64`.
pub fn write_json(out: &mut Vec<u8>, record: &Shown<'_>) {
    write_place(out, record, Some(record.partition));
    out.push(b',');
    field(out, "key", record.key);
    out.push(b',');
    field(out, "value", record.value);
    out.push(b',');
    write_headers(out, record);
    out.push(b'}');
}

/// Appends where and when a record is: `{"topic":…,"timestamp_type":"create"`.
pub fn write_place(out: &mut Vec<u8>, record: &Shown<'_>, partition: Option<i32>) {
    out.extend_from_slice(br#"{"topic":"#);
    string(out, record.topic);
    out.extend_from_slice(br#","partition":"#);
    match partition {
        Some(partition) => number(out, partition.into()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#","offset":"#);
    number(out, record.offset);
    out.extend_from_slice(br#","timestamp":"#);
    match record.timestamp {
        Some(ms) => number(out, ms),
        None => out.extend_from_slice(b"null"),
    }
    let kind = if record.append_time { "append" } else { "create" };
    out.extend_from_slice(br#","timestamp_type":""#);
    out.extend_from_slice(kind.as_bytes());
    out.push(b'"');
}

/// Appends `"headers":[…]`.
pub fn write_headers(out: &mut Vec<u8>, record: &Shown<'_>) {
    out.extend_from_slice(br#""headers":["#);
    for (index, (key, value)) in record.headers.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
        field(out, "key", Some(key));
        out.push(b',');
        field(out, "value", *value);
        out.push(b'}');
    }
    out.push(b']');
}

/// `"name":"text"`, `"name":null`, or `"name_base64":"…"`.
pub fn field(out: &mut Vec<u8>, name: &str, bytes: Option<&[u8]>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => out.extend_from_slice(br#"":null"#),
        Some((_, Ok(text))) => {
            out.extend_from_slice(br#"":"#);
            string(out, text);
        }
        Some((bytes, Err(_))) => {
            out.extend_from_slice(br#"_base64":""#);
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
    }
}

/// A text in quotes.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to memory and quoting a string cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A number.
pub fn number(out: &mut Vec<u8>, number: i64) {
    let _ = serde_json::to_writer(out, &number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_bytes_and_repeated_headers_keep_their_shape() {
        let mut out = Vec::new();
        let record = Shown {
            topic: "t",
            partition: 2,
            offset: 7,
            timestamp: None,
            append_time: false,
            key: None,
            value: Some(b"\xff\x00"),
            headers: vec![(b"a", Some(b"1")), (b"a", None), (b"", Some(b""))],
        };
        write_json(&mut out, &record);
        assert_eq!(
            String::from_utf8_lossy(&out),
            r#"{"topic":"t","partition":2,"offset":7,"timestamp":null,"timestamp_type":"create","key":null,"value_base64":"/wA=","headers":[{"key":"a","value":"1"},{"key":"a","value":null},{"key":"","value":""}]}"#
        );
    }
}
