//! A record as a plain line: the value, perhaps after the key.

use bytes::Bytes;

use super::Shown;

/// How plain lines look.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Printed between key and value; without it the key is not printed.
    pub key_separator: Option<Bytes>,
    /// Printed for null.
    pub null_marker: Bytes,
    /// Printed after each record.
    pub delimiter: Bytes,
}

impl Plain {
    /// Appends one record.
    pub fn write(&self, out: &mut Vec<u8>, record: &Shown<'_>) {
        if let Some(separator) = &self.key_separator {
            out.extend_from_slice(record.key.unwrap_or(&self.null_marker));
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(record.value.unwrap_or(&self.null_marker));
        out.extend_from_slice(&self.delimiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stands_first_and_null_is_what_was_asked_for() {
        let marker = Bytes::from_static(b"NULL");
        let end = Bytes::from_static(b"\n");
        let mut plain = Plain { key_separator: None, null_marker: marker, delimiter: end };
        let record = Shown { value: Some(b"v"), ..Shown::default() };
        let mut out = Vec::new();
        plain.write(&mut out, &record);
        plain.key_separator = Some(Bytes::from_static(b": "));
        plain.write(&mut out, &record);
        assert_eq!(out, b"v\nNULL: v\n");
    }
}
