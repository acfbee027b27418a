//! JSON, written as it is read: nothing is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A text in quotes.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to memory and quoting a string cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A number as it stands.
pub fn number(out: &mut Vec<u8>, number: impl Into<i64>) {
    let _ = serde_json::to_writer(out, &number.into());
}

/// `"name":`
pub fn name(out: &mut Vec<u8>, name: &str) {
    string(out, name);
    out.push(b':');
}

/// A comma, but for the first.
pub fn comma(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// `"name":null` or `"name_base64":"…"`.
pub fn base64(out: &mut Vec<u8>, field: &str, bytes: Option<&[u8]>) {
    match bytes {
        None => {
            name(out, field);
            out.extend_from_slice(b"null");
        }
        Some(bytes) => {
            name(out, &format!("{field}_base64"));
            string(out, &STANDARD.encode(bytes));
        }
    }
}

/// Bytes in hex digits, in quotes.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out.push(b'"');
}
